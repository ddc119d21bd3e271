"""Fading speech out and in, so that it does not click where it stops and goes on."""

import numpy as np

from trio_calls.audio._pcm import to_pcm, to_samples


def fade_out(pcm: bytes) -> bytes:
    """Return audio that falls to silence, evenly over all of it."""
    return _scale(pcm, -1)


def fade_in(pcm: bytes) -> bytes:
    """Return audio that rises from silence: what `fade_out` has taken of it."""
    return _scale(pcm, 1)


def _scale(pcm: bytes, direction: int) -> bytes:
    samples = to_samples(pcm)
    gains = ((np.arange(samples.size) + 0.5) / max(samples.size, 1))[::direction]
    return to_pcm(np.rint(samples * gains).astype(np.int16))
