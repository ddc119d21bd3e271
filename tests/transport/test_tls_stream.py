"""TLS that can send without waiting, against Trio's own."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trustme
from trio.testing import assert_checkpoints, memory_stream_pair, wait_all_tasks_blocked

from tests.support.clogged_pipes import Pipe
from trio_calls.simulator._in_process import stream_pair
from trio_calls.transport import NowaitStream, start_tls
from trio_calls.transport._dial import split_url
from trio_calls.transport._tls_stream import TLSStream

HOST = "exchange"

LENGTHS = [1, 2, 2**14 - 1, 2**14, 2**14 + 1, 100_000]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(scope="module", params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def server_context(authority: trustme.CA, request: pytest.FixtureRequest) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = request.param
    authority.issue_cert(HOST).configure_cert(context)
    return context


Server = trio.SSLStream[trio.abc.Stream]


class NarrowPipe(Pipe, NowaitStream):
    """Takes only so many bytes at a time without waiting, and gives only so many at a time."""

    def __init__(self, stream: trio.abc.Stream, capacity: int, piece_bytes: int | None) -> None:
        super().__init__(stream)
        self._capacity = capacity
        self._piece_bytes = piece_bytes

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await super().receive_some(self._piece_bytes or max_bytes)

    def send_some_nowait(self, data: bytes) -> int:
        assert isinstance(self._stream, NowaitStream)
        return self._stream.send_some_nowait(data[: self._capacity])


@asynccontextmanager
async def open_pair(
    trusting: ssl.SSLContext,
    server_context: ssl.SSLContext,
    capacity: int = 0,
    *,
    piece_bytes: int | None = None,
    says_goodbye: bool = False,
) -> AsyncIterator[tuple[TLSStream, Server]]:
    """Open both ends.

    Args:
      capacity: how many bytes ours takes at a time without waiting.
      piece_bytes: how many bytes come to it at a time.
      says_goodbye: whether the server ends with a close of TLS, not of the connection alone.
    """
    ours, theirs = stream_pair()
    client = TLSStream(NarrowPipe(ours, capacity, piece_bytes), trusting, HOST)
    server: Server = trio.SSLStream(
        theirs, server_context, server_side=True, https_compatible=not says_goodbye
    )
    async with client, server:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.do_handshake)
            nursery.start_soon(server.do_handshake)
        yield client, server


@pytest.mark.parametrize("length", LENGTHS)
async def test_what_is_sent_comes_and_nothing_else(
    trusting: ssl.SSLContext, server_context: ssl.SSLContext, length: int
) -> None:
    sent = bytes(range(256)) * (length // 256 + 1)
    async with open_pair(trusting, server_context) as (client, server):
        for sender, receiver in ((client, server), (server, client)):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(sender.send_all, sent[:length])
                assert await read_exactly(receiver, length) == sent[:length]


@pytest.mark.parametrize("host", ["exchange", "exchange.", "EXCHANGE", "[fe80::1%eth0]"])
async def test_a_host_is_named_as_certificates_name_it(
    authority: trustme.CA, trusting: ssl.SSLContext, host: str
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST, "fe80::1").configure_cert(context)
    asked_for: list[str | None] = []
    context.sni_callback = lambda _, name, __: asked_for.append(name)
    ours, theirs = stream_pair()
    server: Server = trio.SSLStream(theirs, context, server_side=True, https_compatible=True)
    async with server, trio.open_nursery() as nursery:
        nursery.start_soon(server.do_handshake)
        async with await start_tls(split_url(f"wss://{host}"), ours, trusting):
            assert asked_for == [None if host.startswith("[") else HOST]


@pytest.mark.parametrize("capacity", [0, 1, 20, 2**20])
async def test_what_is_not_sent_at_once_is_sent_later_and_only_once(
    trusting: ssl.SSLContext, server_context: ssl.SSLContext, capacity: int
) -> None:
    async with open_pair(trusting, server_context, capacity) as (client, server):
        sent_bytes = client.send_some_nowait(b"first")
        assert sent_bytes == (5 if capacity == 2**20 else 0)
        unsent = b"first"[sent_bytes:] + b"second"
        if capacity == 20:
            # Enough for what is unsent of the first record, and too little for the second.
            assert client.send_some_nowait(unsent) == 0
        await client.send_all(unsent)
        assert await read_exactly(server, 11) == b"firstsecond"
        await client.send_all(b"third")
        assert await read_exactly(server, 5) == b"third"


async def test_all_that_has_come_is_received_together(
    trusting: ssl.SSLContext, server_context: ssl.SSLContext
) -> None:
    async with open_pair(trusting, server_context) as (client, server):
        for word in (b"one ", b"two ", b"three"):
            await server.send_all(word)
        assert await client.receive_some() == b"one two three"


@pytest.mark.parametrize("piece_bytes", [1, 5, 21, 100])
async def test_records_come_whole_however_they_are_cut(
    trusting: ssl.SSLContext, server_context: ssl.SSLContext, piece_bytes: int
) -> None:
    async with open_pair(trusting, server_context, piece_bytes=piece_bytes) as (client, server):
        sent = bytes(range(200))
        for _ in range(3):
            await server.send_all(sent)
            assert await read_exactly(client, len(sent)) == sent
        await server.aclose()
        assert await client.receive_some() == b""


async def test_more_of_a_record_is_taken_before_what_follows(
    trusting: ssl.SSLContext, server_context: ssl.SSLContext
) -> None:
    async with open_pair(trusting, server_context) as (client, server):
        for word in (b"one ", b"two ", b"three"):
            await server.send_all(word)
        await server.aclose()
        assert [await client.receive_some(5) for _ in range(4)] == [b"one t", b"wo th", b"ree", b""]


async def test_no_more_is_received_than_was_asked_for(
    trusting: ssl.SSLContext, server_context: ssl.SSLContext
) -> None:
    async with open_pair(trusting, server_context) as (client, server):
        await server.send_all(b"hello")
        assert await client.receive_some(2) == b"he"
        with assert_checkpoints():
            assert await client.receive_some(2) == b"ll"
        assert await client.receive_some(2) == b"o"


async def test_a_receive_that_is_cancelled_loses_nothing(
    trusting: ssl.SSLContext, server_context: ssl.SSLContext
) -> None:
    async with open_pair(trusting, server_context) as (client, server):
        with trio.CancelScope() as scope:
            scope.cancel()
            await client.receive_some()
        assert scope.cancelled_caught
        await server.send_all(b"hello")
        with trio.CancelScope() as scope:
            scope.cancel()
            await client.receive_some()
        assert await client.receive_some() == b"hello"


async def test_a_send_is_a_checkpoint_before_anything_is_sent(
    trusting: ssl.SSLContext, server_context: ssl.SSLContext
) -> None:
    async with open_pair(trusting, server_context) as (client, server):
        with trio.CancelScope() as scope:
            scope.cancel()
            await client.send_all(b"never")
        assert scope.cancelled_caught
        with assert_checkpoints():
            await client.send_all(b"hello")
        assert await server.receive_some() == b"hello"


async def test_one_task_sends_at_a_time(trusting: ssl.SSLContext) -> None:
    ours, theirs = stream_pair()
    pipe = Pipe(ours)
    client = TLSStream(pipe, trusting, HOST)
    pipe.is_blocked = True
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.do_handshake)
        await wait_all_tasks_blocked()
        with pytest.raises(trio.BusyResourceError):
            await client.do_handshake()
        nursery.cancel_scope.cancel()
    await client.aclose()
    assert await theirs.receive_some() == b""


@pytest.mark.parametrize("says_so", [True, False])
async def test_what_came_before_the_end_is_received_before_it(
    trusting: ssl.SSLContext, server_context: ssl.SSLContext, says_so: bool
) -> None:
    async with open_pair(trusting, server_context, says_goodbye=says_so) as (client, server):
        await server.send_all(b"goodbye")
        with trio.move_on_after(0):
            await server.aclose()
        assert await client.receive_some() == b"goodbye"
        assert await client.receive_some() == b""
        assert await client.receive_some() == b""


async def test_what_came_before_nonsense_is_received_first(
    trusting: ssl.SSLContext, server_context: ssl.SSLContext
) -> None:
    async with open_pair(trusting, server_context) as (client, server):
        await server.send_all(b"hello")
        await server.transport_stream.send_all(b"this is no record of TLS at all")
        assert await client.receive_some() == b"hello"
        for _ in range(2):
            with pytest.raises(trio.BrokenResourceError) as raised:
                await client.receive_some()
            assert isinstance(raised.value.__cause__, ssl.SSLError)


@pytest.mark.parametrize(
    ("is_known", "host", "why"),
    [(False, HOST, "unable to get local issuer"), (True, "somebody-else", "mismatch")],
)
async def test_a_server_that_cannot_be_verified_gets_nothing(
    trusting: ssl.SSLContext,
    server_context: ssl.SSLContext,
    is_known: bool,
    host: str,
    why: str,
) -> None:
    ours, theirs = memory_stream_pair()
    client = TLSStream(ours, trusting if is_known else ssl.create_default_context(), host)
    server: Server = trio.SSLStream(theirs, server_context, server_side=True)

    async def serve() -> None:
        with pytest.raises(trio.BrokenResourceError):
            await server.do_handshake()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        with pytest.raises(trio.BrokenResourceError) as raised:
            await client.do_handshake()
        assert isinstance(raised.value.__cause__, ssl.SSLCertVerificationError)
        assert why in str(raised.value.__cause__)
        await client.aclose()


async def test_hanging_up_in_the_handshake_breaks_the_stream(
    trusting: ssl.SSLContext,
) -> None:
    ours, theirs = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(theirs.aclose)
        with pytest.raises(trio.BrokenResourceError):
            await TLSStream(ours, trusting, HOST).do_handshake()


async def read_exactly(stream: trio.abc.ReceiveStream, length: int) -> bytes:
    received = b""
    while len(received) < length:
        received += await stream.receive_some()
    return received
