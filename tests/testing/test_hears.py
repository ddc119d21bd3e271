"""Waiting for speech."""

from pathlib import Path

import pytest
import trio
import trio.testing

from tests.support.testing_plugin import GOODBYE, HELLO, RATE, Line, quieter
from trio_calls.audio import read_wav, silence, to_pcm, to_samples
from trio_calls.simulator import PhoneState
from trio_calls.testing import Speech, hears


async def test_it_returns_when_the_speech_is_over(line: Line, nursery: trio.Nursery) -> None:
    nursery.start_soon(line.play, silence(1.013, RATE), HELLO, silence(5, RATE))
    match = await hears(line.phone, HELLO, within_seconds=5)
    assert 2.013 <= trio.current_time() <= 2.25
    assert match.start_seconds == pytest.approx(1.013)
    assert match.end_seconds == pytest.approx(2.013)
    assert match.correlation > 0.99


async def test_speech_that_was_heard_before_is_found_at_once(line: Line) -> None:
    await line.play(HELLO, silence(3, RATE))
    before = trio.current_time()
    with trio.testing.assert_checkpoints():
        await hears(line.phone, HELLO)
    assert trio.current_time() == before


async def test_faint_speech_behind_another_voice_is_heard(line: Line) -> None:
    faint = to_samples(quieter(HELLO, 10))
    other = to_samples(quieter(GOODBYE, 30))
    await line.play(to_pcm(faint + other))
    assert (await hears(line.phone, HELLO)).correlation == pytest.approx(0.95, abs=0.01)


async def test_order_matters(line: Line, evidence_folder: Path) -> None:
    await line.play(HELLO, GOODBYE)
    await hears(line.phone, GOODBYE)
    with pytest.raises(AssertionError, match=r"it was heard before, at 0\.00 s"):
        await hears(line.phone, HELLO, within_seconds=1)


async def test_what_is_said_twice_is_heard_twice(line: Line, evidence_folder: Path) -> None:
    await line.play(HELLO, silence(0.5, RATE), HELLO)
    assert (await hears(line.phone, HELLO)).start_seconds == pytest.approx(0)
    assert (await hears(line.phone, HELLO)).start_seconds == pytest.approx(1.5)
    with pytest.raises(AssertionError):
        await hears(line.phone, HELLO, within_seconds=1)


async def test_telephones_listen_each_for_itself(line: Line) -> None:
    other = Line()
    await line.play(HELLO)
    await other.play(HELLO)
    await hears(line.phone, HELLO)
    await hears(other.phone, HELLO)


async def test_a_wait_that_was_cancelled_has_listened_to_nothing(
    line: Line, nursery: trio.Nursery
) -> None:
    nursery.start_soon(line.play, HELLO, silence(3, RATE))
    with trio.move_on_after(2) as impatience:
        await hears(line.phone, GOODBYE)
    assert impatience.cancelled_caught
    await hears(line.phone, HELLO)


async def test_the_time_is_up(line: Line, nursery: trio.Nursery, evidence_folder: Path) -> None:
    nursery.start_soon(line.play, HELLO, silence(9, RATE))
    with pytest.raises(AssertionError) as caught:
        await hears(line.phone, Speech(GOODBYE, "goodbye.wav", RATE), within_seconds=2.5)
    assert trio.current_time() == 2.5
    first, second, *rest = str(caught.value).splitlines()
    assert first == "+65 9111 0000 (TALKING) did not hear goodbye.wav (1.00 s) within 2.5 s"
    assert second.startswith("  best correlation 0.0")
    assert second.endswith(" s; from 0.8 on counts as heard")
    assert rest == [
        "  level in dBFS, a line a second:",
        "      0 s   -15  " + "█" * 22,
        "      1 s  silence",
        "      2 s  silence",
        f"  heard     {evidence_folder}/example-heard.wav",
        f"  expected  {evidence_folder}/example-expected.wav",
    ]
    assert read_wav(evidence_folder / "example-heard.wav", RATE) == line.phone.heard
    assert read_wav(evidence_folder / "example-expected.wav", RATE) == GOODBYE


async def test_speech_that_goes_on_when_the_time_is_up_was_not_heard(
    line: Line, nursery: trio.Nursery, evidence_folder: Path
) -> None:
    nursery.start_soon(line.play, HELLO)
    with pytest.raises(AssertionError, match="the recording ends before it does"):
        await hears(line.phone, HELLO, within_seconds=0.9)


async def test_speech_that_ends_with_the_time_was_heard(line: Line, nursery: trio.Nursery) -> None:
    nursery.start_soon(line.play, HELLO, silence(1, RATE))
    await hears(line.phone, HELLO, within_seconds=1.03)


async def test_the_call_ends(line: Line, nursery: trio.Nursery, evidence_folder: Path) -> None:
    @nursery.start_soon
    async def end() -> None:
        await line.play(HELLO)
        line.phone.hang_up()

    with pytest.raises(AssertionError, match=r"\(HUNG_UP\) did not hear .* before the call ended"):
        await hears(line.phone, GOODBYE, within_seconds=60)
    assert trio.current_time() == pytest.approx(1)


@pytest.mark.parametrize(("said", "is_heard"), [(0.9, True), (0.5, False)])
async def test_the_call_ends_in_the_middle_of_the_speech(
    line: Line, evidence_folder: Path, said: float, is_heard: bool
) -> None:
    await line.play(silence(1, RATE), HELLO[: int(said * len(HELLO))])
    line.phone.hang_up()
    if is_heard:
        match = await hears(line.phone, HELLO)
        assert match.correlation == pytest.approx(said**0.5, abs=0.01)
    else:
        with pytest.raises(AssertionError, match="the recording ends before it does"):
            await hears(line.phone, HELLO)


async def test_a_stricter_ear(line: Line, evidence_folder: Path) -> None:
    await line.play(HELLO[: int(0.9 * len(HELLO))])
    line.phone.hang_up()
    with pytest.raises(AssertionError, match=r"correlation 0\.95 at 0\.00 s; from 0\.99 on"):
        await hears(line.phone, HELLO, min_correlation=0.99)


async def test_a_telephone_that_was_never_connected(
    autojump_clock: trio.testing.MockClock, evidence_folder: Path
) -> None:
    line = Line(PhoneState.CALLING)
    with pytest.raises(AssertionError, match=r"\(CALLING\) did not .*\n.*\n  nothing was recorded"):
        await hears(line.phone, HELLO, within_seconds=120)
    assert trio.current_time() == 120


@pytest.mark.parametrize("speech", [b"", silence(1, RATE)])
async def test_silence_is_no_speech(line: Line, speech: bytes) -> None:
    with pytest.raises(ValueError, match=r"silent: use hears_nothing\(\) or heard_nothing\(\)"):
        await hears(line.phone, speech)
