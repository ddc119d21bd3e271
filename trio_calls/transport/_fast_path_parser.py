"""Plain frames out of what a peer sends; what is left belongs to a WebSocket library. Pure.

A library takes many times as long for a frame as everything that a plain one needs. It is given all
of a frame or nothing, so it never misses those.
"""

from __future__ import annotations

import struct
from typing import Final

from trio_calls.transport._framing import (
    FIN,
    LENGTH_IN_2_BYTES,
    LENGTH_IN_8_BYTES,
    MASK_BYTES,
    MASKED,
    OPCODE,
    WHOLE_BINARY,
    WHOLE_TEXT,
    apply_mask,
)

_unpack_header: Final = struct.Struct("!BBH").unpack_from

#: What is left at the end of what came, and shorter than this, the library may have.
_SHORTEST_BYTES: Final = 4

#: The longest header: a length of 8 bytes, and a mask.
_MAX_HEADER_BYTES: Final = 14

#: Opcodes from this one on are of control frames, which may come between the frames of a message.
_FIRST_CONTROL_OPCODE: Final = 0x8


class FastPathParser:
    """Takes the bytes of an open connection apart.

    Args:
      are_masked: whether the frames are, as a client's are.

    Attributes:
      deferred_messages: how many messages have been left to the library, from beginning to end. It
        may refuse them.
    """

    def __init__(self, *, are_masked: bool) -> None:
        self.deferred_messages = 0
        self._are_masked = are_masked
        # How many of the next bytes belong to a frame that the library has begun to read, and what
        # that frame began with.
        self._missing_bytes = 0
        self._first_byte = 0
        # As much as has come of a header that the library has begun to read.
        self._header = b""
        # Whether the library has some of a message's frames, and not the last one.
        self._is_in_message = False
        # Whether the library waits for nothing, so that all that comes may be looked at.
        self._is_library_idle = True

    def parse(self, data: bytes, position: int, messages: list[str | bytes]) -> int:
        """Append the messages of plain frames to `messages`, up to the first other frame.

        Returns:
          Where that frame begins; where there is none, the end of the data.
        """
        if not self._is_library_idle:
            return position
        data_bytes = len(data)
        are_masked = self._are_masked
        while position + _SHORTEST_BYTES <= data_bytes:
            first, length, long_length = _unpack_header(data, position)
            start = position + 2
            if are_masked:
                length ^= MASKED
                start += MASK_BYTES
            if length == LENGTH_IN_2_BYTES and long_length >= LENGTH_IN_2_BYTES:
                length = long_length
                start += 2
            elif length >= LENGTH_IN_2_BYTES:
                break
            end = start + length
            if end > data_bytes:
                break
            payload = data[start:end]
            if are_masked:
                payload = apply_mask(payload, data[start - MASK_BYTES : start])
            if first == WHOLE_BINARY:
                messages.append(payload)
            elif first == WHOLE_TEXT:
                try:
                    messages.append(payload.decode())
                except UnicodeDecodeError:
                    break
            else:
                break
            position = end
        return position

    def defer(self, data: bytes, position: int) -> int:
        """Leave what begins at `position` to the library, as `parse` has said.

        Returns:
          Where the library's part ends: with that frame, or with all that has come of it. It has to
          read that before more is taken in.
        """
        taken_bytes = self._defer(data, position)
        self._is_library_idle = not (self._missing_bytes or self._header or self._is_in_message)
        return position + taken_bytes

    def _defer(self, data: bytes, position: int) -> int:
        present_bytes = len(data) - position
        if not self._missing_bytes:
            header = self._header + data[position : position + _MAX_HEADER_BYTES]
            length = _frame_bytes(header)
            if length is None:
                self._header = header
                return present_bytes
            self._missing_bytes = length - len(self._header)
            self._first_byte = header[0]
            self._header = b""
        taken_bytes = min(self._missing_bytes, present_bytes)
        self._missing_bytes -= taken_bytes
        if not self._missing_bytes and self._first_byte & OPCODE < _FIRST_CONTROL_OPCODE:
            self._is_in_message = not self._first_byte & FIN
            self.deferred_messages += not self._is_in_message
        return taken_bytes


def _frame_bytes(header: bytes) -> int | None:
    """Tell how long the frame is that begins with `header`, be it lawful or not.

    Returns:
      Its length in bytes, with its header; None where more of that is needed.
    """
    if len(header) < 2:  # noqa: PLR2004
        return None
    is_masked, length = divmod(header[1], MASKED)
    header_bytes = 2 + is_masked * MASK_BYTES
    size = {LENGTH_IN_2_BYTES: 2, LENGTH_IN_8_BYTES: 8}.get(length, 0)
    if len(header) < 2 + size:
        return None
    if size:
        length = int.from_bytes(header[2 : 2 + size], "big")
    return header_bytes + size + length
