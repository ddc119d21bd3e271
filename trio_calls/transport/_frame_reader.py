"""The messages in what a peer sends: plain frames on the fast path, all others by websockets. Pure.

How the bytes are split between the two, and why, stands on top of `_fast_path_parser`. Here is what
websockets is given, and what becomes of its frames. Once either side has begun to close the
connection, all bytes are the library's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import CLIENT, Protocol

from trio_calls.transport._fast_path_parser import FastPathParser
from trio_calls.transport._fragments import Fragments

_CONTROL_OPCODES: Final = frozenset({Opcode.CLOSE, Opcode.PING, Opcode.PONG})


class FrameReader:
    """Reads the bytes of an open connection.

    Args:
      protocol: the library's idea of the connection. It has the bytes of the handshake, and none
        after that.
      on_control: called with each ping, pong and close.
      on_over: called when either side has begun to close the connection, or the peer has broken the
        protocol.
    """

    def __init__(
        self,
        protocol: Protocol,
        on_control: Callable[[Frame], None],
        on_over: Callable[[], None],
    ) -> None:
        self._protocol = protocol
        self._on_control = on_control
        self._on_over = on_over
        self._is_over = False
        self._parser = FastPathParser(are_masked=protocol.side is not CLIENT)
        self._fragments = Fragments()

    def receive(self, data: bytes) -> list[str | bytes]:
        """Read bytes, and return the messages that they complete."""
        messages: list[str | bytes] = []
        position = 0
        while not self._is_over:
            position = self._parser.parse(data, position, messages)
            if position == len(data):
                return messages
            end = self._parser.defer(data, position)
            self._read_by_library(data[position:end], messages)
            position = end
        # What comes after that is for the library alone to judge.
        self._read_by_library(data[position:], messages)
        return messages

    def _read_by_library(self, part: bytes, messages: list[str | bytes]) -> None:
        self._protocol.receive_data(part)
        try:
            for event in self._protocol.events_received():
                assert isinstance(event, Frame)
                self._read_frame(event, messages)
        except UnicodeDecodeError:
            self._protocol.fail(CloseCode.INVALID_DATA, "text must be UTF-8")
        if self._protocol.close_expected() and not self._is_over:
            self._is_over = True
            self._on_over()

    def _read_frame(self, frame: Frame, messages: list[str | bytes]) -> None:
        if frame.opcode in _CONTROL_OPCODES:
            self._on_control(frame)
        elif (message := self._fragments.add(frame)) is not None:
            messages.append(message)
