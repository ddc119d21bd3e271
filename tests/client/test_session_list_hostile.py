"""Answers to HTTP requests that make no sense: an error each, and nothing of them in it."""

from __future__ import annotations

import gzip
from typing import Final

import pytest

from tests.support.peers.exchange import FakeExchange, http
from tests.support.transports import on_one_transport
from tests.support.wires import on_the_first_wire
from trio_calls import WSSConnectionError

pytestmark = [on_one_transport, on_the_first_wire]

#: It must be in no error.
MARK: Final = "69999"

BODIES: Final = [
    "",
    "null",
    f'"{MARK}"',
    f"<html>{MARK}</html>",
    f'["{MARK}"]',
    "{}",
    '{"items":null}',
    f'{{"items":{{"{MARK}":1}}}}',
    f'{{"items":["{MARK}"]}}',
    '{"items":[[]]}',
    f'{{"items":[{{"id":{MARK}}}]}}',
    '{"items":[{"channel":true}]}',
    f'{{"items":[{{"remoteAddress":["{MARK}"]}}]}}',
    f'{{"items":[{{"openedAt":"{MARK}"}}]}}',
    '{"items":[{"openedAt":true}]}',
    '{"items":[{"openedAt":NaN}]}',
    '{"items":[{"closedAt":1e999}]}',
    f'{{"items":[{{"openedAt":{"9" * 5000}}}]}}',
    f'{{"items":[{{"id":"{"x" * 513}"}}]}}',
    '{"items":[{"id":"\\ud800"}]}',
    '{"items":[' + "[" * 100 + "]" * 100 + "]}",
    '{"items":[{"id":"s"}',
]


async def fails(exchange: FakeExchange, answer: bytes) -> str:
    """Let this answer a request for a list. Returns the words of the error."""
    async with exchange.open_client() as (client, control, _):
        exchange.answers.append(answer)
        with pytest.raises(WSSConnectionError) as caught:
            await client.sessions.list()
        await control.ring("s")  # the client goes on
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return str(caught.value)


@pytest.mark.parametrize("body", BODIES)
async def test_a_body_that_makes_no_sense(exchange: FakeExchange, body: str) -> None:
    words = await fails(exchange, http(200, body))
    assert "makes no sense" in words
    assert MARK not in words


ANSWERS: Final = {
    "nothing": b"",
    "no HTTP": f"{MARK}\r\n\r\n".encode(),
    "a WebSocket": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "a head without an end": b"HTTP/1.1 200 OK\r\nx: " + b"x" * 2**18,
    "a head that breaks off": b"HTTP/1.1 200 OK\r\nContent-Le",
    "a body that breaks off": http(200, '{"items":[]}')[:-1],
    "a header that is none": f"HTTP/1.1 200 OK\r\n{MARK}\r\n\r\n".encode(),
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
    "chunks that are none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "not UTF-8": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\xff",
    "too much": http(200, f'{{"items":[],"x":"{"x" * 2**23}"}}'),
    "a little too much": http(200, f'{{"items":[],"x":"{"x" * 2**22}"}}'),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
async def test_an_answer_that_makes_no_sense(exchange: FakeExchange, answer: bytes) -> None:
    assert MARK not in await fails(exchange, answer)


async def test_a_body_without_an_end_is_read_no_further(exchange: FakeExchange) -> None:
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 2**24
    assert "longer than 4,194,304 bytes" in await fails(exchange, endless)


async def test_what_is_compressed_is_not_unpacked(exchange: FakeExchange) -> None:
    packed = gzip.compress(b" " * 2**24)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    assert "must be UTF-8" in await fails(exchange, head.encode() + packed)
