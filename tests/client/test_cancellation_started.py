"""Calls that the application has started, cancelled at every moment: nobody waits in vain."""

from __future__ import annotations

from typing import Final

import pytest
import trio

from tests.support.cancellation import Stage, at_every_moment, quiet
from tests.support.in_memory import tasks_of_ours
from tests.support.phone_calls import A, D, P
from tests.support.transports import on_one_transport
from tests.support.wires import on_both_wires
from trio_calls import open_call_client
from trio_calls.audio import FRAME_SECONDS
from trio_calls.simulator import answers

pytestmark = [on_both_wires, on_one_transport, pytest.mark.slow]

NUMBER: Final = "+6591110000"
OWN_NUMBER: Final = "+6562220000"


@at_every_moment(max_orders=1)
async def test_a_call_that_is_opened_answered_and_left(stage: Stage) -> None:
    stage.simulator.set_pickup(NUMBER, answers(after_seconds=0.1))
    async with open_call_client(stage.config) as client:
        await quiet()
        tasks = tasks_of_ours()
        for attempt in stage.attempts():
            session_id = await client.sessions.create("TELCO", NUMBER, OWN_NUMBER)
            placed = stage.simulator.calls[-1]
            has_come = False
            with attempt.watch():
                async with client.open_call(session_id) as call:
                    has_come = True
                    await call.answer()
                    await call.close()
            assert client.calls == ()
            await quiet()
            if has_come:
                assert placed.agent_states in ([P, A, D], [P, D])
            else:
                placed.callee.hang_up()
            assert placed.ended
            await trio.sleep(1 + 2 * FRAME_SECONDS)
            assert tasks_of_ours() == tasks
        assert stage.simulator.violations == []
