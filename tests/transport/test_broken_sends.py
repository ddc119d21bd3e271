"""A send that was cut short: the other side must not take what follows for its unsent part."""

import math
from contextlib import suppress

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair, wait_all_tasks_blocked

from tests.support.peers.passing_stream import PassingStream
from trio_calls.transport import WebSocket, WebSocketClosed, accept_websocket, connect_websocket

CLOSE_FRAME = 0x88
LONG = bytes(1000)


class ChokedStream(PassingStream):
    """Passes on what is sent until `bytes_left` have gone, then stops until `flows` is set."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        super().__init__(stream)
        self.bytes_left: float = math.inf
        self.sent = bytearray()
        self.flows = trio.Event()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        passed_on = data if len(data) <= self.bytes_left else data[: int(self.bytes_left)]
        self.bytes_left -= len(passed_on)
        self.sent += passed_on
        await super().send_all(passed_on)
        if len(passed_on) < len(data):
            await self.flows.wait()
            self.sent += data[len(passed_on) :]
            await super().send_all(data[len(passed_on) :])


async def open_client(nursery: trio.Nursery) -> tuple[WebSocket, ChokedStream, trio.abc.Stream]:
    """Opens a client. Returns it, its stream, which can be choked, and its server's stream."""
    stream, server_stream = memory_stream_pair()
    choked = ChokedStream(stream)

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        return choked

    async def serve() -> None:
        _, server = await accept_websocket(
            nursery, server_stream, lambda request: None, within_seconds=10
        )
        with suppress(WebSocketClosed):
            while True:
                await server.receive_batch()
        await server.aclose()

    nursery.start_soon(serve)
    client = await connect_websocket(
        nursery,
        "ws://exchange",
        headers={},
        ssl_context=None,
        open_stream=open_stream,
        within_seconds=10,
    )
    choked.sent.clear()
    return client, choked, server_stream


@pytest.mark.parametrize("bytes_left", [0, 1, 3, 500])
async def test_a_cancelled_send_leaves_no_room_for_a_close_frame(
    bytes_left: int, autojump_clock: MockClock
) -> None:
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            client, stream, _ = await open_client(nursery)
            stream.bytes_left = bytes_left
            with trio.move_on_after(5) as scope:
                await client.send(LONG)
            assert scope.cancelled_caught
            stream.bytes_left = math.inf
            await client.aclose()
            assert trio.current_time() == 5
    assert len(stream.sent) == bytes_left


async def test_a_send_cancelled_before_it_began_breaks_nothing(
    autojump_clock: MockClock,
) -> None:
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            client, stream, _ = await open_client(nursery)
            with trio.CancelScope() as scope:
                scope.cancel()
                await client.send(LONG)
            await client.aclose()
    assert stream.sent[0] == CLOSE_FRAME


async def test_a_close_waits_for_the_end_of_a_frame(
    autojump_clock: MockClock,
) -> None:
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            client, stream, _ = await open_client(nursery)
            stream.bytes_left = 500
            nursery.start_soon(client.send, LONG)
            await wait_all_tasks_blocked()
            nursery.start_soon(client.aclose)
            await trio.sleep(1)
            stream.bytes_left = math.inf
            stream.flows.set()
    frame_bytes = len(LONG) + 8
    assert stream.sent[frame_bytes] == CLOSE_FRAME
    assert trio.current_time() == 1


async def test_an_unsendable_close_is_given_up_after_two_seconds(
    autojump_clock: MockClock,
) -> None:
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            client, stream, _ = await open_client(nursery)
            stream.bytes_left = 0
            await client.aclose()
            assert trio.current_time() == 2
    assert not stream.sent


async def test_dropping_a_connection_ends_its_send(
    autojump_clock: MockClock,
) -> None:
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            client, _, server_stream = await open_client(nursery)
            await server_stream.aclose()
            with pytest.raises(WebSocketClosed):
                await client.send(LONG)
            await client.aclose()
    assert trio.current_time() == 0
