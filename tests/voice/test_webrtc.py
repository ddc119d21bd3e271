"""WebRTC's detector: what it takes for speech, and what it refuses."""

from __future__ import annotations

import sys

import pytest

from tests.support.sounds import (
    SPEECH_NAMES,
    probabilities,
    seconds_of_speech,
    share_of_speech,
    speech,
    through_a_telephone,
)
from trio_calls.audio import noise, silence, tone
from trio_calls.voice import Endpointing, WebRtcDetector
from trio_calls.voice._endpointing import Endpointer

pytestmark = pytest.mark.pure


@pytest.mark.parametrize("rate", [8000, 16000, 32000, 48000])
@pytest.mark.parametrize("name", SPEECH_NAMES)
async def test_recorded_speech_is_speech(name: str, rate: int) -> None:
    told = await probabilities(WebRtcDetector(sample_rate=rate), speech(name, rate))
    assert share_of_speech(told) > 0.6


@pytest.mark.parametrize("name", SPEECH_NAMES)
async def test_so_it_is_over_a_telephone(name: str) -> None:
    heard = through_a_telephone(speech(name, 8000), 8000)
    assert share_of_speech(await probabilities(WebRtcDetector(sample_rate=8000), heard)) > 0.6


async def test_silence_is_no_speech() -> None:
    assert set(await probabilities(WebRtcDetector(), silence(2, 16000))) == {0.0}


@pytest.mark.parametrize("mode", [0, 1, 2, 3])
async def test_of_faint_noise_the_beginning_is(mode: int) -> None:
    detector = WebRtcDetector(mode)
    line = silence(1, 16000) + noise(3, 16000, seed=1, amplitude=0.01)
    assert 0.05 < seconds_of_speech(detector, await probabilities(detector, line)) < 0.15


@pytest.mark.parametrize("rate", [8000, 16000, 32000, 48000])
async def test_which_need_not_be_an_utterance(rate: int) -> None:
    line = silence(1, rate) + noise(3, rate, seed=1, amplitude=0.01)
    told = await probabilities(WebRtcDetector(sample_rate=rate), line)
    endpointer = Endpointer(Endpointing(min_speech_seconds=0.15), rate)
    assert [
        event for probability in told for event in endpointer.feed(probability, rate // 50)
    ] == []


@pytest.mark.parametrize("mode", [0, 1, 2, 3])
async def test_a_tone_is_speech_in_every_mode(mode: int) -> None:
    detector = WebRtcDetector(mode)
    told = await probabilities(detector, tone(440, 3, 16000, amplitude=0.3))
    assert seconds_of_speech(detector, told) == 3


@pytest.mark.parametrize("mode", [-1, 4, 2.0, "3", None, True])
def test_a_mode_that_it_does_not_have(mode: int) -> None:
    with pytest.raises(ValueError, match=r"mode must be one of \(0, 1, 2, 3\), not"):
        WebRtcDetector(mode=mode)


@pytest.mark.parametrize("rate", [0, 24000, 44100, 16000.0, "16000", None])
def test_a_rate_that_it_does_not_know(rate: int) -> None:
    with pytest.raises(ValueError, match=r"sample_rate must be one of \(8000, 16000, .*, not"):
        WebRtcDetector(sample_rate=rate)


def test_without_its_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "webrtcvad", None)
    with pytest.raises(ModuleNotFoundError, match=r"webrtcvad-wheels: install the extra 'voice'"):
        WebRtcDetector()
