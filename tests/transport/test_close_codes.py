"""The close code of the other side is told to whoever receives or sends."""

import pytest
import trio
from trio.testing import MockClock

from tests.support.peers.frames import CLOSE, TEXT, client_frames, close, frame
from tests.support.peers.websocket_server import open_client
from tests.support.transports import Connect
from trio_calls.transport import WebSocket, WebSocketClosed

HELLO = frame(TEXT, b"hello")


async def end_of(client: WebSocket) -> WebSocketClosed:
    """Receive until the connection is over; returns what was raised."""
    with trio.fail_after(10):
        try:
            while True:
                await client.receive_batch()
        except WebSocketClosed as closed:
            return closed


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1009, 1011, 1012, 1013, 3000, 4004, 4999])
async def test_code_and_reason_are_told(
    transport: Connect, nursery: trio.Nursery, code: int
) -> None:
    client, server = await open_client(transport, nursery)
    await server.send_all(HELLO + close(code, b"because"))
    closed = await end_of(client)
    assert (closed.code, closed.reason) == (code, "because")
    assert str(closed) == f"the other side closed the connection: {code} because"
    with pytest.raises(WebSocketClosed) as raised:
        await client.send("too late")
    assert raised.value.code == code
    with pytest.raises(WebSocketClosed) as raised:
        await client.ping()
    assert raised.value.code == code
    await trio.aclose_forcefully(client)
    assert (await end_of(client)).code == code


async def test_a_close_without_a_code_is_1005(transport: Connect, nursery: trio.Nursery) -> None:
    client, server = await open_client(transport, nursery)
    await server.send_all(frame(CLOSE))
    closed = await end_of(client)
    assert (closed.code, closed.reason, closed.words) == (1005, "", "1005")
    await trio.aclose_forcefully(client)


@pytest.mark.parametrize("last_words", [b"", b"\x88", frame(0xB), frame(TEXT, b"\xff")])
async def test_who_did_not_close_has_no_code(
    transport: Connect, nursery: trio.Nursery, last_words: bytes
) -> None:
    client, server = await open_client(transport, nursery)
    await server.send_all(HELLO + last_words)
    await server.aclose()
    closed = await end_of(client)
    assert (closed.code, closed.reason, closed.words) == (None, "", "")
    await trio.aclose_forcefully(client)


async def test_a_message_too_long_for_us_is_no_close_of_theirs(
    transport: Connect, nursery: trio.Nursery
) -> None:
    client, server = await open_client(transport, nursery)
    nursery.start_soon(server.send_all, frame(TEXT, b"x" * (2**20 + 1)))
    assert (await end_of(client)).code is None
    await trio.aclose_forcefully(client)


async def test_nor_is_the_answer_to_our_own_close(
    transport: Connect, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    client, server = await open_client(transport, nursery)
    nursery.start_soon(client.aclose)
    await server.receive_some()
    await server.send_all(close(1000))
    await server.aclose()
    assert (await end_of(client)).code is None


async def test_a_reason_cannot_forge_a_line_of_a_log(
    transport: Connect, nursery: trio.Nursery
) -> None:
    client, server = await open_client(transport, nursery)
    await server.send_all(close(1011, b"one\r\nERROR two\x1b[2J\x00"))
    assert (await end_of(client)).reason == "oneERROR two[2J"
    await trio.aclose_forcefully(client)


@pytest.mark.parametrize("reason", ["", "no soxr here", "x" * 123])
async def test_the_other_side_is_told_why(
    transport: Connect, nursery: trio.Nursery, reason: str
) -> None:
    client, server = await open_client(transport, nursery)
    nursery.start_soon(client.aclose, 1011, reason)
    (farewell,) = client_frames(bytes(await server.receive_some()))
    assert (farewell.opcode, farewell.close_code) == (CLOSE, 1011)
    assert farewell.payload[2:] == reason.encode()
    await server.aclose()
