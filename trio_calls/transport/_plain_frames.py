"""The frames that nearly all messages are: a whole message each, and no longer than 65,535 bytes.

Pure, and no judge: what is not such a frame is the library's. Layout: RFC 6455, section 5.2.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Final

#: Of the first byte of a frame: whether it is the last one of its message, and what it is.
FIN: Final = 0x80
OPCODE: Final = 0x0F

_WHOLE_TEXT: Final = FIN | 0x1
_WHOLE_BINARY: Final = FIN | 0x2
_MASKED: Final = 0x80
_MASK_BYTES: Final = 4

#: What the length field holds where the length itself follows, in 2 bytes or in 8.
_LENGTH_IN_2_BYTES: Final = 126
_LENGTH_IN_8_BYTES: Final = 127

_pack_header: Final = struct.Struct("!BB").pack
_pack_header_and_2_bytes: Final = struct.Struct("!BBH").pack
_pack_header_and_8_bytes: Final = struct.Struct("!BBQ").pack
_unpack_header: Final = struct.Struct("!BBH").unpack_from

#: Masks that nobody can foresee. The system is asked for many at a time, as that takes long.
_MASKS_AT_A_TIME: Final = 64
_unpack_masks: Final = struct.Struct(f"{_MASK_BYTES}s").iter_unpack
_masks: Final[Iterator[tuple[bytes]]] = chain.from_iterable(
    map(_unpack_masks, map(os.urandom, repeat(_MASK_BYTES * _MASKS_AT_A_TIME)))
)

#: What is left at the end of what came, and shorter than this, the library may have.
_SHORTEST_BYTES: Final = 4

#: The longest header: a length of 8 bytes, and a mask.
MAX_HEADER_BYTES: Final = 14


try:
    from websockets.speedups import apply_mask
except ImportError:

    def apply_mask(data: bytes | bytearray | memoryview, mask: bytes | bytearray) -> bytes:
        """Apply a mask of 4 bytes again and again: once to mask, twice to unmask."""
        length = len(data)
        masks = (mask * (length // _MASK_BYTES + 1))[:length]
        return (int.from_bytes(data) ^ int.from_bytes(masks)).to_bytes(length)


def take_messages(data: bytes, position: int, messages: list[str | bytes], are_masked: bool) -> int:
    """Append the messages of the plain frames that are whole in `data`, from `position` on.

    Returns:
      The position of the first byte that belongs to no such frame.
    """
    data_bytes = len(data)
    while position + _SHORTEST_BYTES <= data_bytes:
        first, length, long_length = _unpack_header(data, position)
        start = position + 2
        if are_masked:
            length ^= _MASKED
            start += _MASK_BYTES
        if length == _LENGTH_IN_2_BYTES and long_length >= _LENGTH_IN_2_BYTES:
            length = long_length
            start += 2
        elif length >= _LENGTH_IN_2_BYTES:
            break
        end = start + length
        if end > data_bytes:
            break
        payload = data[start:end]
        if are_masked:
            payload = apply_mask(payload, data[start - _MASK_BYTES : start])
        if first == _WHOLE_BINARY:
            messages.append(payload)
        elif first == _WHOLE_TEXT:
            try:
                messages.append(payload.decode())
            except UnicodeDecodeError:
                break
        else:
            break
        position = end
    return position


def frame_bytes(header: bytes) -> int | None:
    """Tell how long the frame is that begins with `header`, be it lawful or not.

    Returns:
      Its length in bytes, with its header; None where more of that is needed.
    """
    if len(header) < 2:  # noqa: PLR2004
        return None
    is_masked, length = divmod(header[1], _MASKED)
    header_bytes = 2 + is_masked * _MASK_BYTES
    size = {_LENGTH_IN_2_BYTES: 2, _LENGTH_IN_8_BYTES: 8}.get(length, 0)
    if len(header) < 2 + size:
        return None
    if size:
        length = int.from_bytes(header[2 : 2 + size], "big")
    return header_bytes + size + length


def data_frame(message: str | bytes, is_masked: bool) -> bytes:
    """Put a message into a frame."""
    if isinstance(message, str):
        first, payload = _WHOLE_TEXT, message.encode()
    else:
        first, payload = _WHOLE_BINARY, message
    length = len(payload)
    mask_bit = _MASKED if is_masked else 0
    if length < _LENGTH_IN_2_BYTES:
        header = _pack_header(first, mask_bit | length)
    elif length < 2**16:
        header = _pack_header_and_2_bytes(first, mask_bit | _LENGTH_IN_2_BYTES, length)
    else:
        header = _pack_header_and_8_bytes(first, mask_bit | _LENGTH_IN_8_BYTES, length)
    if is_masked:
        (mask,) = next(_masks)
        return header + mask + apply_mask(payload, mask)
    return header + payload
