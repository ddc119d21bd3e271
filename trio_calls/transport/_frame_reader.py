"""Messages from what a peer sends: plain frames in passing, all others by websockets. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import CLIENT, Protocol

from trio_calls.transport._fragments import Fragments
from trio_calls.transport._frame_sieve import FrameSieve

_CONTROL_OPCODES: Final = frozenset({Opcode.CLOSE, Opcode.PING, Opcode.PONG})


class FrameReader:
    """Takes the bytes of an open connection apart.

    Args:
      protocol: its handshake is over, and it has been given no byte beyond that.
      on_control: called with each ping, pong and close.

    Attributes:
      is_over: whether the peer has closed the connection, or has broken the protocol.
    """

    def __init__(self, protocol: Protocol, on_control: Callable[[Frame], None]) -> None:
        self.is_over = False
        self._protocol = protocol
        self._on_control = on_control
        self._sieve = FrameSieve(are_masked=protocol.side is not CLIENT)
        self._fragments = Fragments()

    def receive(self, data: bytes | bytearray) -> list[str | bytes]:
        """Take in bytes. Returns the messages that they complete.

        What breaks the protocol ends it: then `protocol` has a close to send.
        """
        data = bytes(data)
        messages: list[str | bytes] = []
        start, end = (0, len(data)) if self.is_over else self._sieve.sift(data, 0, messages)
        while start < end:
            self._read_by_library(data[start:end], messages)
            if self.is_over:
                # Nor is anything after that for anybody else to judge.
                start, end = end, len(data)
            else:
                start, end = self._sieve.sift(data, end, messages)
        return messages

    def receive_eof(self) -> None:
        """Take note that no more comes."""
        self._protocol.receive_eof()

    def _read_by_library(self, part: bytes, messages: list[str | bytes]) -> None:
        self._protocol.receive_data(part)
        try:
            for event in self._protocol.events_received():
                assert isinstance(event, Frame)
                self._read_frame(event, messages)
        except UnicodeDecodeError:
            self._protocol.fail(CloseCode.INVALID_DATA, "text must be UTF-8")
        self.is_over = self._protocol.close_expected()

    def _read_frame(self, frame: Frame, messages: list[str | bytes]) -> None:
        if frame.opcode in _CONTROL_OPCODES:
            self._on_control(frame)
        elif (message := self._fragments.add(frame)) is not None:
            messages.append(message)
