"""What a server may do to a client after the handshake, frame by frame."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.support.peers.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame
from tests.support.peers.websocket_server import handshake_response, open_client, read_to_the_end
from trio_calls.transport import WebSocket, WebSocketClosed, connect_websocket


async def receive_messages(client: WebSocket, count: int) -> list[str | bytes]:
    """Receives so many messages, in batches as they come."""
    received: list[str | bytes] = []
    while len(received) < count:
        received += await client.receive_batch()
    return received


async def everything_from(client: WebSocket) -> list[str | bytes]:
    """Receives until the connection is over, which it must be soon."""
    received: list[str | bytes] = []
    with trio.fail_after(1):
        while True:
            try:
                received += await client.receive_batch()
            except WebSocketClosed:
                return received


async def test_what_comes_together_with_the_handshake_is_received(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    client, _ = await open_client(
        connect_websocket, nursery, frame(TEXT, b"first") + frame(BINARY, b"second")
    )
    assert await receive_messages(client, 2) == ["first", b"second"]


async def test_fragments_are_joined(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    client, server = await open_client(connect_websocket, nursery)
    await server.send_all(frame(BINARY, b"one", is_last=False))
    await server.send_all(frame(CONTINUATION, b", two", is_last=False) + frame(PING, b"?"))
    await server.send_all(frame(CONTINUATION, b", three"))
    assert await client.receive_batch() == [b"one, two, three"]


async def test_frames_that_come_byte_by_byte_are_joined(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    client, server = await open_client(connect_websocket, nursery)
    for byte in frame(TEXT, "grüß dich".encode()) + frame(BINARY, bytes(300)):
        await server.send_all(bytes([byte]))
        await trio.sleep(1)
    assert await receive_messages(client, 2) == ["grüß dich", bytes(300)]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(frame(0x3), id="reserved opcode"),
        pytest.param(frame(0xB), id="reserved control opcode"),
        pytest.param(b"\xc1\x00", id="reserved bit"),
        pytest.param(b"\x81\x81\0\0\0\0x", id="mask from a server"),
        pytest.param(frame(TEXT, b"\xff\xfe"), id="no UTF-8"),
        pytest.param(frame(TEXT, b"\xed\xa0\x80"), id="surrogate in UTF-8"),
        pytest.param(frame(TEXT, b"\xe2\x82"), id="half a character"),
        pytest.param(frame(CONTINUATION, b"x"), id="continuation of nothing"),
        pytest.param(frame(TEXT, b"a", is_last=False) + frame(TEXT, b"b"), id="two at once"),
        pytest.param(frame(PING, bytes(126)), id="long ping"),
        pytest.param(frame(PING, b"x", is_last=False), id="half a ping"),
        pytest.param(frame(CLOSE, b"\x03"), id="half a close code"),
        pytest.param(frame(CLOSE, (999).to_bytes(2, "big")), id="close code too low"),
        pytest.param(frame(CLOSE, (1005).to_bytes(2, "big")), id="close code not to be sent"),
        pytest.param(frame(CLOSE, b"\x03\xe8\xff"), id="close reason no UTF-8"),
        pytest.param(b"\x82\x7f" + b"\xff" * 8, id="negative length"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"Filler: 1\r\n" * 20 + b"\r\n", id="HTTP again"),
    ],
)
async def test_a_server_that_breaks_rules_loses_one_connection(
    data: bytes, autojump_clock: MockClock
) -> None:
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            client, server = await open_client(connect_websocket, nursery)
            await server.send_all(frame(TEXT, b"before") + data)
            assert await everything_from(client) == ["before"]
            with pytest.raises(WebSocketClosed):
                await client.send("too late")
            await client.aclose()
            await read_to_the_end(server)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        frame(BINARY, b"half")[:3],
        b"\x82\x7f" + (2**62).to_bytes(8, "big") + b"endless",
        frame(TEXT, b"half", is_last=False),
        frame(CLOSE),
        frame(CLOSE, b"\x03\xe8done"),
    ],
)
async def test_a_server_that_is_gone_is_noticed(data: bytes, autojump_clock: MockClock) -> None:
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            client, server = await open_client(connect_websocket, nursery)
            await server.send_all(frame(TEXT, b"before") + data)
            await server.aclose()
            assert await everything_from(client) == ["before"]
            with pytest.raises(WebSocketClosed):
                await client.send(b"too late")
            await client.aclose()
    assert trio.current_time() < 3


@pytest.mark.parametrize("pieces", [1, 3, 1000])
async def test_an_oversized_message_closes_that_connection(
    pieces: int, autojump_clock: MockClock
) -> None:
    payload = bytes((2**20 + 1000) // pieces)
    frames = [frame(BINARY, payload, is_last=False)]
    frames += [frame(CONTINUATION, payload, is_last=False)] * pieces
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            client, server = await open_client(connect_websocket, nursery)
            await server.send_all(frame(TEXT, b"before") + b"".join(frames))
            assert await everything_from(client) == ["before"]
            await client.aclose()
            farewell = await read_to_the_end(server)
    assert farewell[:1] == b"\x88"


async def test_an_unanswered_close_is_given_up_after_two_seconds(
    autojump_clock: MockClock,
) -> None:
    async with trio.open_nursery() as nursery:
        client, server = await open_client(connect_websocket, nursery)
        await client.aclose()
        assert trio.current_time() == 2
        assert (await read_to_the_end(server))[:1] == b"\x88"


@pytest.mark.parametrize("ending", [b"", frame(CLOSE, b"\x03\xe8"), frame(0x3)])
async def test_a_ping_ends_with_its_connection(ending: bytes, autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        client, server = await open_client(connect_websocket, nursery)

        async def ping() -> None:
            with trio.fail_after(5), pytest.raises(WebSocketClosed):
                await client.ping()

        nursery.start_soon(everything_from, client)
        nursery.start_soon(ping)
        await wait_all_tasks_blocked()
        await server.send_all(ending)
        await server.aclose()
    assert trio.current_time() == 0


async def test_a_ping_waits_for_its_own_pong(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        client, server = await open_client(connect_websocket, nursery)
        await server.send_all(frame(PONG, b"unasked"))
        with trio.move_on_after(5) as scope:
            await client.ping()
        assert scope.cancelled_caught
        await server.aclose()


class HastyServer(trio.abc.Stream):
    """A server's side without a pause: all it says is there as soon as it was asked."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = list(chunks)
        self.is_asked = trio.Event()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if not self.is_asked.is_set():
            self.chunks.insert(0, handshake_response(bytes(data)))
            self.is_asked.set()
        await trio.lowlevel.checkpoint()

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if self.is_asked.is_set():
            await trio.lowlevel.checkpoint()
        else:
            await self.is_asked.wait()
        return self.chunks.pop(0) if self.chunks else b""

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


@pytest.mark.parametrize(
    "chunks", [[frame(TEXT, b"hello")], [frame(PONG, bytes(100)) * 700, frame(TEXT, b"hello")]]
)
async def test_a_hasty_server_does_not_fail_the_handshake(
    chunks: list[bytes], autojump_clock: MockClock
) -> None:
    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        return HastyServer(*chunks)

    # Which of two tasks runs first is random in Trio: so this is tried many times.
    for _ in range(20):
        async with trio.open_nursery() as nursery:
            client = await connect_websocket(
                nursery,
                "ws://exchange",
                headers={},
                ssl_context=None,
                open_stream=open_stream,
                within_seconds=10,
            )
            assert await everything_from(client) == ["hello"]
            await client.aclose()


async def test_a_server_may_hang_up_right_after_its_handshake(autojump_clock: MockClock) -> None:
    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        return HastyServer()

    for _ in range(20):
        async with trio.open_nursery() as nursery:
            client = await connect_websocket(
                nursery,
                "ws://exchange",
                headers={},
                ssl_context=None,
                open_stream=open_stream,
                within_seconds=10,
            )
            assert await everything_from(client) == []
            await client.aclose()
