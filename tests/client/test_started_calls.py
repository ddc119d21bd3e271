"""Calls that an application has started, with the simulator at the other end."""

from __future__ import annotations

import logging
from contextlib import suppress

import attrs
import pytest
import trio
import trio.testing

from tests.support.peers.control_words import call_in
from tests.support.peers.exchange import FakeExchange
from tests.support.peers.json_control import answer_json, expect_json, receive_json
from tests.support.phone_calls import A, C, D, P, speech
from tests.support.transports import on_one_transport
from tests.support.wires import on_the_first_wire
from trio_calls import (
    ActiveCall,
    AudioMode,
    CallClient,
    CallState,
    WSSConnectionError,
    events,
    open_call_client,
)
from trio_calls.audio import find
from trio_calls.sessions import (
    WSSSessionBusyError,
    WSSSessionClosedError,
    WSSSessionError,
    WSSSessionExistsError,
    WSSSessionNotFoundError,
)
from trio_calls.simulator import (
    PhoneState,
    Pickup,
    SimulatedCall,
    Simulator,
    answers,
    cut_control,
    declines,
    never_answers,
)
from trio_calls.testing import heard, hears
from trio_calls.wire.first.control import SessionClosed

pytestmark = [on_one_transport, on_the_first_wire]

NUMBER = "+6591110000"
GREETING, REPLY = speech(1), speech(2)


async def start(client: CallClient, simulator: Simulator) -> tuple[str, SimulatedCall]:
    """Start a call. Returns the id of its session, and the call."""
    session_id = await client.sessions.create("TELCO", NUMBER)
    placed = simulator.calls[-1]
    assert placed.session_id == session_id
    return session_id, placed


