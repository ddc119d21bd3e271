"""Assertions about what was heard until now."""

from pathlib import Path

import pytest
import trio

from tests.support.testing_plugin import GOODBYE, HELLO, RATE, Line, quieter
from trio_calls.audio import read_wav, silence
from trio_calls.simulator import PhoneState
from trio_calls.testing import heard, heard_nothing, hears_nothing, never_heard


async def test_speech_is_found_wherever_it_is(line: Line) -> None:
    await line.play(GOODBYE, silence(0.5, RATE), HELLO)
    assert heard(line.phone, HELLO).start_seconds == pytest.approx(1.5)
    assert heard(line.phone, GOODBYE).start_seconds == pytest.approx(0)
    assert heard(line.phone.heard, HELLO).end_seconds == pytest.approx(2.5)


@pytest.mark.parametrize("seconds", [5.0, 10.5, 10.9, 600.25])
async def test_long_recordings(seconds: float) -> None:
    recording = silence(seconds, RATE) + HELLO + silence(20, RATE)
    assert heard(recording, HELLO).start_seconds == pytest.approx(seconds)


async def test_speech_that_is_missing(evidence_folder: Path) -> None:
    with pytest.raises(AssertionError) as caught:
        heard(GOODBYE, HELLO)
    assert str(caught.value).startswith(
        "whoever made this recording did not hear the speech (1.00 s) until now\n"
    )
    assert read_wav(evidence_folder / "example-heard.wav", RATE) == GOODBYE
    assert read_wav(evidence_folder / "example-expected.wav", RATE) == HELLO


async def test_the_newest_seconds_are_shown(evidence_folder: Path) -> None:
    with pytest.raises(AssertionError) as caught:
        heard(silence(38.5, RATE) + GOODBYE, HELLO)
    lines = str(caught.value).splitlines()
    assert lines[2] == "  level in dBFS, a line a second (the newest 20 of 40 s):"
    assert lines[3] == "     20 s  silence"
    assert lines[22].startswith("     39 s   -15  ██")
    assert lines[23].startswith("  heard ")


async def test_evidence_is_not_for_committing(evidence_folder: Path) -> None:
    with pytest.raises(AssertionError):
        heard(GOODBYE, HELLO)
    assert (evidence_folder / ".gitignore").read_text(encoding="utf-8") == "*\n"


async def test_speech_that_was_never_heard(line: Line) -> None:
    await line.play(GOODBYE)
    never_heard(line.phone, HELLO)
    never_heard(b"", HELLO)


@pytest.mark.parametrize("remainder", [quieter(HELLO, 20), HELLO[: len(HELLO) // 4]])
async def test_faint_or_cut_off_speech_was_heard(remainder: bytes, evidence_folder: Path) -> None:
    with pytest.raises(AssertionError) as caught:
        never_heard(silence(2, RATE) + remainder, HELLO)
    first, second, *_ = str(caught.value).splitlines()
    assert first == ("whoever made this recording heard the speech (1.00 s), and should not have")
    assert second.endswith(" at 2.00 s; below 0.3 counts as not heard")
    assert read_wav(evidence_folder / "example-unwanted.wav", RATE) == HELLO


async def test_between_heard_and_not_heard(evidence_folder: Path) -> None:
    half = silence(1, RATE) + HELLO[: len(HELLO) // 2]
    with pytest.raises(AssertionError):
        heard(half, HELLO)
    with pytest.raises(AssertionError):
        never_heard(half, HELLO)


async def test_silence_takes_its_time(line: Line, nursery: trio.Nursery) -> None:
    nursery.start_soon(line.play, HELLO, quieter(HELLO, 200), silence(9, RATE))
    await trio.sleep(1.03)
    await hears_nothing(line.phone, for_seconds=3)
    assert trio.current_time() == pytest.approx(4.03)
    heard_nothing(line.phone, since_seconds=1)


async def test_silence_is_broken(line: Line, nursery: trio.Nursery, evidence_folder: Path) -> None:
    nursery.start_soon(line.play, HELLO, silence(1, RATE), HELLO, silence(9, RATE))
    await trio.sleep(1.5)
    with pytest.raises(AssertionError, match=r"heard something at 2\.00 s\n  -15 dBFS; up to -50"):
        await hears_nothing(line.phone, for_seconds=2)
    with pytest.raises(AssertionError, match=r"heard something at 0\.00 s"):
        heard_nothing(line.phone)
    assert read_wav(evidence_folder / "example-heard.wav", RATE) == line.phone.heard


@pytest.mark.parametrize("state", [PhoneState.IDLE, PhoneState.CALLING, PhoneState.HUNG_UP])
async def test_silence_outside_a_call_proves_nothing(line: Line, state: PhoneState) -> None:
    with pytest.raises(AssertionError, match="proves nothing"):
        await hears_nothing(Line(state).phone, for_seconds=1)


async def test_silence_after_a_hangup_proves_nothing(line: Line, nursery: trio.Nursery) -> None:
    @nursery.start_soon
    async def end() -> None:
        await line.play(silence(1, RATE))
        line.phone.hang_up()

    with pytest.raises(AssertionError, match="was not for all of 5 s"):
        await hears_nothing(line.phone, for_seconds=5)
    assert trio.current_time() == pytest.approx(1)


async def test_who_was_never_connected_heard_nothing(line: Line) -> None:
    heard_nothing(line.phone)


@pytest.mark.parametrize("since", [1.5, -1])
async def test_a_time_that_was_not_recorded(since: float) -> None:
    with pytest.raises(ValueError, match=r"no .* s in a recording of 1\.00 s"):
        heard_nothing(silence(1, RATE), since_seconds=since)
