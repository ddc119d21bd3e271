"""Whispering a recording into a call: who hears it, and that all is as before. In virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio

from tests.support.fleets import confer, talk
from tests.support.phone_calls import speech
from tests.support.wires import on_both_wires
from trio_calls import ActiveCall, AgentMode, WSSCallClosedError, WSSCallStateError
from trio_calls.audio import find
from trio_calls.fleet._obeying import MAX_AT_WORK, Obedience, whisper
from trio_calls.fleet._orders import AnswerKind, Order, OrderKind
from trio_calls.fleet._watch import ClientWatch
from trio_calls.simulator import SimulatedCall, Simulator, answers
from trio_calls.testing import run_agent
from trio_calls.voice import open_voice

pytestmark = [pytest.mark.pure, pytest.mark.usefixtures("virtual_time")]

SECRET = speech(11, 1.0)
SAID = speech(12, 1.0)


def is_heard(pcm: bytes, heard: bytes) -> bool:
    return find(pcm, heard).correlation > 0.9


class Conference:
    """A call, from both sides."""

    def __init__(self, active: ActiveCall, call: SimulatedCall) -> None:
        self.active = active
        self.call = call


@pytest.fixture
async def conference(simulator: Simulator) -> AsyncIterator[Conference]:
    async with run_agent(confer, simulator) as client:
        call = simulator.place_call(pickup=answers(after_seconds=1))
        await call.callee.wait_talking()
        await trio.sleep(0.1)
        yield Conference(client.calls[0], call)


@on_both_wires
@pytest.mark.parametrize("mode", AgentMode)
async def test_who_hears_the_agent_is_as_before(conference: Conference, mode: AgentMode) -> None:
    active, call = conference.active, conference.call
    await getattr(active, mode.name.lower())()
    await whisper(active, SECRET)
    assert active.mode is mode
    await trio.sleep(0.5)
    assert is_heard(SECRET, call.callee.heard)
    assert not is_heard(SECRET, call.caller.heard)


async def test_a_voice_that_speaks_comes_first(conference: Conference) -> None:
    async with open_voice(conference.active) as voice, trio.open_nursery() as nursery:
        nursery.start_soon(voice.say, SAID)
        await trio.sleep(0.2)
        await whisper(conference.active, SECRET)
        await voice.say(SAID[::-1])
    await trio.sleep(0.5)
    heard = conference.call.caller.heard
    assert is_heard(SAID, heard)
    assert is_heard(SAID[::-1], heard)
    assert not is_heard(SECRET, heard)


async def test_one_that_is_cancelled_leaves_all_as_before(conference: Conference) -> None:
    with trio.move_on_after(0.3) as scope:
        await whisper(conference.active, SECRET)
    assert scope.cancelled_caught
    assert conference.active.mode is AgentMode.BARGE
    await conference.active.send_audio(SAID)
    await trio.sleep(2)
    assert is_heard(SAID, conference.call.caller.heard)
    assert not is_heard(SECRET, conference.call.callee.heard)


async def test_a_hangup_ends_it(conference: Conference) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(hang_up_soon, conference.call)
        with pytest.raises(WSSCallClosedError, match="ended before"):
            await whisper(conference.active, SECRET)


async def hang_up_soon(call: SimulatedCall) -> None:
    await trio.sleep(0.3)
    call.caller.hang_up()
    call.callee.hang_up()


async def test_it_needs_a_conference(simulator: Simulator) -> None:
    async with run_agent(talk, simulator) as client:
        call = simulator.place_call()
        await call.caller.wait_talking()
        await trio.sleep(0.1)
        with pytest.raises(WSSCallStateError):
            await whisper(client.calls[0], SECRET)
        call.caller.hang_up()


def order(number: int, kind: OrderKind, call_id: str | None = None) -> Order:
    return Order(order_id=f"{number:032x}", kind=kind, expires_ms=1000, call_id=call_id)


async def test_orders_are_carried_out_once(simulator: Simulator) -> None:
    drained: list[None] = []
    async with run_agent(talk, simulator) as client, trio.open_nursery() as nursery:
        watch = ClientWatch(client, 10.0, show_numbers=False, wake=lambda: None)
        obedience = Obedience(nursery, watch, lambda: drained.append(None), lambda: None)
        drain = order(1, OrderKind.DRAIN)
        assert obedience.is_new(drain, 0)
        obedience.carry_out(drain)
        assert not obedience.is_new(drain, 0)
        # What nobody waits for any more is not done.
        assert not obedience.is_new(order(2, OrderKind.DRAIN), 1000)
        assert len(drained) == 1
        assert [answer.kind for _, answer in watch.changes.take().answers] == [AnswerKind.DONE]
        watch.stop()


async def test_a_drain_that_fails_is_told(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise KeyError("of the application")

    async with run_agent(talk, simulator) as client, trio.open_nursery() as nursery:
        watch = ClientWatch(client, 10.0, show_numbers=False, wake=lambda: None)
        Obedience(nursery, watch, fail, lambda: None).carry_out(order(1, OrderKind.DRAIN))
        ((_, answer),) = watch.changes.take().answers
        assert (answer.kind, answer.detail) == (AnswerKind.FAILED, "KeyError")
        watch.stop()
    assert "what is to drain this worker failed" in caplog.text


async def test_orders_that_cannot_be_are_told_why(simulator: Simulator) -> None:
    async with run_agent(confer, simulator) as client, trio.open_nursery() as nursery:
        watch = ClientWatch(client, 10.0, show_numbers=False, wake=lambda: None)
        obedience = Obedience(nursery, watch, lambda: None, lambda: None)
        call = simulator.place_call(pickup=answers(after_seconds=1))
        await call.callee.wait_talking()
        await trio.sleep(0.1)
        obedience.carry_out(order(1, OrderKind.CLOSE, "another"))
        obedience.carry_out(order(2, OrderKind.WHISPER, call.call_id))
        obedience.carry_out(order(3, OrderKind.WHISPER, call.call_id), b"odd")
        for number in range(MAX_AT_WORK + 1):
            obedience.carry_out(order(number + 4, OrderKind.WHISPER, call.call_id), SECRET)
        told = [answer.kind for _, answer in watch.changes.take().answers]
        assert told == [
            AnswerKind.NO_CALL,
            AnswerKind.FAILED,
            AnswerKind.FAILED,
            *[AnswerKind.WORKING] * MAX_AT_WORK,
            AnswerKind.FAILED,
        ]
        call.caller.hang_up()
        call.callee.hang_up()
        await trio.sleep(1)
        told = [answer.kind for _, answer in watch.changes.take().answers]
        assert told == [AnswerKind.FAILED] * MAX_AT_WORK
        watch.stop()
