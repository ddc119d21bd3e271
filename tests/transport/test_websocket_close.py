"""RFC 6455, the end of a connection. The cases are those of group 7 of the Autobahn testsuite."""

import math

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.support.peers.frames import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    client_frames,
    close,
    fragments,
    frame,
)
from tests.support.peers.websocket_server import converse, open_client, read_to_the_end
from tests.support.transports import Connect

HELLO = frame(TEXT, b"hello")

in_pieces = pytest.mark.parametrize("piece", [math.inf, 1], ids=["at once", "byte by byte"])


@in_pieces
@pytest.mark.parametrize("reason", [b"", b"bye", "grüß dich".encode(), b"*" * 123])
@pytest.mark.parametrize(
    "code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
)
async def test_a_close_gets_its_code_back(
    transport: Connect, code: int, reason: bytes, piece: float
) -> None:
    talk = await converse(transport, HELLO, close(code, reason), piece=piece)
    assert talk.received == ["hello"]
    assert talk.close_codes == [code]


async def test_a_close_without_a_code_gets_a_close(transport: Connect) -> None:
    talk = await converse(transport, HELLO, frame(CLOSE))
    assert talk.received == ["hello"]
    assert talk.close_codes in ([None], [1000])


@pytest.mark.parametrize("data", [HELLO, frame(PING, b"x"), close(1000), frame(CLOSE), b"\xff"])
async def test_nothing_matters_after_a_close(transport: Connect, data: bytes) -> None:
    talk = await converse(transport, HELLO, close(1000), data)
    assert talk.received == ["hello"]
    assert (talk.pongs, talk.close_codes) == ([], [1000])


@pytest.mark.deviates("websockets", "it answers with 1002, and not with the code that came")
async def test_a_close_between_fragments_ends_their_message(transport: Connect) -> None:
    first, second = fragments(TEXT, b"one", b"two")
    talk = await converse(transport, HELLO, first, close(1000), second)
    assert talk.received == ["hello"]
    assert talk.close_codes == [1000]


async def test_unreceived_messages_do_not_hold_up_a_close(
    transport: Connect, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    client, server = await open_client(transport, nursery, frame(BINARY, b"*") * 1000)
    await wait_all_tasks_blocked()
    async with trio.open_nursery() as closing:
        closing.start_soon(client.aclose)
        [farewell] = client_frames(bytes(await server.receive_some()))
        await server.send_all(close(1000))
        await server.aclose()
    assert farewell.close_code == 1000
    assert trio.current_time() == 0


async def close_while_this_comes(transport: Connect, *data: bytes) -> None:
    """Close a client; its server says these before it answers the close, a second later."""
    async with trio.open_nursery() as nursery:
        client, server = await open_client(transport, nursery)
        async with trio.open_nursery() as closing:
            closing.start_soon(client.aclose)
            [farewell] = client_frames(bytes(await server.receive_some()))
            assert (farewell.opcode, farewell.close_code) == (CLOSE, 1000)
            await server.send_all(b"".join(data))
            await trio.sleep(1)
            await server.send_all(close(1000))
        assert trio.current_time() == 1
        await client.aclose()
        rest = client_frames(await read_to_the_end(server))
        assert {each.opcode for each in rest} <= {PONG}


@pytest.mark.parametrize("count", [0, 1, 100])
async def test_our_own_close_is_said_once_and_waits_for_its_answer(
    transport: Connect, count: int
) -> None:
    await close_while_this_comes(transport, *[HELLO] * count)


@pytest.mark.deviates("trio-websocket", "the ping ends its reader, and the close waits out its 2 s")
async def test_a_ping_that_crosses_our_close_does_not_hold_it_up(transport: Connect) -> None:
    await close_while_this_comes(transport, frame(PING, b"x"))
