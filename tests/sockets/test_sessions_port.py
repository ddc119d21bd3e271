"""Sessions over HTTP on a port, beside the WebSockets. Real time is only there to end hangs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import attrs
import pytest
import trio

from trio_calls import WSSUnreachableError, open_call_client
from trio_calls.sessions import WSSSessionError, WSSUnauthorizedError
from trio_calls.simulator import open_simulator

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
async def patience() -> AsyncIterator[None]:
    with trio.fail_after(30):
        yield


async def test_sessions_are_listed_and_closed() -> None:
    async with (
        open_simulator(port=0) as simulator,
        open_call_client(simulator.config) as client,
    ):
        call = simulator.place_call(caller="65 91/1")
        (info,) = await client.sessions.list("TELCO", "65 91/1")
        assert (info.session_id, info.remote_address) == (call.session_id, "65 91/1")
        assert (await client.sessions.close(info.session_id)).reason == "SDK_REQUEST"
        await call.wait_ended()
        assert (await client.sessions.close(info.session_id)).reason == ""
        assert await client.sessions.list() == []


async def test_names_that_were_pointed_here_are_misdirected() -> None:
    async with open_simulator(port=0) as simulator:
        port = simulator.port
        assert port is not None
        opened = partial(trio.open_tcp_stream, "127.0.0.1", port)
        config = attrs.evolve(
            simulator.config,
            base_url=f"ws://localhost:{port}",
            open_stream=lambda host, port: opened(),
        )
        async with open_call_client(config) as client:
            assert await client.sessions.list() == []
            # Only the requests of this client go out under the other name.
            elsewhere = attrs.evolve(config, base_url=f"ws://evil.example:{port}")
            client.sessions._config = elsewhere
            with pytest.raises(WSSSessionError, match="WRONG_HOST"):
                await client.sessions.list()
            client.sessions._config = attrs.evolve(config, api_key="wrong")
            with pytest.raises(WSSUnauthorizedError, match="x-api-key"):
                await client.sessions.list()


async def test_a_page_of_the_web_may_not_ask() -> None:
    async with open_simulator(port=0) as simulator:
        assert simulator.port is not None
        stream = await trio.open_tcp_stream("127.0.0.1", simulator.port)
        request = (
            "POST /public/v1/sessions/x/close HTTP/1.1\r\nHost: localhost\r\n"
            f"Origin: https://evil.example\r\nx-api-key: {simulator.config.api_key}\r\n"
            f"x-connector-uuid: {simulator.config.connector_uuid}\r\n"
            "Content-Length: 5\r\n\r\nhello"
        )
        await stream.send_all(request.encode())
        answer = b""
        async for data in stream:  # to its end, though the body of the request was not read
            answer += data
        await stream.aclose()
        assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
        assert b'"code":"FORBIDDEN"' in answer


async def test_where_nobody_listens_it_says_so() -> None:
    async with (
        open_simulator(port=0) as simulator,
        open_call_client(simulator.config) as client,
    ):
        client.sessions._config = attrs.evolve(simulator.config, base_url="ws://127.0.0.1:1")
        with pytest.raises(WSSUnreachableError, match=r"127\.0\.0\.1:1 "):
            await client.sessions.list()
