"""Plain frames out of what a peer sends; what is left belongs to a WebSocket library. Pure.

A library takes many times as long for a frame as everything that a plain one needs. It is given all
of a frame or nothing, so it never misses those.
"""

from __future__ import annotations

from typing import Final

from trio_calls.transport._plain_frames import (
    FIN,
    MAX_HEADER_BYTES,
    OPCODE,
    frame_bytes,
    take_messages,
)

#: Opcodes from this one on are of control frames, which may come between the frames of a message.
_FIRST_CONTROL_OPCODE: Final = 0x8


class FrameSieve:
    """Takes the bytes of an open connection apart.

    Args:
      are_masked: whether the frames are, as a client's are.

    Attributes:
      library_messages: how many messages have been left to the library, from beginning to end. It
        may refuse them.
    """

    def __init__(self, *, are_masked: bool) -> None:
        self.library_messages = 0
        self._are_masked = are_masked
        # How many of the next bytes belong to a frame that the library has begun to read, and what
        # that frame began with.
        self._library_bytes = 0
        self._first_byte = 0
        # As much as has come of a header that the library has begun to read.
        self._header = b""
        # Whether the library has some of a message's frames, and not the last one.
        self._is_in_message = False

    def sift(self, data: bytes, position: int, messages: list[str | bytes]) -> int:
        """Append the messages of plain frames to `messages`, up to the first other frame.

        Returns:
          Where that frame begins; where there is none, the end of the data.
        """
        if self._library_bytes or self._header or self._is_in_message:
            return position
        return take_messages(data, position, messages, self._are_masked)

    def leave(self, data: bytes, position: int) -> int:
        """Leave what begins at `position` to the library, as `sift` has said.

        Returns:
          Where the library's part ends: with that frame, or with all that has come of it. It has to
          read that before more is taken in.
        """
        present_bytes = len(data) - position
        if not self._library_bytes:
            header = self._header + data[position : position + MAX_HEADER_BYTES]
            length = frame_bytes(header)
            if length is None:
                self._header = header
                return len(data)
            self._library_bytes = length - len(self._header)
            self._first_byte = header[0]
            self._header = b""
        left_bytes = min(self._library_bytes, present_bytes)
        self._library_bytes -= left_bytes
        if not self._library_bytes and self._first_byte & OPCODE < _FIRST_CONTROL_OPCODE:
            self._is_in_message = not self._first_byte & FIN
            self.library_messages += not self._is_in_message
        return position + left_bytes
