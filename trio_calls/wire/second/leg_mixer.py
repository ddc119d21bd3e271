"""Everybody's voice, of parties that come on tracks of their own."""

from __future__ import annotations

import numpy as np

from trio_calls.audio._mixing import mix
from trio_calls.wire.second.media import CALLEE_TRACK, CALLER_TRACK


class LegMixer:
    """Mixes caller and callee, frame by frame, as they come.

    The clocks of two tracks have nothing to do with each other. So a frame of one is mixed with
    what comes next of the other, 20 ms later at the most; where nothing comes of it, with nothing.
    """

    def __init__(self) -> None:
        self._waiting: tuple[int, bytes] | None = None
        self._present: set[int] = set()

    def add(self, track: int, pcm: bytes) -> bytes:
        """Add a frame of a party. Returns what is to be heard of everybody now, if anything is."""
        if track not in {CALLER_TRACK, CALLEE_TRACK}:
            return b""
        self._present.add(track)
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            if len(self._present) == 1:
                return pcm
            self._waiting = track, pcm
            return b""
        if waiting[0] != track:
            return _mixed(waiting[1], pcm)
        # Of the other one nothing has come for a frame.
        self._present = {track}
        return waiting[1] + pcm


def _mixed(first: bytes, second: bytes) -> bytes:
    size = max(len(first), len(second))
    voices = (np.frombuffer(pcm.ljust(size, b"\0"), "<i2") for pcm in (first, second))
    return mix(*voices).astype("<i2").tobytes()
