"""answer(), connect() and the modes, cancelled at every moment."""

from __future__ import annotations

import itertools

import pytest
import trio

from tests.support.cancellation import Stage, at_every_moment, quiet
from tests.support.peers.one_call import state_of
from tests.support.phone_calls import A, C, P, speech
from tests.support.wires import on_wires_and_transports
from trio_calls import ActiveCall, AgentMode
from trio_calls.simulator import PhoneState, SimulatedCall
from trio_calls.simulator._simulated_call import drop_recordings

pytestmark = [on_wires_and_transports, pytest.mark.slow]


def agree(call: ActiveCall, phones: SimulatedCall) -> bool:
    """Tell whether the SDK and the exchange are of one mind about a call."""
    return (call.state, call.mode) == (phones.agent_states[-1], phones.agent_mode)


@at_every_moment()
async def test_answer_is_done_or_was_never_asked_for(stage: Stage) -> None:
    for attempt in stage.attempts():
        async with stage.call() as (call, phones):
            with attempt.watch() as scope:
                await call.answer()
            if not scope.cancelled_caught:
                assert call.state is A
            await quiet()
            assert call.state in {P, A}
            assert agree(call, phones)
            if state_of(call) is P:
                await call.answer()
            assert stage.wires[-1].commands == ["call.answer"]


@at_every_moment()
async def test_connect_rings_on_or_was_never_asked_for(stage: Stage) -> None:
    state = [P, A][stage.order % 2]
    for attempt in stage.attempts():
        async with stage.call() as (call, phones):
            if state is A:
                await call.answer()
            with attempt.watch() as scope:
                await call.connect()
            if not scope.cancelled_caught:
                assert call.state is C
            await quiet()
            assert agree(call, phones)
            if phones.callee.state is PhoneState.RINGING:
                await phones.callee.wait_talking()
                await quiet()
            elif state_of(call) is state:
                await call.connect()
            assert call.state is C
            assert agree(call, phones)
            assert stage.wires[-1].commands.count("call.connect") == 1


@at_every_moment()
async def test_the_mode_is_the_old_or_the_new_one_on_both_sides(stage: Stage) -> None:
    async with stage.call() as (call, phones):
        await call.connect()
        for other, mode in itertools.pairwise([*AgentMode, AgentMode.BARGE]):
            for attempt in stage.attempts():
                await set_mode(call, other)
                with attempt.watch() as scope:
                    await set_mode(call, mode)
                if not scope.cancelled_caught:
                    assert call.mode is mode
                await quiet()
                assert call.mode in {other, mode}
                assert agree(call, phones)


@at_every_moment()
async def test_a_cancelled_barge_keeps_the_ears_of_a_whisper(stage: Stage) -> None:
    async with stage.call() as (call, phones):
        await call.connect()
        for attempt in stage.attempts():
            await call.whisper()
            await trio.sleep(0.2)
            drop_recordings(phones)
            secret = speech(attempt.number, seconds=0.1)
            await call.send_audio(secret)
            with attempt.watch():
                await call.barge()
            await trio.sleep(0.3)
            assert agree(call, phones)
            assert not any(phones.caller.heard)
            assert secret in phones.callee.heard


async def set_mode(call: ActiveCall, mode: AgentMode) -> None:
    match mode:
        case AgentMode.BARGE:
            await call.barge()
        case AgentMode.WHISPER:
            await call.whisper()
        case AgentMode.SPY:
            await call.spy()
