"""Sound under what an agent says: looped, softer while it speaks, and faded in and out."""

from __future__ import annotations

import functools
import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trio_calls.audio._looping import LoopedClip
from trio_calls.audio._pcm import SAMPLE_BYTES, to_samples

#: A clip that is shorter than this is a buzz.
SHORTEST_SECONDS: Final = 0.1

#: How loud a backdrop is while the agent speaks, as a share of its full level: 10 dB less.
DUCKED: Final = 0.3

#: How long it takes from silence to its full level, and back.
FADE_SECONDS: Final = 0.05

#: So long after the last sound of the agent it stays softer: sentences have gaps.
HOLD_SECONDS: Final = 0.2

_SEAM_SECONDS: Final = 0.01

#: So much is prepared at a time, while its level stays as it is: that costs less than frame by
#: frame.
_BLOCK_SECONDS: Final = 0.5

_SAMPLE: Final = np.dtype("<i2")
_LOWEST: Final = -32768
_HIGHEST: Final = 32767


class _Stretch:
    """Samples that come next, and how far speech over them may go before a sum is too loud.

    Clipping the speech first is `mix` in a fifth of its time: the sums stay in 16 bits, and the
    limits are made for many frames at once.
    """

    def __init__(self, sound: NDArray[np.int16]) -> None:
        self.sound: Final = sound

    @functools.cached_property
    def _ceiling(self) -> NDArray[np.int16]:
        return _HIGHEST - np.maximum(self.sound, 0)

    @functools.cached_property
    def _floor(self) -> NDArray[np.int16]:
        return _LOWEST - np.minimum(self.sound, 0)

    def under(self, said: NDArray[np.int16], start: int) -> NDArray[np.int16]:
        """Return what is said, with the samples from this one on under it."""
        end = start + len(said)
        mixed = np.minimum(said, self._ceiling[start:end])
        np.maximum(mixed, self._floor[start:end], out=mixed)
        mixed += self.sound[start:end]
        return mixed


class Backdrop:
    """A clip that is heard under what is said, and while nothing is.

    Each call of `alone` and `under` is about what comes next: it never skips anything.

    Args:
        clip: mono signed 16-bit little-endian audio, `SHORTEST_SECONDS` at the least. It must not
            change.
        sample_rate: samples per second, in Hz.
        gain: how loud it is, as a factor of its samples.
    """

    def __init__(self, clip: bytes, sample_rate: int, gain: float) -> None:
        self._clip: Final = LoopedClip(to_samples(clip), round(_SEAM_SECONDS * sample_rate))
        self._gain: Final = gain
        self._step: Final = 1 / (FADE_SECONDS * sample_rate)
        self._hold_samples: Final = round(HOLD_SECONDS * sample_rate)
        self._block_samples: Final = round(_BLOCK_SECONDS * sample_rate)
        self._position = 0
        self._level = 0.0
        self._is_ending = False
        # How much has passed since the agent made a sound.
        self._quiet_samples = self._hold_samples
        # What comes at one level, from a position on.
        self._block = _Stretch(np.zeros(0, np.int16))
        self._block_level = 0.0
        self._block_start = 0
        # What another backdrop has left of its end.
        self._end_of_other: NDArray[np.int16] = self._block.sound

    @property
    def is_over(self) -> bool:
        """Whether it was told to end, and has faded out."""
        return self._is_ending and not self.rest_bytes

    @property
    def rest_bytes(self) -> float:
        """How much of it is still to be heard: endless, until it was told to end."""
        if not self._is_ending:
            return math.inf
        samples = max(math.ceil(self._level / self._step - 1e-6), len(self._end_of_other))
        return samples * SAMPLE_BYTES

    def end(self) -> None:
        """Fade out from here on."""
        self._is_ending = True

    def follow(self, other: Backdrop) -> None:
        """Let another one, which ends, fade out under the beginning of this one."""
        other.end()
        self._end_of_other = other._samples(int(other.rest_bytes) // SAMPLE_BYTES)

    def alone(self, size: int) -> bytes:
        """Return so many bytes of it, with nothing said over it."""
        return _to_bytes(self._samples(size // SAMPLE_BYTES))

    def under(self, speech: bytes) -> bytes:
        """Return what is said, with the backdrop under it. Silence in it is no speech."""
        said = np.frombuffer(speech, _SAMPLE)
        stretch, start = self._next(len(said), is_speech=bool(speech.lstrip(b"\0")))
        return _to_bytes(stretch.under(said, start))

    def _samples(self, size: int) -> NDArray[np.int16]:
        stretch, start = self._next(size, is_speech=False)
        return stretch.sound[start : start + size]

    def _next(self, size: int, *, is_speech: bool) -> tuple[_Stretch, int]:
        """Return where the next samples are: in a stretch, from one on."""
        if is_speech:
            self._quiet_samples = 0
        target = self._target()
        if not is_speech:
            self._quiet_samples += size
        position = self._position
        self._position += size
        if len(self._end_of_other):
            return _Stretch(self._with_end_of_other(position, size, target)), 0
        if self._level != target:
            return _Stretch(self._fading(position, size, target)), 0
        return self._at_one_level(position, size)

    def _target(self) -> float:
        if self._is_ending:
            return 0.0
        return DUCKED if self._quiet_samples < self._hold_samples else 1.0

    def _at_one_level(self, position: int, size: int) -> tuple[_Stretch, int]:
        start = position - self._block_start
        if self._block_level != self._level or start + size > len(self._block.sound):
            start, self._block_start, self._block_level = 0, position, self._level
            samples = max(size, self._block_samples)
            self._block = _Stretch(self._scaled(position, samples, np.float32(self._level)))
        return self._block, start

    def _fading(self, position: int, size: int, target: float) -> NDArray[np.int16]:
        """Return samples whose level comes nearer to where it is to be, or stays there."""
        distance = target - self._level
        steps = np.minimum(np.arange(1, size + 1) * self._step, abs(distance))
        levels = self._level + np.copysign(steps, distance)
        # Errors of rounding are not to keep it from getting there.
        is_there = size * self._step > abs(distance) - self._step / 2
        self._level = target if is_there else float(levels[-1]) if size else self._level
        return self._scaled(position, size, levels.astype(np.float32))

    def _scaled(
        self, position: int, size: int, level: NDArray[np.float32] | np.float32
    ) -> NDArray[np.int16]:
        sound = self._clip.read(position, size) * (level * np.float32(self._gain))
        return np.rint(sound).astype(np.int16)

    def _with_end_of_other(self, position: int, size: int, target: float) -> NDArray[np.int16]:
        other, self._end_of_other = np.split(self._end_of_other, [size])
        both = self._fading(position, size, target).astype(np.int32)
        both[: len(other)] += other
        return both.clip(_LOWEST, _HIGHEST).astype(np.int16)


def _to_bytes(samples: NDArray[np.int16]) -> bytes:
    return samples.astype(_SAMPLE, copy=False).tobytes()
