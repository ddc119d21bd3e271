"""open_call_client() and serve_calls(), cancelled at every moment: nothing survives them."""

from __future__ import annotations

import pytest
import trio

from tests.support.cancellation import Stage, at_every_moment, quiet
from tests.support.in_memory import tasks_of_ours
from tests.support.peers.recorded_wires import check_wires
from tests.support.phone_calls import A, D, P, speech
from trio_calls import ActiveCall, events, open_call_client, serve_calls
from trio_calls.audio import FRAME_SECONDS
from trio_calls.simulator import SimulatedCall

pytestmark = pytest.mark.slow

SPEECH = speech(1, seconds=0.04)


async def check_nothing_left(stage: Stage, tasks: list[str]) -> None:
    """Wait for the exchange's clocks to stop, and look for what has survived the client."""
    check_wires(stage.wires)
    stage.wires.clear()
    await trio.sleep(2 * FRAME_SECONDS)
    assert tasks_of_ours() == tasks
    assert stage.simulator.violations == []


@at_every_moment()
async def test_a_client_that_is_being_opened_or_left(stage: Stage) -> None:
    tasks = tasks_of_ours()
    for attempt in stage.attempts():
        has_stood = False
        with attempt.watch():
            async with open_call_client(stage.config):
                await trio.lowlevel.checkpoint()
                has_stood = True
        assert not (has_stood and stage.wires[-1].unfinished)
        await check_nothing_left(stage, tasks)


@at_every_moment()
async def test_serving_calls(stage: Stage) -> None:
    tasks = tasks_of_ours()
    for attempt in stage.attempts():
        agent = Agent()
        phones = stage.simulator.place_call()
        async with trio.open_nursery() as nursery:
            with attempt.watch() as scope:
                nursery.start_soon(agent.cancel_when_done, scope)
                await serve_calls(agent, stage.config)
            nursery.cancel_scope.cancel()
        assert agent.call is None or agent.call.state is D
        await quiet()
        if stage.config.wire == "second" and phones.was_claimed and phones.agent_states[-1] is P:
            phones.caller.hang_up()  # a claim stands there, so nobody else can have the call
        elif phones.agent_states[-1] is P:
            await check_somebody_else_can_take(phones, stage)
        assert phones.agent_states in ([P, A, D], [P, D])
        assert phones.ended
        await check_nothing_left(stage, tasks)


class Agent:
    """Speaks, and then holds the call until it is cancelled."""

    def __init__(self) -> None:
        self.call: ActiveCall | None = None
        self._has_spoken = trio.Event()

    async def __call__(self, call: ActiveCall) -> None:
        self.call = call
        await call.answer()
        await call.send_audio(SPEECH)
        await call.wait_audio_sent()
        self._has_spoken.set()
        await trio.sleep_forever()

    async def cancel_when_done(self, scope: trio.CancelScope) -> None:
        await self._has_spoken.wait()
        scope.cancel()


async def check_somebody_else_can_take(phones: SimulatedCall, stage: Stage) -> None:
    """A call that was cancelled before it was answered rings on, and the next client gets it."""
    async with open_call_client(stage.config) as client:

        @client.on(events.INCOMING_CALL)
        async def answer(call: ActiveCall) -> None:
            await call.answer()

        await phones.wait_ended()
    assert phones.agent_states == [P, A, D]


@at_every_moment()
async def test_a_drain_whose_waiter_is_gone_goes_on(stage: Stage) -> None:
    tasks = tasks_of_ours()
    for attempt in stage.attempts():
        phones = stage.simulator.place_call()
        async with open_call_client(stage.config) as client:

            @client.on(events.INCOMING_CALL)
            async def answer(call: ActiveCall) -> None:
                await call.answer()
                await call.wait_disconnected()

            await phones.caller.wait_talking()
            with attempt.watch() as scope:
                await client.drain(within_seconds=FRAME_SECONDS)
            if not scope.cancelled_caught:
                assert client.calls == ()
            late = stage.simulator.place_call()
            await quiet()
            assert late.agent_states == [P]
            await client.drain()
            assert phones.agent_states == [P, A, D]
        assert late.agent_states == [P]
        late.caller.hang_up()
        await check_nothing_left(stage, tasks)
