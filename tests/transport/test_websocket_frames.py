"""RFC 6455 frame by frame, as long as the server keeps to it: lengths, pings, fragments, text.

The cases are those of groups 1, 2, 5, 6, 9 and 10 of the Autobahn testsuite. Each says what the
application gets, and what the server gets back.
"""

import math

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.support.peers.frames import BINARY, CLOSE, PING, PONG, TEXT, fragments, frame
from tests.support.peers.websocket_server import converse, open_client
from tests.support.transports import Connect, on_one_transport
from trio_calls.transport._interface import MAX_MESSAGE_SIZE

in_pieces = pytest.mark.parametrize("piece", [math.inf, 1], ids=["at once", "byte by byte"])


class TestLengths:
    """Groups 1 and 10: messages of every form of length, there and back."""

    @pytest.mark.parametrize("is_chopped", [False, True], ids=["at once", "in pieces"])
    @pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["text", "binary"])
    @pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 128, 65535, 65536])
    async def test_a_message_comes_whole_and_goes_back_as_one_frame(
        self, transport: Connect, size: int, opcode: int, is_chopped: bool
    ) -> None:
        payload = b"*" * size if opcode == TEXT else (bytes(range(256)) * 256)[:size]
        piece = math.inf if not is_chopped else 1 if size < 1000 else 997
        talk = await converse(transport, frame(opcode, payload), piece=piece, echoes=True)
        assert talk.received == [payload.decode() if opcode == TEXT else payload]
        assert talk.said == [(opcode, payload)]
        assert talk.close_codes == [1000]

    async def test_many_messages_in_one_piece_come_apart(self, transport: Connect) -> None:
        payloads = [bytes([number]) * number for number in range(100)]
        talk = await converse(transport, *(frame(BINARY, payload) for payload in payloads))
        assert talk.received == payloads


async def test_no_more_is_read_than_somebody_receives(
    transport: Connect, nursery: trio.Nursery
) -> None:
    hello = frame(BINARY, b"hello")
    client, server = await open_client(transport, nursery, piece=len(hello))
    await server.send_all(hello * 1000)
    received = 0
    while received < 1000:
        await wait_all_tasks_blocked()
        batch = await client.receive_batch()
        assert len(batch) < 20
        received += len(batch)
    await server.aclose()
    await client.aclose()


async def test_what_the_library_reads_stays_in_order_with_the_rest(
    transport: Connect,
) -> None:
    long = b"long" * 2**15
    talk = await converse(
        transport,
        frame(TEXT, b"plain"),
        *fragments(TEXT, b"in ", b"pieces"),
        frame(BINARY, b"plain again"),
        frame(PING, b"?"),
        frame(BINARY, long),
        frame(BINARY, b""),
        *fragments(BINARY, b"1", b"2"),
        *fragments(BINARY, b"3", b"4"),
        frame(TEXT, b"the last"),
        echoes=True,
    )
    assert talk.received == [
        "plain",
        "in pieces",
        b"plain again",
        long,
        b"",
        b"12",
        b"34",
        "the last",
    ]
    assert [
        payload.decode() if opcode == TEXT else payload for opcode, payload in talk.said
    ] == talk.received
    assert talk.pongs == [b"?"]


