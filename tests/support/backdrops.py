"""A backdrop that tells its own level, and what is heard of it and of the speech over it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tests.support.voice_agents import FRAME, RATE
from trio_calls.audio import to_pcm, to_samples
from trio_calls.audio._backdrop import FADE_SECONDS

#: The level of `FLAT` at the gain that is the default.
FULL: Final = 1000

#: Each of its samples is the same, so what is heard of it is its level.
FLAT: Final = to_pcm(np.full(RATE, 10 * FULL, np.int16))

#: No two samples of a backdrop are further apart, as fades go, and what rounding adds.
STEEPEST: Final = FULL / (FADE_SECONDS * RATE) + 1


def frames_of(heard: bytes) -> NDArray[np.int64]:
    """Return what was heard as an array of shape (frames, samples)."""
    whole = heard[: len(heard) // FRAME * FRAME]
    return to_samples(whole).astype(np.int64).reshape(-1, FRAME // 2)


def has_speech(heard: bytes) -> NDArray[np.bool_]:
    """Tell of each frame whether noise is said in it: the backdrop is smooth."""
    return np.asarray(np.abs(np.diff(frames_of(heard))).max(axis=1, initial=0) > STEEPEST)


def speech_seconds(heard: bytes) -> float:
    """Count the frames in which something is said."""
    return float(has_speech(heard).sum()) * 0.02


def levels(heard: bytes) -> list[float]:
    """Return the level of the backdrop in each frame, as a share of its full one."""
    return [float(level) for level in np.median(frames_of(heard), axis=1) / FULL]


def under(heard: bytes, said: bytes) -> NDArray[np.int64]:
    """Return the backdrop under something that was said in one go, sample by sample."""
    first = int(np.argmax(has_speech(heard)))
    over = frames_of(heard)[first:].ravel()[: len(said) // 2]
    return over - to_samples(said)


def clicks(sound: NDArray[np.int64]) -> bool:
    """Tell whether the sound of a backdrop jumps anywhere."""
    return bool(np.abs(np.diff(sound)).max(initial=0) > STEEPEST)
