"""What servers and proxies say before, in and right behind the head that opens a WebSocket."""

import base64
import hashlib
import math

import pytest
import trio
from trio.testing import memory_stream_pair

from tests.support.peers.frames import BINARY, TEXT, frame
from tests.support.peers.websocket_server import ChoppedStream
from tests.support.transports import Connect
from trio_calls.transport import HandshakeRefused, WebSocketError

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
STATUS = b"HTTP/1.1 101 Switching Protocols\r\n"
UPGRADE = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
ACCEPT = b"Sec-WebSocket-Accept: KEY\r\n"
SWITCH = STATUS + UPGRADE + ACCEPT + b"\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HELLO = frame(TEXT, b"hello")

in_pieces = pytest.mark.parametrize("piece", [math.inf, 1], ids=["at once", "byte by byte"])


async def received(
    connect: Connect, answer: bytes, *, messages: int = 1, piece: float = math.inf
) -> list[str | bytes]:
    """Open a WebSocket with a server that answers so, and receive some messages."""
    ours, theirs = memory_stream_pair()

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        return ChoppedStream(ours, piece)

    async def serve() -> None:
        request = bytes(await theirs.receive_some())
        _, _, key = request.lower().partition(b"sec-websocket-key:")
        key = request[-len(key) :].split(b"\r\n")[0].strip()
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        await theirs.send_all(answer.replace(b"KEY", accept))

    got: list[str | bytes] = []
    failure: WebSocketError | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        try:
            websocket = await connect(
                nursery,
                "ws://exchange/",
                headers={},
                ssl_context=None,
                open_stream=open_stream,
                within_seconds=5,
            )
            with trio.fail_after(5):
                while len(got) < messages:
                    got += await websocket.receive_batch()
        except WebSocketError as error:
            failure = error
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return got


@in_pieces
@pytest.mark.parametrize(
    "answer",
    [
        HINTS + SWITCH,
        CONTINUE + HINTS + HINTS + SWITCH,
        b"HTTP/1.1 102\r\n\r\n" + SWITCH,
        STATUS + b"Set-Cookie: a=" + b"x" * 9000 + b"\r\n" + UPGRADE + ACCEPT + b"\r\n",
        STATUS + b"".join(b"X-%d: y\r\n" % n for n in range(150)) + UPGRADE + ACCEPT + b"\r\n",
        STATUS + b"X-Folded: one\r\n two\r\n\tthree\r\n" + UPGRADE + ACCEPT + b"\r\n",
        STATUS + b"Upgrade:\r\n websocket\r\nConnection: a,\r\n Upgrade\r\n" + ACCEPT + b"\r\n",
        b"HTTP/1.1 101\r\n" + UPGRADE + ACCEPT + b"\r\n",
        b"HTTP/1.1 101 \r\n" + UPGRADE + ACCEPT + b"\r\n",
        STATUS + UPGRADE + ACCEPT + b"Sec-WebSocket-Protocol: \r\n\r\n",
        STATUS + UPGRADE + ACCEPT + b"Sec-WebSocket-Extensions:\r\nContent-Length: 0\r\n\r\n",
        STATUS + UPGRADE + b"Connection:\r\n" + UPGRADE.lower() + ACCEPT + b"\r\n",
    ],
    ids=[
        "103",
        "many",
        "102",
        "long cookie",
        "150 headers",
        "folded",
        "folded upgrade",
        "no reason",
        "empty reason",
        "empty subprotocol",
        "empty extensions",
        "upgrade twice",
    ],
)
async def test_it_does_not_keep_a_websocket_from_opening(
    transport: Connect, answer: bytes, piece: float
) -> None:
    assert await received(transport, answer + HELLO, piece=piece) == ["hello"]


@pytest.mark.parametrize("piece", [60, 2**15, math.inf])
async def test_early_audio_is_no_part_of_a_handshake(transport: Connect, piece: float) -> None:
    audio = [b"\0" + bytes([number]) * 960 for number in range(140)]
    early = b"".join(frame(BINARY, data) for data in audio)
    assert await received(transport, SWITCH + early, messages=140, piece=piece) == audio


@in_pieces
async def test_a_refusal_with_long_headers_is_one(transport: Connect, piece: float) -> None:
    refusal = (
        HINTS
        + b"HTTP/1.1 503 No\r\nSet-Cookie: a="
        + b"x" * 9000
        + b"\r\n"
        + b"".join(b"X-%d: y\r\n" % n for n in range(150))
        + b"Retry-After:\r\n 7\r\nContent-Length: 4\r\n\r\nbusy"
    )
    with pytest.raises(HandshakeRefused) as caught:
        await received(transport, refusal, piece=piece)
    assert (caught.value.status_code, caught.value.reason) == (503, "busy")
    assert caught.value.retry_after == 7


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (STATUS + b"Connection: Upgrade\r\n" + ACCEPT, "no 'Upgrade: websocket'"),
        (STATUS + b"Upgrade: websocket\r\n" + ACCEPT, "no 'Connection: Upgrade'"),
        (STATUS + UPGRADE, "no Sec-WebSocket-Accept"),
        (STATUS + UPGRADE + ACCEPT + b"Sec-WebSocket-Extensions: x\r\n", "an extension"),
        (STATUS + UPGRADE + ACCEPT + b"Sec-WebSocket-Protocol: x\r\n", "a subprotocol"),
        (STATUS + UPGRADE + ACCEPT + b"Upgrade: h2c\r\n", "no 'Upgrade: websocket'"),
        (STATUS + b"X: " + b"x" * 2**17, "more than 65,536 bytes"),
        (HINTS * 2000, "more than 65,536 bytes"),
    ],
)
async def test_what_is_refused_says_which_rule(
    transport: Connect, answer: bytes, rule: str
) -> None:
    with pytest.raises(WebSocketError, match=rule):
        await received(transport, answer + b"\r\n")
