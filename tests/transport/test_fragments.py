"""Messages in fragments that are empty."""

import sys

import pytest
from websockets.frames import Frame, Opcode

from tests.support.peers.frames import BINARY, CONTINUATION, TEXT, frame
from tests.support.peers.websocket_server import converse
from tests.support.transports import Connect
from trio_calls.transport._fragments import Fragments


@pytest.mark.pure
def test_empty_fragments_take_no_memory() -> None:
    fragments = Fragments()
    fragments.add(Frame(Opcode.TEXT, "grü".encode()[:-1], fin=False))
    held = sys.getsizeof(fragments._texts)
    for _ in range(10_000):
        assert fragments.add(Frame(Opcode.CONT, b"", fin=False)) is None
    assert sys.getsizeof(fragments._texts) == held
    assert fragments.add(Frame(Opcode.CONT, "ü".encode()[1:], fin=True)) == "grü"


@pytest.mark.parametrize(("opcode", "message"), [(TEXT, "ab"), (BINARY, b"ab")])
async def test_empty_fragments_change_no_message(
    transport: Connect, opcode: int, message: str | bytes
) -> None:
    empty = frame(CONTINUATION, is_last=False) * 1000
    said = frame(opcode, b"a", is_last=False) + empty + frame(CONTINUATION, b"b")
    talk = await converse(transport, said)
    assert talk.received == [message]
