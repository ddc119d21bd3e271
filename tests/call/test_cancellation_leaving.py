"""close() and disconnect(), cancelled at every moment: the agent leaves all the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
import trio

from tests.support.cancellation import Stage, at_every_moment, quiet
from tests.support.peers.one_call import FRAME, state_of
from tests.support.phone_calls import A, C, D, P, speech
from tests.support.wires import on_wires_and_transports
from trio_calls import ActiveCall, WSSCallCommandError
from trio_calls.simulator import PhoneState, never_answers

pytestmark = [on_wires_and_transports, pytest.mark.slow]

GOODBYE = speech(1, seconds=0.08)

Leave = Callable[[ActiveCall], Awaitable[object]]


@at_every_moment()
async def test_close_tells_the_exchange_once_and_leaves(stage: Stage) -> None:
    await leave_at_every_moment(stage, ActiveCall.close, "call.close")


@at_every_moment()
async def test_disconnect_tells_the_exchange_once_and_ends_the_call(stage: Stage) -> None:
    await leave_at_every_moment(stage, ActiveCall.disconnect, "call.disconnect")


async def leave_at_every_moment(stage: Stage, leave: Leave, command: str) -> None:
    state = [A, C][stage.order % 2]
    for attempt in stage.attempts():
        async with stage.call() as (call, phones):
            await (call.answer() if state is A else call.connect())
            await call.send_audio(GOODBYE)
            with attempt.watch() as scope:
                await leave(call)
            if not scope.cancelled_caught:
                assert call.state is D
                assert GOODBYE in phones.agent_said
            await call.wait_disconnected()
            assert phones.agent_states[-1] is D
            assert phones.ended == (command == "call.disconnect" or state is A)
            assert stage.wires[-1].commands[1:] == [command]
            assert GOODBYE.startswith(stage.wires[-1].audio)
            assert len(stage.wires[-1].audio) % FRAME == 0


@at_every_moment()
async def test_close_lets_a_ringing_call_go(stage: Stage) -> None:
    for attempt in stage.attempts():
        async with stage.call() as (call, phones):
            with attempt.watch():
                await call.close()
            assert call.state is D
            assert phones.agent_states == [P]
            assert phones.caller.state is PhoneState.CALLING
            assert len(stage.wires) == 1  # that of the client


@at_every_moment()
async def test_close_of_a_ringing_call_that_the_agent_has_acted_on(stage: Stage) -> None:
    for attempt in stage.attempts():
        async with stage.call(never_answers()) as (call, phones):
            with suppress(WSSCallCommandError):
                await call.connect(ring_time_seconds=1)
            with attempt.watch():
                await call.close()
            await call.wait_disconnected()
            assert phones.agent_states == [P, D]
            assert stage.wires[-1].commands == ["call.connect", "call.close"]


@at_every_moment()
async def test_disconnect_declines_a_ringing_call_or_never_began(stage: Stage) -> None:
    for attempt in stage.attempts():
        async with stage.call() as (call, phones):
            with attempt.watch() as scope:
                await call.disconnect()
            if not scope.cancelled_caught:
                assert call.state is D
            await quiet()
            assert call.state is phones.agent_states[-1]
            if state_of(call) is P:
                await call.disconnect()
            assert phones.ended
            assert stage.wires[-1].commands == ["call.disconnect"]


@at_every_moment()
async def test_leaving_overtakes_a_connect_that_rings(stage: Stage) -> None:
    leaves: list[tuple[Leave, str]] = [
        (ActiveCall.close, "call.close"),
        (ActiveCall.disconnect, "call.disconnect"),
    ]
    leave, command = leaves[stage.order % 2]
    for attempt in stage.attempts():
        async with stage.call(never_answers()) as (call, phones):
            await call.answer()
            with trio.move_on_after(0.01):
                await call.connect()
            with attempt.watch():
                await leave(call)
            await call.wait_disconnected()
            assert phones.ended
            assert stage.wires[-1].commands[1:] == ["call.connect", command]
