"""How a message becomes a frame: layout and masking. Pure.

The layout is that of RFC 6455, section 5.2::

    byte 0                   byte 1             then
    FIN 1, RSV 3, opcode 4 │ MASK 1, length 7 │ length 0, 16 or 64 │ mask 0 or 32 │ payload

All that is sent goes out as whole messages, one frame each. What a frame that is received means is
the business of `_fast_path_parser`, and of the libraries.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Final

#: In the first byte of a frame: the bit of a message's last frame, and the bits of the opcode.
FIN: Final = 0x80
OPCODE: Final = 0x0F

WHOLE_TEXT: Final = FIN | 0x1
WHOLE_BINARY: Final = FIN | 0x2
MASKED: Final = 0x80
MASK_BYTES: Final = 4

#: What the length field holds where the length itself follows, in 2 bytes or in 8.
LENGTH_IN_2_BYTES: Final = 126
LENGTH_IN_8_BYTES: Final = 127

_pack_header: Final = struct.Struct("!BB").pack
_pack_header_and_2_bytes: Final = struct.Struct("!BBH").pack
_pack_header_and_8_bytes: Final = struct.Struct("!BBQ").pack

#: Masks have to be unforeseeable. The system is asked for many at a time, as each request is slow.
_MASKS_AT_A_TIME: Final = 64
_unpack_masks: Final = struct.Struct(f"{MASK_BYTES}s").iter_unpack
_masks: Final[Iterator[tuple[bytes]]] = chain.from_iterable(
    map(_unpack_masks, map(os.urandom, repeat(MASK_BYTES * _MASKS_AT_A_TIME)))
)


def _apply_mask_by_hand(
    data: bytes | bytearray | memoryview, mask: bytes | bytearray | memoryview
) -> bytes:
    length = len(data)
    masks = (bytes(mask) * (length // MASK_BYTES + 1))[:length]
    return (int.from_bytes(data) ^ int.from_bytes(masks)).to_bytes(length)


try:
    from websockets.speedups import apply_mask as _apply_mask
except ImportError:
    _apply_mask = _apply_mask_by_hand

#: Masks data with 4 bytes, which are repeated; done twice, it is unmasked again.
apply_mask: Final = _apply_mask


def data_frame(message: str | bytes, is_masked: bool) -> bytes:
    """Return a message as a frame: text as text, bytes as binary."""
    if isinstance(message, str):
        first, payload = WHOLE_TEXT, message.encode()
    else:
        first, payload = WHOLE_BINARY, message
    length = len(payload)
    mask_bit = MASKED if is_masked else 0
    if length < LENGTH_IN_2_BYTES:
        header = _pack_header(first, mask_bit | length)
    elif length < 2**16:
        header = _pack_header_and_2_bytes(first, mask_bit | LENGTH_IN_2_BYTES, length)
    else:
        header = _pack_header_and_8_bytes(first, mask_bit | LENGTH_IN_8_BYTES, length)
    if is_masked:
        (mask,) = next(_masks)
        return header + mask + apply_mask(payload, mask)
    return header + payload
