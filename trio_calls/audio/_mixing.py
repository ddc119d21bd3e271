"""Adding voices together, as a conference bridge does."""

import numpy as np
from numpy.typing import NDArray

_SAMPLE_RANGE = np.iinfo(np.int16)


def mix(*signals: NDArray[np.int16]) -> NDArray[np.int16]:
    """Add signals sample by sample.

    Sums that do not fit into 16 bits are clipped to the nearest value that does: a mix that is too
    loud distorts, but never wraps around.

    Args:
        *signals: one or more arrays of shape (samples,), all of the same length.

    Returns:
        A new array of that shape.

    Raises:
        TypeError: the items of a signal are not 16-bit integers; floats would become silence.
        ValueError: there are no signals, or their lengths differ.
    """
    if not signals:
        raise ValueError("mix() needs at least one signal")
    others = {str(np.asarray(signal).dtype.newbyteorder("=")) for signal in signals} - {"int16"}
    if others:
        raise TypeError(f"mix() needs signals of int16, not of {' or '.join(sorted(others))}")
    lengths = sorted({len(signal) for signal in signals})
    if len(lengths) > 1:
        raise ValueError(f"mix() needs signals of one length, got lengths {lengths}")
    total = np.sum(signals, axis=0, dtype=np.int32)
    return total.clip(_SAMPLE_RANGE.min, _SAMPLE_RANGE.max).astype(np.int16)
