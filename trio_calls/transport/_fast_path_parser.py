"""The fast path of what is received: plain frames are parsed here, all others by a library. Pure.

A frame is *plain* if it holds a whole message, text or binary, of no more than 65,535 bytes. Nearly
all are. websockets parses them in a generator that is resumed for each part of each frame: that is
44 µs for what a call's 20 ms bring, where taking it apart here takes one. trio-websocket takes
twice as long again. So what comes is split in two::

    bytes ──► parse ── plain frames ─────────────────────────► messages
                │                                                 ▲
                └───► defer ── each other frame, whole ──► library ┘

What always holds:

- A library is given all bytes of a frame or none. It never misses the others, as no frame that it
  is to judge depends on a plain one.
- Nothing is judged here. Whatever is not a plain frame to the letter is deferred: control frames,
  fragments, longer messages, text that is not UTF-8, masks where none belong, bits that mean
  nothing. What is lawful, and what becomes of the connection if something is not, is the library's
  to say.
- While the library is within a message, all frames are its own: whether one may come there is a
  judgement, too.
- Where a deferred frame ends is known from its header alone, lawful or not, so that the next plain
  frame is found wherever the bytes were cut.

A test reads arbitrary streams, lawful or not and cut anywhere, both ways: through this, and by the
library alone.

Who may call: the one task that reads a connection. When `parse` has stopped before the end, `defer`
comes next, and the library reads what that gave it before `parse` is called again; only so is the
order of the messages that of the wire.
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

#: Fewer bytes than these, at the end of what came, are not looked at but deferred.
_SHORTEST_BYTES: Final = 4

#: The longest header: a length of 8 bytes, and a mask.
_MAX_HEADER_BYTES: Final = 14

#: The first opcode of control frames, which may come between the fragments of a message.
_FIRST_CONTROL_OPCODE: Final = 0x8


class FastPathParser:
    """Splits the bytes of an open connection into plain frames and those for a library.

    Args:
      are_masked: whether the frames are masked, as those of a client are.

    Attributes:
      deferred_messages: how many messages were deferred to their end. The library may refuse them.
    """

    def __init__(self, *, are_masked: bool) -> None:
        self.deferred_messages = 0
        self._are_masked = are_masked
        # How many bytes of the last deferred frame are still to come, and what it began with.
        self._missing_bytes = 0
        self._first_byte = 0
        # What has come of the header of a deferred frame, while that is not all of it.
        self._header = b""
        # Whether the library has fragments of a message, and not the last one.
        self._is_in_message = False
        # Whether the library waits for no more bytes, so that the next may be of a plain frame.
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
        """Defer the frame that begins at `position`, where `parse` has stopped.

        Returns:
          Where the library's part ends: at the end of that frame, or of all that has come of it.
          The library has to read it before `parse` is called again.
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
    """Return how long a frame is from its header, be it lawful or not.

    Returns:
      The length in bytes, with the header; None where more of the header is needed.
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