class TestLimit:
    """Group 9: long messages, up to the longest that is received."""

    @pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["text", "binary"])
    @pytest.mark.parametrize("count", [1, 16, 2**10])
    async def test_the_longest_message_may_come_in_any_fragments(
        self, transport: Connect, count: int, opcode: int
    ) -> None:
        parts = [b"*" * (MAX_MESSAGE_SIZE // count)] * count
        talk = await converse(transport, *fragments(opcode, *parts))
        whole = b"*" * MAX_MESSAGE_SIZE
        assert talk.received == [whole.decode() if opcode == TEXT else whole]
        assert talk.close_codes == [1000]

    @pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["text", "binary"])
    @pytest.mark.parametrize("count", [1, 16, 2**10])
    async def test_a_longer_one_costs_the_connection(
        self, transport: Connect, count: int, opcode: int
    ) -> None:
        parts = [b"*" * (MAX_MESSAGE_SIZE // count)] * count
        talk = await converse(
            transport, frame(TEXT, b"before"), *fragments(opcode, *parts, b"*"), frame(PING)
        )
        assert talk.received == ["before"]
        assert talk.close_codes == [1009]


class TestPings:
    """Group 2: a ping gets its payload back, whatever else is going on."""

    @in_pieces
    @pytest.mark.parametrize("payload", [b"", b"hello", b"\x00\xff\xfe\xfd", b"\xfe" * 125])
    async def test_a_ping_gets_its_payload_back(
        self, transport: Connect, payload: bytes, piece: float
    ) -> None:
        talk = await converse(transport, frame(PING, payload), piece=piece)
        assert talk.pongs == [payload]
        assert (talk.received, talk.close_codes) == ([], [1000])

    async def test_pings_are_answered_in_order(self, transport: Connect) -> None:
        payloads = [f"payload-{number}".encode() for number in range(10)]
        talk = await converse(transport, *(frame(PING, payload) for payload in payloads))
        assert talk.pongs == payloads

    @pytest.mark.parametrize("payload", [b"", b"unsolicited"])
    async def test_a_pong_that_nobody_waits_for_is_ignored(
        self, transport: Connect, payload: bytes
    ) -> None:
        talk = await converse(
            transport, frame(PONG, payload), frame(PING, b"now"), frame(TEXT, b"hello")
        )
        assert (talk.pongs, talk.received, talk.close_codes) == ([b"now"], ["hello"], [1000])

    @in_pieces
    async def test_pings_may_come_between_fragments(self, transport: Connect, piece: float) -> None:
        first, second, third = fragments(TEXT, b"one, ", b"two, ", b"three")
        pings = frame(PING, b"a") + frame(PING, b"b")
        talk = await converse(transport, first, pings, second, frame(PONG), third, piece=piece)
        assert talk.received == ["one, two, three"]
        assert talk.pongs == [b"a", b"b"]


class TestFragments:
    """Group 5: messages in parts."""

    @in_pieces
    @pytest.mark.parametrize(
        "parts", [[b"one", b"two"], [b"", b"", b""], [b"", b"middle", b""], [b"x"] * 200]
    )
    @pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["text", "binary"])
    async def test_fragments_are_joined(
        self, transport: Connect, opcode: int, parts: list[bytes], piece: float
    ) -> None:
        talk = await converse(transport, *fragments(opcode, *parts), piece=piece)
        whole = b"".join(parts)
        assert talk.received == [whole.decode() if opcode == TEXT else whole]
        assert talk.close_codes == [1000]


class TestText:
    """Group 6, as far as it is UTF-8. What is not is among the broken rules."""

    @pytest.mark.parametrize(
        "text",
        [
            "Hello-µ@ßöäüàá-UTF-8!!",
            "κόσμε",
            "\0",
            "\x7f\x80\u07ff\u0800",
            "\ud7ff\ue000\ufffd\ufffe\uffff",  # the last two are no characters, and yet allowed
            "\U00010000\U0001fffe\U0010ffff",
        ],
        ids=ascii,
    )
    @pytest.mark.parametrize("way", ["at once", "byte by byte", "a fragment for each byte"])
    async def test_text_is_received_wherever_its_code_points_are_cut(
        self, transport: Connect, text: str, way: str
    ) -> None:
        encoded = text.encode()
        parts = [bytes([byte]) for byte in encoded] if way.startswith("a fragment") else [encoded]
        piece = 1 if way == "byte by byte" else math.inf
        talk = await converse(transport, *fragments(TEXT, *parts), piece=piece, echoes=True)
        assert talk.received == [text]
        assert talk.said == [(TEXT, encoded)]
        assert talk.close_codes == [1000]


@on_one_transport
async def test_a_ping_is_answered_before_what_came_after_it(transport: Connect) -> None:
    first, last = fragments(TEXT, b"one ", b"message")
    conversation = await converse(transport, first, frame(PING, b"?"), last, echoes=True)
    assert [answer.opcode for answer in conversation.frames] == [PONG, TEXT, CLOSE]