async def test_the_other_side_picks_up_and_is_talked_to(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        session_id, placed = await start(client, simulator)
        assert placed.is_outgoing
        assert placed.callee.state is PhoneState.IDLE
        async with client.open_call(session_id) as call:
            assert trio.current_time() == 2
            assert (call.state, client.calls) == (P, (call,))
            assert (call.caller_number, call.callee_number) == ("+65 6222 0000", NUMBER)
            assert (placed.caller.number, placed.callee.number) == ("+65 6222 0000", NUMBER)
            await placed.callee.wait_talking()
            await call.answer()
            audio = call.audio_stream()
            placed.callee.say_nowait(REPLY)
            await call.send_audio(GREETING)
            await hears(placed.callee, GREETING)
            received = b"".join([await anext(audio) for _ in range(60)])
            await call.close()
        heard(received, REPLY)
    assert client.calls == ()
    assert placed.agent_states == [P, A, D]
    assert placed.ended
    assert placed.caller.heard == b""


async def test_nobody_is_offered_it(simulator: Simulator) -> None:
    async with (
        open_call_client(simulator.config) as client,
        open_call_client(simulator.config) as other,
    ):
        came: list[ActiveCall] = []
        for each in (client, other):
            each.on(events.INCOMING_CALL)(came.append)
        session_id, _ = await start(client, simulator)
        async with client.open_call(session_id) as call:
            await call.answer()
        assert came == []


async def test_the_connectors_own_line_can_be_brought_in(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        session_id, placed = await start(client, simulator)
        async with client.open_call(session_id) as call:
            await call.answer()
            await call.connect()
            assert placed.caller.state is PhoneState.TALKING
            await call.whisper()
            await call.send_audio(GREETING)
            await call.wait_audio_sent()
            await hears(placed.caller, GREETING)
            await call.disconnect()
    assert placed.agent_states == [P, A, C, D]
    assert not any(placed.callee.heard)


async def test_in_a_conference_leaving_the_block_is_staying(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        session_id, placed = await start(client, simulator)
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def hang_up_later() -> None:
                await trio.sleep(100)
                placed.callee.hang_up()

            async with client.open_call(session_id) as call:
                await call.connect()
        assert trio.current_time() == 100
        assert placed.agent_states == [P, C, D]


@pytest.mark.parametrize("pickup", [declines(after_seconds=5), never_answers()])
async def test_nobody_picks_up(simulator: Simulator, pickup: Pickup) -> None:
    simulator.set_pickup(NUMBER, pickup)
    async with open_call_client(simulator.config) as client:
        session_id, placed = await start(client, simulator)
        with pytest.raises(WSSSessionClosedError, match="nobody has answered it") as caught:
            async with client.open_call(session_id):
                pytest.fail("there is no call")
        assert caught.value.session_id == session_id
        assert placed.ended
        assert trio.current_time() in {5, 60}
        assert client.calls == ()


async def test_the_other_side_hangs_up(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        session_id, placed = await start(client, simulator)
        async with client.open_call(session_id) as call:
            await call.answer()
            placed.callee.hang_up()
            async for _ in call.audio_stream():
                pass
            assert call.state is D
        assert placed.agent_states == [P, A, D]


class Trouble(Exception):
    pass


async def fail_after(client: CallClient, session_id: str, does: str) -> None:
    async with client.open_call(session_id) as call:
        if does != "nothing":
            await getattr(call, does)()
        raise Trouble


@pytest.mark.parametrize("does", ["nothing", "answer", "connect"])
async def test_a_block_that_fails_leaves_the_call(
    simulator: Simulator, does: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_call_client(simulator.config) as client:
        session_id, placed = await start(client, simulator)
        with pytest.raises(Trouble):
            await fail_after(client, session_id, does)
        assert client.calls == ()
        await trio.testing.wait_all_tasks_blocked()
        assert placed.agent_states[-1] is D
        assert placed.ended == (does != "connect")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_nobody_waits_for_a_block_that_did_nothing(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_call_client(simulator.config) as client:
        session_id, placed = await start(client, simulator)
        async with client.open_call(session_id):
            pass
        assert placed.ended
        assert trio.current_time() == 2
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("does", ["nothing", "answer", "connect"])
async def test_a_cancelled_block_leaves_the_call(simulator: Simulator, does: str) -> None:
    async with open_call_client(simulator.config) as client:
        session_id, placed = await start(client, simulator)
        with trio.move_on_at(50) as scope:
            async with client.open_call(session_id) as call:
                if does != "nothing":
                    await getattr(call, does)()
                await trio.sleep_forever()
        assert scope.cancelled_caught
        assert trio.current_time() == 50
        assert placed.agent_states[-1] is D
        assert client.calls == ()


async def test_cancelled_while_it_rings(simulator: Simulator) -> None:
    simulator.set_pickup(NUMBER, never_answers())
    async with open_call_client(simulator.config) as client:
        session_id, placed = await start(client, simulator)
        with trio.move_on_after(5) as scope:
            async with client.open_call(session_id):
                pytest.fail("there is no call")
        assert scope.cancelled_caught
        assert placed.callee.state is PhoneState.RINGING
        assert (await client.sessions.close(session_id)).reason == "SDK_REQUEST"
        assert placed.ended


async def test_the_time_to_drain_ends_the_block(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        session_id, placed = await start(client, simulator)
        async with client.open_call(session_id) as call:
            await call.answer()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(client.drain, 10)
                nursery.start_soon(trio.sleep_forever)
        assert trio.current_time() == 12
        assert placed.agent_states == [P, A, D]


async def test_the_time_to_drain_ends_the_ringing(simulator: Simulator) -> None:
    simulator.set_pickup(NUMBER, never_answers())
    async with open_call_client(simulator.config) as client:
        session_id, _ = await start(client, simulator)
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def drain_soon() -> None:
                await trio.sleep(1)
                await client.drain(10)

            with pytest.raises(WSSSessionError, match="drain"):
                async with client.open_call(session_id):
                    pytest.fail("there is no call")
        assert trio.current_time() == 11


async def test_none_is_taken_once_the_drain_has_begun(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        session_id, placed = await start(client, simulator)
        await client.drain()
        with pytest.raises(WSSSessionError, match="takes no new calls") as caught:
            async with client.open_call(session_id):
                pytest.fail("nobody would wait for it")
        assert caught.value.session_id == session_id
        assert placed.callee.state is PhoneState.IDLE
    with pytest.raises(WSSSessionError, match="takes no new calls"):
        async with client.open_call(session_id):
            pytest.fail("the client is closed")
    with trio.fail_after(1):
        await client.drain()


async def test_a_closing_client_ends_a_block_elsewhere(simulator: Simulator) -> None:
    async with trio.open_nursery() as nursery:
        async with open_call_client(simulator.config) as client:
            session_id, placed = await start(client, simulator)
            ended = trio.Event()

            async def talk(*, task_status: trio.TaskStatus[None]) -> None:
                try:
                    async with client.open_call(session_id) as call:
                        await call.answer()
                        task_status.started()
                        await trio.sleep_forever()
                finally:
                    ended.set()

            await nursery.start(talk)
        await ended.wait()
        assert placed.agent_states == [P, A, D]
        assert trio.current_time() < 5


async def test_its_connection_is_lost_before_it_comes(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        session_id, placed = await start(client, simulator)
        simulator.inject(cut_control())
        with pytest.raises(WSSConnectionError):
            async with client.open_call(session_id):
                pytest.fail("there is no call")
        await trio.sleep(20)
        assert client.calls == ()
        assert placed.session_id in {info.session_id for info in await client.sessions.list()}


async def test_control_is_lost_in_mid_call(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        session_id, placed = await start(client, simulator)
        async with client.open_call(session_id) as call:
            await call.answer()
            simulator.inject(cut_control())
            await trio.sleep(20)
            await call.send_audio(GREETING)
            await hears(placed.callee, GREETING)
            await call.close()


async def test_control_is_lost_before_it_is_answered(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        session_id, placed = await start(client, simulator)
        async with client.open_call(session_id) as call:
            simulator.inject(cut_control())
            await call.wait_disconnected()
        assert placed.ended


async def test_a_second_call_to_the_same_number(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        session_id, _ = await start(client, simulator)
        with pytest.raises(WSSSessionExistsError) as caught:
            await client.sessions.create("TELCO", NUMBER)
        assert caught.value.session_id == session_id
        async with client.open_call(caught.value.session_id) as call:
            with pytest.raises(ValueError, match="has the session already"):
                async with client.open_call(session_id):
                    pytest.fail("it is open")
            await call.disconnect()
        again = await client.sessions.create("TELCO", NUMBER)
        assert again != session_id
        assert len(simulator.calls) == 2


async def test_only_one_client_gets_it(simulator: Simulator) -> None:
    async with (
        open_call_client(simulator.config) as client,
        open_call_client(simulator.config) as other,
    ):
        session_id, _ = await start(client, simulator)
        async with client.open_call(session_id):
            with pytest.raises(WSSSessionBusyError):
                async with other.open_call(session_id):
                    pytest.fail("it is another's")
        with pytest.raises(WSSSessionClosedError, match="SESSION_CLOSED"):
            async with other.open_call(session_id):
                pytest.fail("it is over")
        with pytest.raises(WSSSessionNotFoundError):
            async with other.open_call("nonsense"):
                pytest.fail("there is none")


async def test_closing_its_session_ends_it(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        session_id, placed = await start(client, simulator)
        async with client.open_call(session_id) as call:
            await call.answer()
            closure = await client.sessions.close(session_id)
            assert closure.reason == "SDK_REQUEST"
            await call.wait_disconnected()
        assert placed.ended
        assert placed.agent_states == [CallState.PENDING, CallState.ANSWERED, D]


async def test_incoming_calls_go_on_beside_it(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:

        @client.on(events.INCOMING_CALL)
        async def handle_call(call: ActiveCall) -> None:
            await call.answer()
            await call.send_audio(REPLY)
            await call.wait_audio_sent()

        session_id, started = await start(client, simulator)
        simulator.set_pickup(NUMBER, answers(after_seconds=1))
        async with client.open_call(session_id) as call:
            await call.answer()
            offered = simulator.place_call()
            await hears(offered.caller, REPLY)
            await call.send_audio(GREETING)
            await hears(started.callee, GREETING)


@pytest.mark.parametrize("pickup", [answers(after_seconds=1), declines(after_seconds=5)])
async def test_what_waits_gets_its_room(simulator: Simulator, pickup: Pickup) -> None:
    simulator.set_pickup(NUMBER, pickup)
    async with open_call_client(attrs.evolve(simulator.config, max_concurrent_calls=1)) as client:

        @client.on(events.INCOMING_CALL)
        async def handle_call(call: ActiveCall) -> None:
            await call.answer()

        session_id, _ = await start(client, simulator)
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def ring() -> None:
                await trio.sleep(0.5)
                simulator.place_call()
                await trio.sleep(0.1)
                assert client.calls == ()

            with suppress(WSSSessionClosedError):
                async with client.open_call(session_id) as call:
                    await call.answer()
                    await trio.sleep(5)
        with trio.fail_after(5):
            await simulator.calls[-1].wait_agent_left()
        assert simulator.calls[-1].agent_states == [P, A, D]


async def test_isolated_legs_are_the_caller_and_the_callee(simulator: Simulator) -> None:
    config = attrs.evolve(simulator.config, audio_mode=AudioMode.ISOLATED)
    async with open_call_client(config) as client:
        session_id, placed = await start(client, simulator)
        async with client.open_call(session_id) as call:
            await call.answer()
            legs = {channel: call.audio_stream(channel) for channel in (0, 1, 2)}
            await placed.callee.say(REPLY)
            await call.connect()
            await placed.caller.say(GREETING)
            await call.disconnect()
        said = {channel: b"".join([chunk async for chunk in leg]) for channel, leg in legs.items()}
    heard(said[1], GREETING)
    heard(said[2], REPLY)
    for pcm, other in ((said[1], REPLY), (said[2], GREETING)):
        assert find(other, pcm).correlation < 0.1
    heard(said[0], REPLY)
    heard(said[0], GREETING)


async def test_a_conversation_is_no_call(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        session_id = await client.sessions.create("WA", NUMBER)
        with pytest.raises(WSSSessionError, match="open_conversation") as caught:
            async with client.open_call(session_id):
                pytest.fail("there is no call")
        assert caught.value.session_id == session_id
        assert trio.current_time() == 0
        async with client.open_conversation(session_id) as conversation:
            assert conversation.session_id == session_id


@pytest.mark.parametrize("content", [None, [], {}, {"session": 7}, {"session": {"channel": 7}}])
async def test_an_exchange_that_says_less_of_a_session(
    exchange: FakeExchange, nursery: trio.Nursery, content: object
) -> None:
    async with exchange.open_client() as (client, control, _):

        @nursery.start_soon
        async def give() -> None:
            request_id = await expect_json(control, type="session.open", sessionId="s-1")
            await answer_json(control, request_id, content)
            assert await receive_json(control) == {"type": "session.ready", "sessionId": "s-1"}
            await control.send(call_in("s-1"))

        async with client.open_call("s-1") as call:
            assert call.state is P
            await control.send(SessionClosed("s-1", "CALL_TERMINATED"))
            await call.wait_disconnected()
