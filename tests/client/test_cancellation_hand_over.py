"""Handing a call over, and taking one that was handed over, cancelled at every moment."""

from __future__ import annotations

import pytest
import trio

from tests.support.cancellation import Moment, Stage, at_every_moment
from tests.support.phone_calls import A, D, P
from tests.support.transports import on_one_transport
from tests.support.wires import on_both_wires
from trio_calls import ActiveCall, EndCause, open_call_client
from trio_calls.sessions import HandOver, serve_handed_over

pytestmark = [on_both_wires, on_one_transport, pytest.mark.slow]


async def answer(call: ActiveCall) -> None:
    await call.answer()


@at_every_moment(max_orders=3)
async def test_a_call_goes_away_or_rings_on_here(stage: Stage) -> None:
    for attempt in stage.attempts():
        async with stage.call() as (call, phones):
            came: list[HandOver] = []
            with attempt.watch():
                came.append(await call.hand_over())
            if not came:
                assert call.state is P
                await call.answer()
                assert phones.agent_states == [P, A]
            else:
                assert call.ending is not None
                assert call.ending.cause is EndCause.HANDED_OVER
                assert phones.agent_states == [P]


@at_every_moment(max_orders=1)
async def test_an_adopted_call_is_left_or_still_to_be_had(stage: Stage) -> None:
    async with open_call_client(stage.config) as other:
        for attempt in stage.attempts():
            async with stage.call() as (call, phones):
                handed_over = await call.hand_over()
                with attempt.watch():
                    await other.adopt(handed_over, answer)
                assert other.calls == ()
                if phones.agent_states == [P]:
                    await other.adopt(handed_over, answer)
                assert phones.agent_states in ([P, A, D], [P, D])
                assert phones.ended


@at_every_moment(max_orders=2, moments=[Moment.CHECKPOINT])
async def test_serving_what_is_handed_over(stage: Stage) -> None:
    for attempt in stage.attempts():
        async with stage.call() as (call, phones):
            sent, received = trio.open_memory_channel[HandOver](1)
            handed_over = await call.hand_over()
            sent.send_nowait(handed_over)
            sent.close()
            with attempt.watch():
                await serve_handed_over(received, answer, stage.config)
            if phones.agent_states == [P] and received.statistics().current_buffer_used:
                await serve_handed_over(received, answer, stage.config)
                assert phones.agent_states == [P, A, D]
            assert phones.agent_states in ([P], [P, A, D], [P, D])
