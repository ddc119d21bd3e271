"""WebSocket frames as bytes: made, so that any rule can be broken, and taken apart by the rules."""

from __future__ import annotations

from itertools import cycle
from operator import xor

import attrs

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

_LAST = 0x80
_MASKED = 0x80
_RESERVED = 0x70


def frame(opcode: int, payload: bytes = b"", *, is_last: bool = True, reserved: int = 0) -> bytes:
    """Make a frame as a server sends it, without a mask; `reserved` are its three reserved bits."""
    first = bytes([opcode | (_LAST if is_last else 0) | reserved << 4])
    if len(payload) < 126:
        return first + bytes([len(payload)]) + payload
    if len(payload) < 2**16:
        return first + b"\x7e" + len(payload).to_bytes(2, "big") + payload
    return first + b"\x7f" + len(payload).to_bytes(8, "big") + payload


def fragments(opcode: int, *payloads: bytes) -> list[bytes]:
    """Make the frames of one message."""
    last = len(payloads) - 1
    return [
        frame(CONTINUATION if number else opcode, payload, is_last=number == last)
        for number, payload in enumerate(payloads)
    ]


def close(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, code.to_bytes(2, "big") + reason)


@attrs.frozen
class Frame:
    """A frame as it came, unmasked."""

    opcode: int
    payload: bytes
    is_last: bool = True
    is_masked: bool = True

    @property
    def close_code(self) -> int | None:
        return int.from_bytes(self.payload[:2], "big") if self.payload else None


def split_frames(data: bytes) -> tuple[list[Frame], bytes]:
    """Take apart what went one way on a WebSocket, where the RFC leaves no choice but these bytes.

    Returns:
      The whole frames, and the bytes after the last of them.
    """
    frames = []
    while (parsed := _first_frame(data)) is not None:
        frame, length = parsed
        frames.append(frame)
        data = data[length:]
    return frames, data


def client_frames(data: bytes) -> list[Frame]:
    """Take apart what a client sent: whole frames, and each is masked."""
    frames, rest = split_frames(data)
    assert rest == b"", "half a frame"
    assert all(frame.is_masked for frame in frames), "a client must mask"
    return frames


def _first_frame(data: bytes) -> tuple[Frame, int] | None:
    """Return the frame that the bytes begin with, if it is whole, and its length."""
    if len(data) < 2:
        return None
    first, second = data[0], data[1]
    assert not first & _RESERVED, "a reserved bit is set"
    size, start = second & ~_MASKED, 2
    if size >= 126:
        start += 2 if size == 126 else 8
        if len(data) < start:
            return None
        shorter = 126 if size == 126 else 2**16
        size = int.from_bytes(data[2:start], "big")
        assert size >= shorter, "a length in too many bytes"
    is_masked = bool(second & _MASKED)
    mask = data[start : start + 4] if is_masked else b"\0"
    start += 4 * is_masked
    if len(data) < start + size:
        return None
    payload = bytes(map(xor, data[start : start + size], cycle(mask)))
    return Frame(first & 0x0F, payload, bool(first & _LAST), is_masked), start + size
