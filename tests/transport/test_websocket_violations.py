"""RFC 6455 broken: every rule of it that a server can break costs that connection, and no more.

The cases are those of groups 1 to 7 of the Autobahn testsuite that a client has to fail.
"""

import math
from contextlib import suppress

import attrs
import pytest
import trio
import trio.testing

from tests.support.peers.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    client_frames,
    close,
    fragments,
    frame,
)
from tests.support.peers.websocket_server import converse, open_client
from tests.support.transports import Connect, on_one_transport
from trio_calls.transport import WebSocketClosed
from trio_calls.transport._interface import MAX_MESSAGE_SIZE

pytestmark = pytest.mark.slow

BROKEN_RULE, NO_UTF8, TOO_LONG = 1002, 1007, 1009

BEGUN = frame(TEXT, b"one", is_last=False)

in_pieces = pytest.mark.parametrize("piece", [math.inf, 1], ids=["at once", "byte by byte"])


@attrs.frozen
class Violation:
    """What a server says, and the code of the close frame that it should get for it."""

    name: str
    data: bytes
    code: int = BROKEN_RULE
    marks: tuple[pytest.MarkDecorator, ...] = ()


LENIENT = pytest.mark.deviates("websockets", "it takes a length in more bytes than are needed")

LENGTHS = [
    Violation("125 in two bytes of length", b"\x82\x7e\x00\x7d" + bytes(125), marks=(LENIENT,)),
    Violation(
        "65535 in eight bytes", b"\x82\x7f\0\0\0\0\0\0\xff\xff" + bytes(65535), marks=(LENIENT,)
    ),
    Violation("a mask from a server", b"\x81\x81\0\0\0\0x"),
    Violation("a ping of 126 bytes", frame(PING, bytes(126))),
    Violation("a pong of 126 bytes", frame(PONG, bytes(126))),
]

RESERVED = [
    *(
        Violation(f"reserved bits {bits:03b} in {name}", frame(opcode, payload, reserved=bits))
        for bits in range(1, 8)
        for name, opcode, payload in [
            ("text", TEXT, b"hello"),
            ("binary", BINARY, b""),
            ("a ping", PING, b""),
            ("a pong", PONG, b"hello"),
            ("a close", CLOSE, b"\x03\xe8"),
        ]
    ),
    Violation("a reserved bit between fragments", BEGUN + frame(CONTINUATION, b"two", reserved=4)),
    *(
        Violation(f"opcode {opcode}, {len(payload)} bytes", frame(opcode, payload))
        for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]
        for payload in [b"", b"hello"]
    ),
]

FRAGMENTS = [
    *(
        Violation(f"{name} in fragments", frame(opcode, is_last=False) + frame(CONTINUATION))
        for name, opcode in [("a ping", PING), ("a pong", PONG), ("a close", CLOSE)]
    ),
    Violation("the end of nothing", frame(CONTINUATION, b"x")),
    Violation("the middle of nothing", frame(CONTINUATION, b"x", is_last=False)),
    Violation("a text within a text", BEGUN + frame(TEXT, b"two")),
    Violation("a fragment of a text within a text", BEGUN + frame(TEXT, b"two", is_last=False)),
    Violation("a binary message within a text", BEGUN + frame(BINARY, b"two")),
]

#: From Markus Kuhn's collection, as the testsuite has them.
NOT_UTF8 = {
    "a byte of the middle alone": b"\x80",
    "many of them": b"\x80\xbf" * 3,
    "a first byte and a space": b"\xc0 \xdf ",
    "a code point without its last byte": b"\xe2\x82",
    "the same, and more text": b"\xe2\x82 euro",
    "bytes that never occur": b"\xfe\xfe\xff\xff",
    "an overlong slash": b"\xc0\xaf",
    "an overlong zero": b"\xe0\x80\x80",
    "a surrogate": b"\xed\xa0\x80",
    "a pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "beyond the last code point": b"\xf4\x90\x80\x80",
    "five bytes for one": b"\xf8\x88\x80\x80\x80",
}

UTF8 = [
    *(
        Violation(f"{name} in one frame", frame(TEXT, "κόσμε".encode() + text), NO_UTF8)
        for name, text in NOT_UTF8.items()
    ),
    *(
        Violation(
            f"{name} in fragments",
            b"".join(fragments(TEXT, "κόσμε".encode(), *(bytes([byte]) for byte in text))),
            NO_UTF8,
        )
        for name, text in NOT_UTF8.items()
    ),
    Violation(
        "no UTF-8, and the message goes on", frame(TEXT, b"\xc0\xaf", is_last=False), NO_UTF8
    ),
]

CLOSES = [
    Violation("half a close code", frame(CLOSE, b"\x03")),
    *(
        Violation(f"close code {code}", close(code, b"bye"))
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999]
    ),
    Violation("a close of 126 bytes", close(1000, b"*" * 124)),
    Violation("a close reason that is no UTF-8", close(1000, b"\xce\xba\xed\xa0\x80"), NO_UTF8),
]

VIOLATIONS = [*LENGTHS, *RESERVED, *FRAGMENTS, *UTF8, *CLOSES]

every_violation = pytest.mark.parametrize(
    "violation", [pytest.param(each, id=each.name, marks=each.marks) for each in VIOLATIONS]
)


@in_pieces
@every_violation
async def test_what_came_before_is_received_and_nothing_after(
    transport: Connect, violation: Violation, piece: float
) -> None:
    if len(violation.data) > 1000:
        piece *= 997
    talk = await converse(
        transport, frame(TEXT, b"before"), violation.data, frame(TEXT, b"after"), piece=piece
    )
    assert talk.received == ["before"]
    assert 1000 not in talk.close_codes
    assert len(talk.close_codes) <= 1


@pytest.mark.deviates("trio-websocket", "it drops the connection without a close frame")
@every_violation
async def test_the_server_is_told_what_was_wrong(transport: Connect, violation: Violation) -> None:
    talk = await converse(transport, violation.data)
    assert talk.close_codes == [violation.code]


async def test_a_length_with_the_highest_bit_is_refused(transport: Connect) -> None:
    talk = await converse(transport, frame(TEXT, b"before") + b"\x82\x7f" + b"\xff" * 8)
    assert talk.received == ["before"]
    assert set(talk.close_codes) <= {BROKEN_RULE, TOO_LONG}


async def test_an_endless_message_does_not_fill_the_memory(
    transport: Connect,
) -> None:
    sent = 0
    async with trio.open_nursery() as nursery:
        client, server = await open_client(transport, nursery)

        async def application() -> None:
            with pytest.raises(WebSocketClosed):
                await client.receive_batch()
            await client.aclose()

        nursery.start_soon(application)
        await server.send_all(b"\x82\x7f" + (2**62).to_bytes(8, "big"))
        with trio.fail_after(10), suppress(trio.BrokenResourceError):
            while True:
                await server.send_all(bytes(2**16))
                sent += 2**16
                await trio.testing.wait_all_tasks_blocked()
    assert sent <= MAX_MESSAGE_SIZE + 2**17


@on_one_transport
async def test_a_rule_broken_with_the_handshake_is_answered_at_once(
    transport: Connect, nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    client, server = await open_client(transport, nursery, frame(TEXT, b"\xff"))
    with trio.fail_after(1), pytest.raises(WebSocketClosed):
        await client.receive_batch()
    with trio.fail_after(1):
        [answer] = client_frames(bytes(await server.receive_some()))
    assert answer.close_code == NO_UTF8
    await server.aclose()
    await client.aclose()
