"""Talking over somebody, and what was heard of whoever was interrupted."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from tests.support.testing_plugin import GOODBYE, HELLO, RATE, Line, quieter
from tests.support.wires import on_both_wires
from trio_calls import ActiveCall
from trio_calls.audio import silence
from trio_calls.simulator import PhoneHungUp, Simulator
from trio_calls.testing import interrupted, run_agent, talks_over


def part(seconds: float, start: float = 0) -> bytes:
    return HELLO[round(start * RATE) * 2 : round(seconds * RATE) * 2]


@pytest.mark.parametrize("seconds", [0.1, 0.2, 0.5, 0.9])
async def test_speech_that_was_interrupted(seconds: float) -> None:
    match = interrupted(silence(0.3, RATE) + part(seconds) + silence(2, RATE), HELLO, at=seconds)
    assert match.start_seconds == pytest.approx(0.3)
    assert match.end_seconds == pytest.approx(0.3 + seconds)


async def test_it_may_end_with_the_recording() -> None:
    assert interrupted(part(0.5), HELLO, at=0.5).end_seconds == pytest.approx(0.5)


async def test_it_may_be_quiet() -> None:
    interrupted(quieter(part(0.5), 20), HELLO, at=0.5)


@pytest.mark.parametrize("pause", [0.1, 1, 7])
async def test_it_may_have_been_paused(pause: float) -> None:
    recording = part(0.3) + silence(pause, RATE) + part(0.7, 0.3) + silence(1, RATE)
    assert interrupted(recording, HELLO, at=0.7).end_seconds == pytest.approx(0.7 + pause)


async def test_it_may_have_been_paused_at_its_beginning() -> None:
    recording = part(0.06) + silence(0.3, RATE) + part(0.7, 0.06) + silence(1, RATE)
    assert interrupted(recording, HELLO, at=0.7).end_seconds == pytest.approx(1.0)


async def test_speech_that_was_not_interrupted(evidence_folder: Path) -> None:
    with pytest.raises(AssertionError, match=r"\(1\.00 s\) to its end: it was not interrupted"):
        interrupted(silence(1, RATE) + HELLO, HELLO)


async def test_speech_that_was_interrupted_elsewhere(evidence_folder: Path) -> None:
    with pytest.raises(AssertionError, match=r"heard 0\.50 s of the .*should have heard 0\.80 s"):
        interrupted(part(0.5), HELLO, at=0.8)


async def test_speech_of_which_nothing_was_heard(evidence_folder: Path) -> None:
    with pytest.raises(AssertionError, match="did not hear the speech"):
        interrupted(GOODBYE, HELLO)


async def test_speech_of_which_a_later_part_was_heard(evidence_folder: Path) -> None:
    with pytest.raises(AssertionError, match="and should not have"):
        interrupted(part(0.3) + silence(1, RATE) + part(0.9, 0.5), HELLO)


async def test_what_was_said_before_can_be_left_out() -> None:
    recording = HELLO + silence(1, RATE) + part(0.5) + silence(1, RATE)
    assert interrupted(recording, HELLO, at=0.5, since_seconds=1.5).start_seconds == 2.0


async def test_silent_speech_is_no_speech() -> None:
    with pytest.raises(ValueError, match="silent"):
        interrupted(HELLO, silence(1, RATE))


class TestTalkingOver:
    """A caller who does not wait."""

    @on_both_wires
    async def test_it_begins_where_it_should(self, simulator: Simulator) -> None:
        async def handle_call(call: ActiveCall) -> None:
            await call.answer()
            await call.send_audio(HELLO)
            await call.wait_disconnected()

        async with run_agent(handle_call, simulator):
            call = simulator.place_call()
            await talks_over(call.caller, GOODBYE, over=HELLO, at=0.4)
            call.caller.hang_up()
            await call.wait_ended()
        said, heard = call.caller.said, call.caller.heard
        begun = len(said) - len(said.lstrip(b"\0"))
        spoken = len(heard) - len(heard.lstrip(b"\0"))
        assert (begun - spoken) / 2 / RATE == pytest.approx(0.4, abs=0.041)
        assert GOODBYE in said

    async def test_what_is_not_said_cannot_be_talked_over(
        self, line: Line, evidence_folder: Path
    ) -> None:
        with pytest.raises(AssertionError, match=r"did not hear the speech \(0\.40 s\) within 2 s"):
            await talks_over(line.phone, GOODBYE, over=HELLO, at=0.4, within_seconds=2)

    @pytest.mark.parametrize("at", [0, 0.05, 1.1])
    async def test_no_place(self, line: Line, at: float) -> None:
        with pytest.raises(ValueError, match="at must be"):
            await talks_over(line.phone, GOODBYE, over=HELLO, at=at)

    async def test_a_hangup(self, line: Line, nursery: trio.Nursery) -> None:
        nursery.start_soon(line.play, HELLO)

        @nursery.start_soon
        async def hang_up() -> None:
            await trio.sleep(0.9)
            line.phone.hang_up()

        with pytest.raises(PhoneHungUp):
            await talks_over(line.phone, GOODBYE, over=HELLO, at=0.4)
