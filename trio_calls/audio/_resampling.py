"""Audio at another sample rate, converted as it comes, with soxr: the extra ``trio-calls[voice]``.

soxr is given floats. Where it is to return 16-bit integers it adds noise, even to silence.
"""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from trio_calls.audio._as_bytes import as_bytes
from trio_calls.audio._pcm import to_samples
from trio_calls.audio._wav_samples import rounded

Quality = Literal["recording", "live", "instant"]

#: soxr's other qualities hold back samples until they fill a block, and so does its LQ. Its engine
#: for variable rates does not, and filters as well as HQ. See findings/soxr-streams-in-blocks.sh.
_ENGINES: Final[dict[Quality, dict[str, object]]] = {
    "recording": {"quality": "HQ"},
    "live": {"vr": True},
    "instant": {"quality": "QQ"},
}

#: Nobody records at others, and a header that lies would make gigabytes of kilobytes.
_LOWEST_RATE: Final = 1000
_HIGHEST_RATE: Final = 768_000

_FLUSH_SECONDS: Final = 0.02


class Resampler:
    """Converts a stream of audio from one sample rate to another.

    However the stream is cut into chunks, the result is the same. The quality is chosen by how much
    of the stream may be held back:

    - ``"live"``, for speech as it is spoken, returns the same amount with every chunk. It holds
      back 240 of the samples that are fed, always: 30 ms of 8 kHz, 15 of 16 kHz, 10 of 24 kHz. To
      less than half the rate they are 600, to less than a quarter 1320, and so on.
    - ``"recording"``, for audio that is there as a whole, holds samples back until it has many, and
      returns them at once: at most 115 ms between 8 and 16 kHz, 37 ms between 16 and 24 kHz, 39 ms
      between 24 and 48 kHz. It filters as well as ``"live"``, at a third to the whole of its cost.
    - ``"instant"``, for detectors, to which each millisecond counts, holds back two samples, 0.25
      ms at most. It filters nothing: what the lower rate cannot carry becomes a false tone.

    Args:
        from_rate: samples per second of what is fed, in Hz.
        to_rate: samples per second of what is returned, in Hz. Where it is `from_rate`, audio comes
            back as it is, without delay.
        quality: one of these names.

    Raises:
        ValueError: a rate is no integer from 1000 to 768,000, or there is no such quality.
        ModuleNotFoundError: the rates differ, and soxr is not installed. The message names the
            extra.
    """

    def __init__(
        self,
        from_rate: int,
        to_rate: int,
        quality: Literal["recording", "live", "instant"] = "live",
    ) -> None:
        if quality not in _ENGINES:
            raise ValueError(f"quality must be one of {get_args(Quality)}, not {quality!r}")
        _check_rate(from_rate)
        _check_rate(to_rate)
        self._from_rate = from_rate
        self._to_rate = to_rate
        self._stream: Any = None
        if from_rate != to_rate:
            self._stream = _soxr(from_rate, to_rate).ResampleStream(
                from_rate, to_rate, 1, dtype="float32", **_ENGINES[quality]
            )
        self._fed_samples = 0
        self._returned_samples = 0
        self._is_finished = False

    def feed(self, pcm: bytes) -> bytes:
        """Convert the next chunk.

        Args:
            pcm: mono signed 16-bit little-endian audio of any length.

        Returns:
            What is ready of the converted audio, which may be nothing yet. Samples that are too
            loud after filtering are clipped.

        Raises:
            ValueError: the number of bytes is odd, and nothing of it was taken; or the stream is
                finished.
        """
        self._check_not_finished()
        if self._stream is None:
            return bytes(as_bytes(pcm))
        samples = to_samples(pcm)
        self._fed_samples += samples.size
        return rounded(self._converted(samples.astype(np.float32)))

    def finish(self) -> bytes:
        """Return the rest of the converted audio, and finish the stream.

        Returns:
            What was held back. With it, the audio is as long as what was fed, rounded up to a
            sample.

        Raises:
            ValueError: the stream is finished already.
        """
        self._check_not_finished()
        self._is_finished = True
        if self._stream is None:
            return b""
        # soxr would end some streams a sample early. So silence pushes the rest out.
        rest: list[NDArray[np.float32]] = []
        silence = np.zeros(round(self._from_rate * _FLUSH_SECONDS), np.float32)
        missing = -(-self._fed_samples * self._to_rate // self._from_rate) - self._returned_samples
        while missing > 0:
            rest.append(self._converted(silence)[:missing])
            missing -= rest[-1].size
        return rounded(np.concatenate(rest)) if rest else b""

    def _converted(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        converted: NDArray[np.float32] = self._stream.resample_chunk(samples)
        self._returned_samples += converted.size
        return converted

    def _check_not_finished(self) -> None:
        if self._is_finished:
            raise ValueError("this resampler is finished: use a new one for each stream")


def resample(samples: NDArray[np.float64], from_rate: int, to_rate: int) -> NDArray[np.float64]:
    """Convert a recording to another sample rate, in the quality ``recording``.

    Args:
        samples: an array of shape (samples,).
        from_rate: its samples per second, in Hz.
        to_rate: the wanted samples per second, in Hz.

    Returns:
        An array of shape (samples,), at least one where there was one.

    Raises:
        ValueError: the rates differ, and one of them is no integer from 1000 to 768,000.
        ModuleNotFoundError: the rates differ, and soxr is not installed.
    """
    if from_rate == to_rate:
        return samples
    _check_rate(from_rate)
    _check_rate(to_rate)
    resampled: NDArray[np.float64] = _soxr(from_rate, to_rate).resample(samples, from_rate, to_rate)
    return resampled if resampled.size else samples[:1]


def is_convertible(sample_rate: object) -> bool:
    """Return whether audio of this sample rate can be resampled, and to it."""
    return isinstance(sample_rate, int) and _LOWEST_RATE <= sample_rate <= _HIGHEST_RATE


def _check_rate(sample_rate: object) -> None:
    if not is_convertible(sample_rate):
        raise ValueError(
            f"a sample rate is an integer from {_LOWEST_RATE} to {_HIGHEST_RATE}, "
            f"not {sample_rate!r}"
        )


def _soxr(from_rate: int, to_rate: int) -> Any:
    try:
        import soxr  # noqa: PLC0415  # of an extra
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"audio at {from_rate} Hz cannot be resampled to {to_rate} Hz without soxr: "
            "install the extra 'voice' of trio-calls",
            name="soxr",
        ) from None
    return soxr
