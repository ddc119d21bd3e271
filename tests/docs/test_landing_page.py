"""The front page of the documentation plays a call, and says what happens in it."""

from __future__ import annotations

import pytest
import soundfile

from docs import landing_call
from examples.book.stage import SAMPLE_RATE
from trio_calls.audio import duration_seconds

pytestmark = pytest.mark.pure

PAGE = (landing_call.CHECKOUT / "docs" / "index.rst").read_text(encoding="utf-8")
MAX_BYTES = 150_000


def test_what_happens_in_the_call_is_current() -> None:
    scene = landing_call.play()
    kept = landing_call.STORY.read_text(encoding="utf-8")
    assert kept == landing_call.story(scene), "run `python docs/landing_call.py`"
    # It is long enough to have been recorded with all that is told, and no longer.
    sound, rate = soundfile.read(landing_call.RECORDING)
    talked = duration_seconds(len(scene.call.caller.heard), SAMPLE_RATE)
    assert len(sound) / rate == pytest.approx(talked, abs=0.5)
    assert abs(sound).max() > 0.1


def test_the_page_plays_and_tells_it() -> None:
    assert landing_call.RECORDING.stat().st_size < MAX_BYTES
    assert f'src="_static/{landing_call.RECORDING.name}"' in PAGE
    assert f"literalinclude:: {landing_call.STORY.name}\n" in PAGE
