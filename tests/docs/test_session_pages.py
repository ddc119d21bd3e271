"""The programs of the page "Start a call" do what it says."""

from __future__ import annotations

import pytest
import trio

from tests.docs.test_voice_pages import load
from trio_calls import open_call_client
from trio_calls.simulator import Simulator, answers, never_answers
from trio_calls.testing import heard

pytestmark = pytest.mark.pure

NUMBER = "+6591110000"
starting = load("starting")


async def test_a_reminder_is_heard(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        simulator.set_pickup(NUMBER, answers(after_seconds=3))
        assert await starting.remind(client, NUMBER)
        heard(simulator.calls[-1].callee, starting.REMINDER)
        assert simulator.calls[-1].ended

        simulator.set_pickup(NUMBER, never_answers())
        assert not await starting.remind(client, NUMBER)


async def test_ten_seconds_of_ringing_are_enough(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        simulator.set_pickup(NUMBER, answers(after_seconds=9.5))
        assert await starting.remind_or_give_up(client, NUMBER)
        heard(simulator.calls[-1].callee, starting.REMINDER)

        simulator.set_pickup(NUMBER, never_answers())
        rang_at = trio.current_time()
        assert not await starting.remind_or_give_up(client, NUMBER)
        assert trio.current_time() == rang_at + 10
        await simulator.calls[-1].callee.wait_hung_up()
        assert trio.current_time() == rang_at + 10


async def test_who_picks_up_later_is_there_for_a_second_try(simulator: Simulator) -> None:
    simulator.set_pickup(NUMBER, answers(after_seconds=12))
    async with open_call_client(simulator.config) as client:
        session_id = await client.sessions.create("TELCO", NUMBER)
        with trio.move_on_after(10):
            async with client.open_call(session_id):
                pytest.fail("nobody has picked up")
        await trio.sleep(10)
        async with client.open_call(session_id) as call:
            await call.answer()
            await call.send_audio(starting.REMINDER)
        heard(simulator.calls[-1].callee, starting.REMINDER)


async def test_what_is_open_is_joined_and_closed(
    simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_call_client(simulator.config) as client:
        session_id = await starting.start_or_join(client, NUMBER)
        assert await starting.start_or_join(client, NUMBER) == session_id
        await starting.close_all_calls(client)
        assert capsys.readouterr().out == f"{NUMBER} SDK_REQUEST\n"
        assert await starting.start_or_join(client, NUMBER) != session_id


async def test_what_was_missed_is_taken(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        await starting.take_what_was_missed(client)
        call = simulator.place_call(pickup=answers(after_seconds=1))
        await call.callee.wait_talking()
        await call.wait_agent_left()
        assert not call.was_claimed
