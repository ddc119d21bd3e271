"""What an application may give for speech: bytes, or whatever holds 16-bit samples."""

from __future__ import annotations

import array
import sys
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    Pcm = bytes | bytearray | memoryview | array.array[int] | NDArray[np.int16]
else:
    # Before Python 3.12 an array has no subscript when the code runs.
    Pcm = bytes | bytearray | memoryview | array.array | NDArray[np.int16]

_BYTES_TYPES: Final = (bytes, bytearray)

#: How the buffer protocol names bytes, whatever is in them.
_BYTE_FORMATS: Final = frozenset({"B", "b", "c"})

#: How it names signed 16-bit integers of the wire's order. On a machine of the other order that
#: leaves those that say so: there an `array.array` and most arrays of numpy are refused.
_SAMPLE_FORMATS: Final = frozenset({"<h", "h", "@h", "=h"} if sys.byteorder == "little" else {"<h"})


def as_bytes(pcm: Pcm) -> bytes | bytearray | memoryview:
    """Check audio, and see it as bytes: a view of 16-bit items would count for half of them.

    Raises:
      TypeError: neither bytes, nor 16-bit integers in the wire's order.
      ValueError: half a sample, more than one dimension, or gaps between the samples.
    """
    if not isinstance(pcm, _BYTES_TYPES):
        pcm = _view_of(pcm)
    if len(pcm) % 2:
        raise ValueError(
            f"audio must be whole 16-bit samples: {len(pcm)} bytes are not an even number of bytes"
        )
    return pcm


def _view_of(pcm: object) -> bytes | memoryview:
    try:
        view = memoryview(pcm)  # type: ignore[arg-type]  # this is what is found out here
    except TypeError:
        raise TypeError(
            f"audio must be mono signed 16-bit little-endian PCM, as bytes or as an array of int16,"
            f" not {type(pcm).__name__}"
        ) from None
    if view.format not in _BYTE_FORMATS | _SAMPLE_FORMATS:
        raise TypeError(
            f"audio must be bytes or 16-bit integers in little-endian order, and these are items "
            f"of the format {view.format!r}: convert them, as in "
            "(samples * 32767).clip(-32768, 32767).astype('<i2') for floats from -1 to 1"
        )
    if view.ndim != 1:
        raise ValueError(f"audio must be mono, an array of shape (samples,), not {view.shape}")
    if not view.c_contiguous:
        raise ValueError("audio must be without gaps: copy it, as in numpy.ascontiguousarray()")
    # Neither an empty view nor one that names its order can be cast.
    return view.tobytes() if not view.nbytes or len(view.format) > 1 else view.cast("B")
