"""Who gets into a simulator that is served on a port. Real time is only there to end hangs."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import attrs
import pytest
import trio

from tests.support.peers.sdk import RawSdk, open_raw_sdk
from trio_calls import WSSUnavailableError, open_call_client
from trio_calls.simulator import Simulator, open_simulator
from trio_calls.transport import HandshakeRefused, WebSocketError
from trio_calls.wire.names import CONTROL_PATH

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
async def patience() -> AsyncIterator[None]:
    with trio.fail_after(30):
        yield


@asynccontextmanager
async def open_both(**options: object) -> AsyncIterator[tuple[Simulator, RawSdk]]:
    opened = partial(open_simulator, port=0, **options)  # type: ignore[arg-type]
    async with opened() as simulator, open_raw_sdk(simulator.config) as sdk:
        yield simulator, sdk


async def open_as(sdk: RawSdk, host: str, **headers: str) -> None:
    """Open a control connection to where the simulator is, whatever name is asked for."""
    port = int(sdk.config.base_url.rpartition(":")[2])

    async def open_stream(_: str, __: int) -> trio.abc.Stream:
        return await trio.open_tcp_stream("127.0.0.1", port)

    config = attrs.evolve(sdk.config, open_stream=open_stream)
    url = f"ws://{host}:{port}{CONTROL_PATH}"
    websocket = await RawSdk(sdk.nursery, config).open(url, {**sdk.credentials(), **headers})
    await websocket.aclose()


async def refusal(sdk: RawSdk, host: str = "127.0.0.1", **headers: str) -> HandshakeRefused:
    with pytest.raises(HandshakeRefused) as caught:
        await open_as(sdk, host, **headers)
    return caught.value


async def test_nobody_else_can_reach_it_unless_told_otherwise() -> None:
    async with open_simulator(port=0) as simulator:
        assert simulator.config.base_url == f"ws://127.0.0.1:{simulator.port}"


async def test_a_name_that_was_pointed_here_is_misdirected() -> None:
    async with open_both() as (_, sdk):
        refused = await refusal(sdk, "evil.example")
        assert refused.status_code == 421
        assert "allowed_hosts" in refused.reason
        assert "evil" not in refused.reason
        await open_as(sdk, "127.0.0.1")
        await open_as(sdk, "localhost")


async def test_a_name_that_was_allowed_is_let_in() -> None:
    async with open_both(allowed_hosts=["desk.example"]) as (_, sdk):
        await open_as(sdk, "desk.example")
        assert (await refusal(sdk, "evil.example")).status_code == 421


async def test_on_all_addresses_names_are_still_checked() -> None:
    async with open_both(host="0.0.0.0") as (_, sdk):
        await open_as(sdk, "192.0.2.1")
        assert (await refusal(sdk, "evil.example")).status_code == 421


async def test_a_page_of_the_web_is_refused() -> None:
    async with open_both(allowed_origins=["http://localhost:3000"]) as (_, sdk):
        refused = await refusal(sdk, origin="https://evil.example")
        assert refused.status_code == 403
        assert "allowed_origins" in refused.reason
        assert "evil" not in refused.reason
        await open_as(sdk, "127.0.0.1", origin="http://localhost:3000")


async def test_connections_beyond_the_limit_are_refused() -> None:
    async with open_both(max_connections=2) as (simulator, sdk):
        first = await sdk.open_control()
        await sdk.open_control()
        with pytest.raises(HandshakeRefused) as caught:
            await sdk.open_control()
        assert (caught.value.status_code, caught.value.reason) == (
            503,
            "too many connections: 2 is the limit",
        )
        with pytest.raises(WSSUnavailableError, match="2 is the limit"):
            async with open_call_client(simulator.config):
                pass
        await first.websocket.aclose()
        await open_when_there_is_room(sdk)


async def open_when_there_is_room(sdk: RawSdk) -> None:
    while True:
        try:
            await sdk.open_control()
        except WebSocketError:
            await trio.sleep(0.01)  # the simulator has yet to notice
        else:
            return


async def test_more_handshakes_than_can_be_refused_are_dropped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "trio_calls.simulator.server")
    async with open_both(max_connections=2) as (simulator, sdk):
        assert simulator.port is not None
        shaking = [await trio.open_tcp_stream("127.0.0.1", simulator.port) for _ in range(4)]
        dropped = await trio.open_tcp_stream("127.0.0.1", simulator.port)
        assert await dropped.receive_some() == b""
        assert "too many, even to refuse them" in caplog.text
        for stream in (*shaking, dropped):
            await stream.aclose()
        await open_when_there_is_room(sdk)
