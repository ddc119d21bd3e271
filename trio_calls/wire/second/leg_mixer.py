"""Everybody's voice, of parties that come on tracks of their own."""

from __future__ import annotations

from typing import Final

import attrs
import numpy as np

from trio_calls.wire.second.media import CALLEE_TRACK, CALLER_TRACK

_PARTIES: Final = frozenset({CALLER_TRACK, CALLEE_TRACK})

_SAMPLES: Final = np.dtype("<i2")
_LOUDEST: Final = np.iinfo(_SAMPLES)


@attrs.define
class _Silence:
    """What is left of a silence that one message has told of, in bytes."""

    rest: int
    is_whole: bool = True

    def pass_by(self, size: int) -> None:
        """Note that so much was heard of the other party meanwhile."""
        self.rest = max(0, self.rest - size)
        self.is_whole = False


class LegMixer:
    """Mixes caller and callee, frame by frame, as they come.

    The clocks of two tracks have nothing to do with each other. So a frame of the party that was
    there first waits for the next one of the other, 20 ms at the most; where nothing comes, it is
    heard alone.

    A silence may be told of in one message, when it begins or when it is over, and adds nothing to
    what the other says meanwhile. It is heard where the other is silent, too, or says nothing.
    """

    def __init__(self) -> None:
        self._leader: int | None = None
        self._has_follower = False
        self._waiting: bytes | None = None
        # Who has come last, and before that; and the silences of those who say nothing for a while.
        self._last: int | None = None
        self._before_last: int | None = None
        self._silences: dict[int, _Silence] = {}

    def add(self, track: int, pcm: bytes) -> bytes:
        """Add a frame of a party. Returns what is to be heard of everybody now, if anything is."""
        if track not in _PARTIES:
            return b""
        self._before_last, self._last = self._last, track
        if self._silences:
            before = self._end_silence(track)
            if self._silences:
                self._pass_by_silence(track, len(pcm))
                return before + pcm
            return before + self._add_speech(track, pcm)
        return self._add_speech(track, pcm)

    def add_silence(self, track: int, size: int) -> bytes:
        """Add a silence of a party, of so many bytes. Returns the same."""
        if track not in _PARTIES:
            return b""
        before = self._end_silence(track)
        other = self._silences.get(_other(track))
        is_other_there = _other(track) in {self._before_last, self._last}
        self._before_last, self._last = self._last, track
        if other is None and not is_other_there:
            return before + self._add_speech(track, bytes(size))
        waiting, self._waiting = self._waiting or b"", None
        if track == self._leader:
            before, waiting = before + waiting, b""
        heard = waiting if other is None else bytes(min(size, other.rest))
        self._silences[track] = _Silence(size)
        self._pass_by_silence(_other(track), len(heard))
        if other is not None:
            self._pass_by_silence(track, len(heard))
        return before + heard

    def _add_speech(self, track: int, pcm: bytes) -> bytes:
        if self._leader is None:
            self._leader = track
        waiting, self._waiting = self._waiting, None
        if track != self._leader:
            has_just_come, self._has_follower = not self._has_follower, True
            if waiting is not None:
                return _mixed(waiting, pcm)
            # What the first says goes on without a gap: it was heard already for this frame.
            return b"" if has_just_come else pcm
        if waiting is not None:
            # Of the other one nothing has come for a frame.
            self._has_follower = False
            return waiting + pcm
        if self._has_follower:
            self._waiting = pcm
            return b""
        return pcm

    def _end_silence(self, track: int) -> bytes:
        """Return what was not heard of a party's silence, unless the other was meanwhile."""
        silence = self._silences.pop(track, None)
        return bytes(silence.rest) if silence is not None and silence.is_whole else b""

    def _pass_by_silence(self, track: int, size: int) -> None:
        """Note that so much was heard of a party, while the other is silent, perhaps."""
        silent = _other(track)
        silence = self._silences.get(silent)
        if silence is not None and size:
            silence.pass_by(size)
            if not silence.rest:
                del self._silences[silent]


def _other(track: int) -> int:
    return CALLER_TRACK if track == CALLEE_TRACK else CALLEE_TRACK


def _mixed(first: bytes, second: bytes) -> bytes:
    """Do what `trio_calls.audio.mix` does, which takes five times as long to check what it gets."""
    size = max(len(first), len(second))
    voices = (np.frombuffer(pcm.ljust(size, b"\0"), _SAMPLES) for pcm in (first, second))
    total = np.add(*voices, dtype=np.int32)
    np.minimum(total, _LOUDEST.max, out=total)
    np.maximum(total, _LOUDEST.min, out=total)
    return total.astype(_SAMPLES).tobytes()
