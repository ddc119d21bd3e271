"""Messages from what a peer sends: plain frames in passing, all others by the library. Pure.

The library reads every byte in a generator of its own, which takes ten times as long as everything
that a plain frame needs. It is given all of a frame or nothing, so it never misses those.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import CLIENT, Protocol, State

from trio_calls.transport._fragments import Fragments
from trio_calls.transport._plain_frames import MAX_HEADER_BYTES, frame_bytes, take_messages

_EVERYTHING: Final = sys.maxsize

_CONTROL_OPCODES: Final = frozenset({Opcode.CLOSE, Opcode.PING, Opcode.PONG})


class FrameReader:
    """Takes the bytes of an open connection apart.

    Args:
      protocol: its handshake is over, and it has been given no byte beyond that.
      on_control: called with each ping, pong and close.

    Attributes:
      is_between_messages: whether the next byte begins a new message, on a connection that goes on.
    """

    def __init__(self, protocol: Protocol, on_control: Callable[[Frame], None]) -> None:
        self.is_between_messages = True
        self._protocol = protocol
        self._on_control = on_control
        self._are_masked = protocol.side is not CLIENT
        self._fragments = Fragments()
        # How many of the next bytes belong to a frame that the library has begun to read.
        self._library_bytes = 0
        # As much as has come of a header that the library has begun to read.
        self._header = b""

    def receive(self, data: bytes | bytearray) -> list[str | bytes]:
        """Take in bytes. Returns the messages that they complete.

        What breaks the protocol ends it: then `protocol` has a close to send.
        """
        data = bytes(data)
        position = 0
        messages: list[str | bytes] = []
        try:
            while True:
                if self.is_between_messages:
                    position = take_messages(data, position, messages, are_masked=self._are_masked)
                if position == len(data):
                    break
                position = self._read_by_library(data, position, messages)
        except UnicodeDecodeError:
            self._protocol.fail(CloseCode.INVALID_DATA, "text must be UTF-8")
            self.is_between_messages = False
        return messages

    def receive_eof(self) -> None:
        """Take note that no more comes."""
        self._protocol.receive_eof()

    def _read_by_library(self, data: bytes, position: int, messages: list[str | bytes]) -> int:
        """Read to the end of a frame, or as far as it has come. Returns the position after that."""
        part = data[position : position + self._next_library_bytes(data, position)]
        self._library_bytes = max(0, self._library_bytes - len(part))
        self._protocol.receive_data(part)
        for event in self._protocol.events_received():
            assert isinstance(event, Frame)
            self._read_frame(event, messages)
        self.is_between_messages = not (
            self._library_bytes
            or self._header
            or self._fragments.are_open
            or self._protocol.state is not State.OPEN
        )
        return position + len(part)

    def _next_library_bytes(self, data: bytes, position: int) -> int:
        """Tell how much the library may have: to the end of a frame, or the beginning of one."""
        if self._protocol.state is not State.OPEN:
            # It will not be open again, and has nothing to be quick about.
            return _EVERYTHING
        if not self._library_bytes:
            header = self._header + data[position : position + MAX_HEADER_BYTES]
            length = frame_bytes(header)
            if length is None:
                self._header = header
                return _EVERYTHING
            self._library_bytes = length - len(self._header)
            self._header = b""
        return self._library_bytes

    def _read_frame(self, frame: Frame, messages: list[str | bytes]) -> None:
        if frame.opcode in _CONTROL_OPCODES:
            self._on_control(frame)
        elif (message := self._fragments.add(frame)) is not None:
            messages.append(message)
