"""What is heard, as Whisper wants to see it: the loudness in 80 bands, 100 times a second."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

#: Whisper knows one rate, in Hz, and these sizes, in samples.
SAMPLE_RATE: Final = 16000
HOP_SAMPLES: Final = 160
BANDS: Final = 80
_FRAME_SAMPLES: Final = 400

#: Power below this counts as this much, and so does what is this much below the loudest, in log10.
_LEAST_POWER: Final = 1e-10
_RANGE: Final = 8.0

#: So many frames are put into bands at once. The product of larger matrices is computed by several
#: threads, which spin: here that takes 15 times as much of the processor.
_PIECE: Final = 16

#: The mel scale of Slaney's toolbox: even up to 1 kHz, and by a constant ratio above.
_EVEN_UP_TO_HERTZ: Final = 1000.0
_HERTZ_PER_MEL: Final = 200.0 / 3.0
_MELS_PER_RATIO: Final = 27.0 / np.log(6.4)


def log_mel(samples: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the loudness in each band, for each 10 ms.

    Args:
        samples: audio at 16 kHz, of shape (samples,): more than 200, and whole hops of 160.

    Returns:
        An array of shape (80, samples / 160). The loudest value in it is ``max``, the others lie
        between that and 2 below; a step of 1 is 40 dB.
    """
    hops = samples.size // HOP_SAMPLES
    # Frame i has sample 160 i in its middle. What lies outside is mirrored.
    padded = np.pad(samples.astype(np.float64), _FRAME_SAMPLES // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME_SAMPLES)[::HOP_SAMPLES][:hops]
    spectrum = np.fft.rfft(frames * _WINDOW)
    power = spectrum.real**2 + spectrum.imag**2
    bands = [power[start : start + _PIECE] @ _FILTERS.T for start in range(0, hops, _PIECE)]
    logarithm = np.log10(np.maximum(np.concatenate(bands).T, _LEAST_POWER))
    logarithm = np.maximum(logarithm, logarithm.max() - _RANGE)
    told: NDArray[np.float32] = ((logarithm + 4.0) / 4.0).astype(np.float32)
    return told


def _hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    corner = _EVEN_UP_TO_HERTZ / _HERTZ_PER_MEL
    above = _EVEN_UP_TO_HERTZ * np.exp(np.maximum(mels - corner, 0.0) / _MELS_PER_RATIO)
    return np.where(mels < corner, mels * _HERTZ_PER_MEL, above)


def _filters() -> NDArray[np.float64]:
    """Return how much each frequency of a spectrum counts in each band.

    The bands are triangles that overlap by half, evenly spaced in mels, and all of the same area.
    """
    highest = SAMPLE_RATE / 2
    top = _EVEN_UP_TO_HERTZ / _HERTZ_PER_MEL + _MELS_PER_RATIO * np.log(highest / _EVEN_UP_TO_HERTZ)
    corners = _hertz(np.linspace(0.0, top, BANDS + 2))[:, np.newaxis]
    frequencies = np.linspace(0.0, highest, _FRAME_SAMPLES // 2 + 1)
    left, middle, right = corners[:-2], corners[1:-1], corners[2:]
    rising = (frequencies - left) / (middle - left)
    falling = (right - frequencies) / (right - middle)
    return np.maximum(np.minimum(rising, falling), 0.0) * (2.0 / (right - left))


_WINDOW: Final = np.hanning(_FRAME_SAMPLES + 1)[:-1]
_FILTERS: Final = _filters()
