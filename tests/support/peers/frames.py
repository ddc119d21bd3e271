"""WebSocket frames as bytes: made, so that any rule can be broken, and taken apart by the rules."""

from __future__ import annotations

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


def whole_frames(data: bytes | bytearray, start: int = 0) -> tuple[list[Frame], int]:
    """Take apart what went one way on a WebSocket, where the RFC leaves no choice but these bytes.

    Returns:
      The whole frames from `start` on, and where the last of them ends.
    """
    frames = []
    while (parsed := _frame_at(data, start)) is not None:
        frame, start = parsed
        frames.append(frame)
    return frames, start


def client_frames(data: bytes) -> list[Frame]:
    """Take apart what a client sent: whole frames, and each is masked."""
    frames, end = whole_frames(data)
    assert end == len(data), "half a frame"
    assert all(frame.is_masked for frame in frames), "a client must mask"
    return frames


def _frame_at(data: bytes | bytearray, begin: int) -> tuple[Frame, int] | None:
    """Return the frame that begins there, if it is whole, and where it ends."""
    if len(data) < begin + 2:
        return None
    first, second = data[begin], data[begin + 1]
    assert not first & _RESERVED, "a reserved bit is set"
    size, start = second & ~_MASKED, begin + 2
    if size >= 126:
        start += 2 if size == 126 else 8
        if len(data) < start:
            return None
        shorter = 126 if size == 126 else 2**16
        size = int.from_bytes(data[begin + 2 : start], "big")
        assert size >= shorter, "a length in too many bytes"
    is_masked = bool(second & _MASKED)
    mask = bytes(data[start : start + 4]) if is_masked else b""
    start += 4 * is_masked
    if len(data) < start + size:
        return None
    payload = bytes(data[start : start + size])
    if is_masked:
        payload = _unmasked(payload, mask)
    return Frame(first & 0x0F, payload, bool(first & _LAST), is_masked), start + size


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    """Unmask all at once, as two long numbers: byte by byte takes fifty times as long."""
    masks = (mask * (len(payload) // 4 + 1))[: len(payload)]
    unmasked = int.from_bytes(payload, "big") ^ int.from_bytes(masks, "big")
    return unmasked.to_bytes(len(payload), "big")
