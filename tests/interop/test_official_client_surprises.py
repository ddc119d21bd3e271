"""What the official client does that its users would not expect.

Each is a row of *Beside the official client*, which says what this package does instead. The other
side is an exchange of the tests' own, on a loopback port.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import attrs
import pytest
import telcoflow
import trio
from telcoflow.messages import SendWAMessage

from tests.support.asyncio_thread import AsyncioThread, open_asyncio
from tests.support.official_client import (
    SAMPLE_RATE,
    audible,
    listen,
    open_client,
    open_exchange,
    take_answered_call,
    until,
)
from tests.support.peers.exchange import API_KEY, CONNECTOR_UUID, FakeExchange
from tests.support.peers.links import ControlEnd
from trio_calls.audio import noise
from trio_calls.simulator import cut_control

pytestmark = pytest.mark.slow

#: Whose tasks say where they stand.
_LIBRARIES = re.compile(r"site-packages/(abxbus|telcoflow)/")

#: Longer than any test takes.
_TEST_SECONDS = 30


@pytest.fixture(autouse=True)
def the_official_client_logged_no_fault() -> None:
    """It logs faults here: what it is surprised by itself."""


@attrs.frozen
class Setting:
    """The official client, its exchange, and the event loop that it runs in."""

    manager: telcoflow.SessionManager
    exchange: FakeExchange
    control: ControlEnd
    aio: AsyncioThread

    async def request(self, request_type: str) -> dict[str, Any]:
        """The next frame, which must be this one."""
        frame = await self.control.receive(patience=10)
        request: dict[str, Any] = json.loads(frame)
        assert request["type"] == request_type
        return request

    async def answer(self, request: dict[str, Any], **answer: Any) -> None:
        response = {"type": "response", "reqId": request["reqId"], **answer}
        await self.control.send(json.dumps(response))

    async def grant(self, channel: str = "WA") -> None:
        """Let the client have the next session that it claims."""
        request = await self.request("session.open")
        session = {"id": request["sessionId"], "channel": channel}
        await self.answer(request, ok=True, content={"session": session})

    async def open_session(self, session_id: str = "s") -> telcoflow.Session:
        sessions: list[telcoflow.Session] = []

        async def open_session() -> None:
            sessions.append(await self.aio.run(self.manager.open_session, session_id))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(open_session)
            await self.grant()
        return sessions[0]

    async def write(self, *texts: str, session_id: str = "s") -> None:
        for text in texts:
            message = {"sessionId": session_id, "sender": "65", "content": {"text": text}}
            await self.control.send(json.dumps({"type": "wa.msg.in", **message}))


@asynccontextmanager
async def open_setting() -> AsyncIterator[Setting]:
    with trio.fail_after(_TEST_SECONDS):
        async with trio.open_nursery() as nursery, open_asyncio() as aio:
            exchange = FakeExchange(nursery)
            listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
            nursery.start_soon(trio.serve_listeners, exchange.serve, listeners)
            port = listeners[0].socket.getsockname()[1]
            config = telcoflow.SessionManagerConfig.create(
                api_key=API_KEY,
                connector_uuid=CONNECTOR_UUID,
                base_url=f"ws://127.0.0.1:{port}",
            )
            manager = await aio.run(_make_manager, config)
            try:
                await aio.run(manager.__aenter__)
                yield Setting(manager, exchange, await exchange.control(), aio)
            finally:
                with trio.CancelScope(shield=True):
                    await aio.run(manager.__aexit__, None, None, None)
                    await aio.run(_end_what_is_left)
            nursery.cancel_scope.cancel()


async def _make_manager(config: telcoflow.SessionManagerConfig) -> telcoflow.SessionManager:
    return telcoflow.SessionManager(config)


async def _end_what_is_left() -> None:
    """Sessions leave tasks behind, which the end of the client does not end."""
    left = [task for task in asyncio.all_tasks() if _LIBRARIES.search(repr(task))]
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)


async def test_a_message_waits_for_the_handler_of_the_one_before() -> None:
    async with open_setting() as setting:
        session = await setting.open_session()
        begun: list[str] = []
        given_up: list[str] = []
        # After 60 s a handler is given up; nobody here waits for as long.
        assert session._bus.event_timeout == 60
        session._bus.event_timeout = 0.5

        async def handle(message: telcoflow.IncomingMessage) -> None:
            begun.append(message.content["text"])
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                given_up.append(message.content["text"])
                raise

        session.on_incoming_message(handle)
        await setting.aio.run(session.ready)
        await setting.write("first", "second")
        await until(lambda: begun == ["first"])
        await trio.sleep(0.3)
        assert (begun, given_up) == (["first"], [])
        await until(lambda: begun == ["first", "second"])
        assert given_up == ["first"]


async def test_after_100_messages_there_is_silence() -> None:
    async with open_setting() as setting:
        session = await setting.open_session()
        handled: list[str] = []

        async def handle(message: telcoflow.IncomingMessage) -> None:
            handled.append(message.content["text"])

        session.on_incoming_message(handle)
        await setting.aio.run(session.ready)

        def is_handled(count: int) -> bool:
            return len(handled) == count

        numbers = [str(number) for number in range(100)]
        for begin in range(0, 100, 20):
            await setting.write(*numbers[begin : begin + 20])
            await until(partial(is_handled, begin + 20))
        await setting.write("is anybody there?")
        await trio.sleep(0.3)
        assert handled == numbers


async def test_two_claims_at_once_make_two_sessions() -> None:
    async with open_setting() as setting:
        sessions: list[telcoflow.Session] = []

        async def open_session() -> None:
            sessions.append(await setting.aio.run(setting.manager.open_session, "s"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(open_session)
            nursery.start_soon(open_session)
            requests = [await setting.request("session.open") for _ in range(2)]
            for request in requests:
                session = {"id": "s", "channel": "WA"}
                await setting.answer(request, ok=True, content={"session": session})
        first, second = sessions
        assert first is not second
        heard: dict[int, list[str]] = {0: [], 1: []}
        for number, session in enumerate((first, second)):

            def handle(message: telcoflow.IncomingMessage, number: int = number) -> None:
                heard[number].append(message.content["text"])

            session.on_incoming_message(handle)
            await setting.aio.run(session.ready)
        await setting.write("hello")
        await until(lambda: heard[0] + heard[1] == ["hello"])
        # One of the two never hears anything.
        assert [] in heard.values()


async def test_a_reconnect_reports_ready_for_what_never_was() -> None:
    async with open_setting() as setting:
        await setting.open_session("silent")
        await setting.open_session("refused")
        await setting.control.cut()
        again = attrs.evolve(setting, control=await setting.exchange.control(patience=5))
        # Nobody has called ready().
        await again.grant()
        assert (await again.request("session.ready"))["sessionId"] == "silent"
        refused = await again.request("session.open")
        await again.answer(refused, ok=False, errorCode="SESSION_NOT_FOUND")
        await trio.sleep(0.2)
        # It is open for the application, and dead on the wire.
        session = await setting.aio.run(setting.manager.open_session, "refused")
        assert not session.is_closed


async def test_a_request_outlives_its_connection() -> None:
    async with open_setting() as setting:
        with trio.move_on_after(5) as waiting:
            async with trio.open_nursery() as nursery:

                @nursery.start_soon
                async def open_session() -> None:
                    await setting.aio.run(setting.manager.open_session, "s")

                await setting.request("session.open")
                await setting.control.cut()
                await setting.exchange.control(patience=5)
                await trio.sleep(0.5)
                # There is a new connection by now; the request waits for the answer of the old one.
                assert len(nursery.child_tasks) == 1
                waiting.cancel()


async def test_an_unknown_channel_fails_after_the_claim() -> None:
    async with open_setting() as setting:
        with pytest.RaisesGroup(pytest.RaisesExc(ValueError, match="FAX")):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(setting.aio.run, setting.manager.open_session, "s")
                await setting.grant("FAX")


@pytest.mark.parametrize("code", ["NEWER_THAN_THIS", None])
async def test_an_unknown_refusal_of_a_message_is_a_value_error(code: str | None) -> None:
    async with open_setting() as setting:
        session = await setting.open_session()
        with pytest.RaisesGroup(ValueError):
            async with trio.open_nursery() as nursery:
                message = SendWAMessage(api_version="v23.0", data={})
                nursery.start_soon(setting.aio.run, session.send_message, message)
                request = await setting.request("wa.msg.out")
                await setting.answer(request, ok=False, errorCode=code)


async def test_what_the_exchange_says_of_a_refusal_is_lost() -> None:
    async with open_setting() as setting:
        with pytest.RaisesGroup(telcoflow.WSSForbidden) as refused:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(setting.aio.run, setting.manager.open_session, "s")
                request = await setting.request("session.open")
                content = {"message": "not in your contract"}
                await setting.answer(request, ok=False, errorCode="FORBIDDEN", errorContent=content)
        assert "contract" not in str(refused.value.exceptions[0])


async def test_of_two_streams_one_outlives_the_call() -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        placed, call = await take_answered_call(simulator, aio, client)
        ended: list[int] = []

        async def listen_to_the_end(number: int) -> None:
            await aio.run(listen, call)
            ended.append(number)

        async with trio.open_nursery() as nursery:
            for number in range(2):
                nursery.start_soon(listen_to_the_end, number)
            await trio.sleep(0.1)
            placed.caller.hang_up()
            await until(lambda: bool(ended))
            await trio.sleep(0.3)
            assert len(ended) == 1
            nursery.cancel_scope.cancel()


async def test_a_stream_before_the_answer_is_empty() -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        placed = simulator.place_call()
        call = await aio.run(client.take_call)
        assert await aio.run(listen, call) == b""
        placed.caller.hang_up()


async def test_asking_how_much_waits_opens_the_media_connection() -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        placed = simulator.place_call()
        call = await aio.run(client.take_call)
        assert await aio.run(call.get_send_audio_buffer_size) == 0
        assert call.state == telcoflow.CallState.LIVE
        with pytest.raises(telcoflow.WSSCallStateError):
            call.to_json()
        placed.caller.hang_up()


async def test_a_call_that_was_handed_over_is_kept_as_well() -> None:
    async with open_exchange(24000) as (simulator, aio), open_client(simulator, aio) as client:
        placed = simulator.place_call()
        call = await aio.run(client.take_call)
        document = json.loads(call.to_json())
        # The other process is not told in which format the exchange sends.
        assert document.keys() == {
            *("channel", "id", "caller", "callee", "session_url", "session_token"),
        }
        assert telcoflow.Call.from_json(call.to_json()).audio_config.sample_rate == 16000
        assert simulator.config.sample_rate == 24000
        # And this one acts on the call all the same.
        assert await aio.run(call.answer)
        await placed.caller.wait_talking()
        placed.caller.hang_up()


async def test_a_session_is_closed_while_its_call_goes_on() -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        placed, call = await take_answered_call(simulator, aio, client)
        simulator.inject(cut_control())
        assert await aio.run(client.closings.get) == telcoflow.CloseReason.FORCE_CLOSE
        assert call.state == telcoflow.CallState.LIVE
        said = noise(0.1, SAMPLE_RATE, seed=1)
        await aio.run(call.send_audio, said)
        await until(lambda: audible(placed.caller.heard) == said)
        placed.caller.hang_up()
