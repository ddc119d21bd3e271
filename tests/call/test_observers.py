"""Whoever watches a call is told what happens to it, once, and in order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs
import pytest
import trio

from tests.support.phone_calls import A, C, D, place_call, speech
from trio_calls import (
    ActiveCall,
    AgentMode,
    CallState,
    EndCause,
    Ending,
    WSSCallClosedError,
    WSSCallCommandTimeoutError,
    WSSCallStateError,
)
from trio_calls.call.active_call import observers_of
from trio_calls.call.observers import TurnTaken
from trio_calls.simulator import SimulatedCall, Simulator, answers, never_answer
from trio_calls.state import Command


@attrs.define(eq=False)
class Observer:
    """Writes down what it is told."""

    told: list[object] = attrs.field(factory=list)

    def state_changed(self, state: CallState, ending: Ending | None) -> None:
        self.told.append(state if ending is None else (state, ending.cause))

    def mode_changed(self, mode: AgentMode) -> None:
        self.told.append(mode)

    def command_ended(self, command: Command, asked_at: float, error: BaseException | None) -> None:
        seconds = round(trio.current_time() - asked_at, 1)
        self.told.append((command, seconds, None if error is None else type(error)))

    def turn_taken(self, turn: TurnTaken) -> None:
        self.told.append(turn)

    def interrupted(self) -> None:
        self.told.append("interrupted")


async def watched(
    simulator: Simulator,
    handler: Callable[[ActiveCall], Awaitable[None]],
    act: Callable[[SimulatedCall], Awaitable[None]] | None = None,
    ring_seconds: float = 2,
) -> list[object]:
    """Return what an observer is told of a call from its offer to its end."""
    observer = Observer()

    async def handle_call(call: ActiveCall) -> None:
        observers_of(call).add(observer)
        await handler(call)

    async with trio.open_nursery() as nursery:
        pickup = answers(after_seconds=ring_seconds)
        call = await place_call(simulator, handle_call, nursery, pickup)
        if act is not None:
            await act(call)
        await call.wait_agent_left()
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    return observer.told


async def test_a_call_with_everything(simulator: Simulator) -> None:
    async def handle_call(call: ActiveCall) -> None:
        await call.answer()
        await call.send_audio(speech(1))
        await call.clear_send_audio_buffer()
        await call.connect()
        await call.whisper()
        await call.whisper()
        await call.send_audio(speech(2))
        await call.close()

    told = await watched(simulator, handle_call)
    close = next(entry for entry in told if isinstance(entry, tuple) and entry[0] is Command.CLOSE)
    # It lets what was said be heard.
    assert close[1] == pytest.approx(1.05, abs=0.06)
    assert told == [
        A,
        (Command.ANSWER, 0, None),
        (Command.INTERRUPT, 0, None),
        C,
        AgentMode.BARGE,
        (Command.CONNECT, 2, None),
        AgentMode.WHISPER,
        (Command.WHISPER, 0, None),
        (Command.WHISPER, 0, None),
        close,
        (D, EndCause.CLOSE),
    ]


async def test_a_hangup_ends_commands_too(simulator: Simulator) -> None:
    async def handle_call(call: ActiveCall) -> None:
        await call.answer()
        with pytest.raises(WSSCallClosedError):
            await call.connect()

    async def hang_up(call: SimulatedCall) -> None:
        await trio.sleep(0.5)
        call.caller.hang_up()

    assert await watched(simulator, handle_call, hang_up) == [
        A,
        (Command.ANSWER, 0, None),
        (D, EndCause.CALLER),
        (Command.CONNECT, 0.5, WSSCallClosedError),
    ]


async def test_what_is_not_allowed_is_over_at_once(simulator: Simulator) -> None:
    async def handle_call(call: ActiveCall) -> None:
        with pytest.raises(WSSCallStateError):
            await call.whisper()
        await call.close()

    observed = await watched_until_released(simulator, handle_call)
    assert observed == [
        (Command.WHISPER, 0, WSSCallStateError),
        (D, EndCause.CLOSE),
        (Command.CLOSE, 0, None),
    ]


async def watched_until_released(
    simulator: Simulator, handler: Callable[[ActiveCall], Awaitable[None]]
) -> list[object]:
    async def hang_up(call: SimulatedCall) -> None:
        await trio.sleep(1)
        call.caller.hang_up()

    return await watched(simulator, handler, hang_up)


async def test_a_command_that_was_not_sent(simulator: Simulator) -> None:
    async def handle_call(call: ActiveCall) -> None:
        await call.answer()
        await call.send_audio(speech(1, 5))
        with trio.move_on_after(0.5):
            await call.connect()
        await call.close(flush=False)

    assert await watched(simulator, handle_call) == [
        A,
        (Command.ANSWER, 0, None),
        (Command.CONNECT, 0.5, trio.Cancelled),
        (Command.CLOSE, 0, None),
        (D, EndCause.CLOSE),
    ]


async def test_a_command_without_a_waiter(simulator: Simulator) -> None:
    async def handle_call(call: ActiveCall) -> None:
        await call.answer()
        with trio.move_on_after(0.5):
            await call.connect()
        await trio.sleep(2)
        await call.close()

    assert await watched(simulator, handle_call) == [
        A,
        (Command.ANSWER, 0, None),
        C,
        AgentMode.BARGE,
        (Command.CONNECT, 2, None),
        (Command.CLOSE, 0, None),
        (D, EndCause.CLOSE),
    ]


@pytest.mark.parametrize("is_waited_for", [False, True])
async def test_an_exchange_that_does_not_answer(simulator: Simulator, is_waited_for: bool) -> None:
    simulator.inject(never_answer("agent.whisper"))

    async def handle_call(call: ActiveCall) -> None:
        await call.connect()
        with trio.move_on_after(60 if is_waited_for else 1):
            with pytest.raises(WSSCallCommandTimeoutError):
                await call.whisper()
        await trio.sleep(60)
        await call.spy()
        await call.close()

    told = await watched(simulator, handle_call)
    (whisper,) = (
        entry for entry in told if isinstance(entry, tuple) and entry[0] is Command.WHISPER
    )
    assert whisper[2] is WSSCallCommandTimeoutError
    assert told[-3:] == [(Command.SPY, 0, None), (Command.CLOSE, 0, None), (D, EndCause.CLOSE)]


async def test_who_leaves_is_told_nothing_more(simulator: Simulator) -> None:
    observer = Observer()

    async def handle_call(call: ActiveCall) -> None:
        observers = observers_of(call)
        observers.add(observer)
        await call.answer()
        observers.remove(observer)
        await call.close()

    await watched(simulator, handle_call)
    assert observer.told == [A, (Command.ANSWER, 0, None)]
