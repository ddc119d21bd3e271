"""Placing what was heard and said on one clock: the samples of what was received. Pure.

::

    received ──► appended; after a gap, behind as much silence
                  │
                  └── tells which place belongs to a moment: the least delay of the last 2 s counts
    sent     ──► where it begins to play: behind what is being played, or at this moment

Two clocks go at nearly the same speed: that of this machine, and that of the exchange, which paces
what it sends and what it plays. The exchange's is the one that counts. The other is only asked
where something begins after a silence, so that an hour of audio has neither clicks nor overlaps.

Frames that come late may catch up, or frames before them may be lost. That shows within 2 s. For
so long they are held back before they are taken for good.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Final

import numpy as np

from trio_calls.audio import SAMPLE_BYTES

#: For so long frames have to be late, all of them, for that to be a gap.
_GAP_AFTER_SECONDS: Final = 2.0

#: A gap is no shorter. What is, may be jitter.
_SHORTEST_GAP_SECONDS: Final = 0.03

#: How many times longer it is than what the frames behind it catch up. Otherwise it is jitter, too.
_LEAST_STEADINESS: Final = 1.5

#: Clocks of machines differ by no more than this.
_MOST_DRIFT: Final = 200e-6

#: Speech that follows on other speech within so long has no gap in it.
_TOLERANCE_SECONDS: Final = 0.06

#: Where nothing came for so long, it is not waited for any longer.
_LONGEST_STALL_SECONDS: Final = 10.0

#: An exchange that asks for more than this ahead of playing does not play it.
_LONGEST_AHEAD_SECONDS: Final = 60.0


class _Track:
    """One channel of the recording. Positions count samples since it began."""

    def __init__(self) -> None:
        self.pcm = bytearray()
        self.start = 0

    @property
    def end(self) -> int:
        return self.start + len(self.pcm) // SAMPLE_BYTES

    def fill_up(self, position: int) -> None:
        """Put silence behind what is there, up to a position."""
        self.pcm += bytes(max(0, position - self.end) * SAMPLE_BYTES)

    def insert_silence(self, position: int, samples: int) -> None:
        index = max(0, position - self.start) * SAMPLE_BYTES
        self.pcm[index:index] = bytes(samples * SAMPLE_BYTES)

    def cut(self, position: int) -> None:
        """Forget what is behind a position."""
        del self.pcm[max(0, position - self.start) * SAMPLE_BYTES :]

    def take(self, end: int) -> bytearray:
        """Take what is before a position, filled up with silence."""
        self.fill_up(end)
        size = (end - self.start) * SAMPLE_BYTES
        taken = self.pcm[:size]
        del self.pcm[:size]
        self.start = end
        return taken


class _Late:
    """A frame that has come late: when, where it begins, and by how many seconds it is late."""

    __slots__ = ("came_at", "late", "start")

    def __init__(self, came_at: float, start: int, late: float) -> None:
        self.came_at = came_at
        self.start = start
        self.late = late


class _Leg:
    """What was received on one channel, and which place in it belongs to a moment.

    Args:
      track: where it goes.
      sample_rate: in Hz.
      zero: the moment that belongs to position 0, in seconds.
    """

    def __init__(self, track: _Track, sample_rate: int, zero: float) -> None:
        self.zero = zero
        self.came_at = -math.inf
        self._track: Final = track
        self._rate: Final = sample_rate
        # Frames since the last one that came in time.
        self._late: list[_Late] = []

    @property
    def settled_end(self) -> int:
        """The position before which no silence is put any more."""
        return self._late[0].start if self._late else self._track.end

    def receive(self, frames: Sequence[tuple[bytes, float]]) -> None:
        """Append frames, each with the moment at which it has come."""
        if self._late or not self._receive_in_time(frames):
            for pcm, now in frames:
                self._receive_one(pcm, now)

    def _receive_in_time(self, frames: Sequence[tuple[bytes, float]]) -> bool:
        """Append frames of which none is late. Returns whether that is so: mostly."""
        end, seconds, zero = self._track.end, 1 / self._rate, self.zero
        began_at = frames[0][1]
        earliest, least = 0.0, math.inf
        for pcm, now in frames:
            end += len(pcm) // SAMPLE_BYTES
            late = now - end * seconds - zero
            if late - earliest >= _SHORTEST_GAP_SECONDS:
                return False
            if late < earliest:  # noqa: PLR1730  # twice as fast as min(), each frame
                earliest = late
            drifted = late - _MOST_DRIFT * (now - began_at)
            if drifted < least:  # noqa: PLR1730  # likewise
                least = drifted
        self._track.pcm += b"".join([pcm for pcm, _ in frames])
        passed, self.came_at = now - self.came_at, now
        self.zero += min(least + _MOST_DRIFT * (now - began_at), _MOST_DRIFT * passed)
        return True

    def _receive_one(self, pcm: bytes, now: float) -> None:
        start = self._track.end
        self._track.pcm += pcm
        late = now - self._track.end / self._rate - self.zero
        passed, self.came_at = now - self.came_at, now
        if late < _SHORTEST_GAP_SECONDS:
            self._late.clear()
            # It may be as late as clocks differ.
            self.zero += min(late, _MOST_DRIFT * passed)
            return
        self._late.append(_Late(now, start, late))
        if now - self._late[0].came_at >= _GAP_AFTER_SECONDS:
            self._fill_gap()

    def end(self) -> None:
        """Note that nothing follows. What has been late for a while catches up no more."""
        if self._late and self.came_at - self._late[0].came_at >= _GAP_AFTER_SECONDS / 2:
            self._fill_gap()

    def _fill_gap(self) -> None:
        """Put silence before the frames that are late, as something before them was lost.

        Where they catch up by much, though not by all, nothing was: it takes longer now until they
        come.
        """
        gap = min(frame.late for frame in self._late)
        samples = 0
        if gap < _LEAST_STEADINESS * self._caught_up():
            self.zero += gap
        else:
            samples = round(gap * self._rate)
            self._track.insert_silence(self._late[0].start, samples)
        for frame in self._late:
            frame.late -= gap
            frame.start += samples
        # Another gap may have followed.
        while self._late and self._late[0].late < _SHORTEST_GAP_SECONDS:
            self._late.pop(0)

    def _caught_up(self) -> float:
        """Return the most that those that are late have caught up in between."""
        latest = most = 0.0
        for frame in self._late:
            latest = max(latest, frame.late)
            most = max(most, latest - frame.late)
        return most


class Tracks:
    """The channels of a recording: each leg that is heard, and the agent.

    Args:
      channels: of the legs, as the exchange numbers them, in the order of the recording.
      sample_rate: in Hz.
    """

    def __init__(self, channels: Sequence[int], sample_rate: int) -> None:
        self._rate: Final = sample_rate
        self._tracks: Final = {channel: _Track() for channel in channels}
        self._agent: Final = _Track()
        # Where the agent's speech has ended.
        self._said_end = -sys.maxsize
        self._legs: dict[int, _Leg] = {}
        # The leg that came first tells the time. What is said before it begins the recording.
        self._timekeeper: _Leg | None = None
        self._zero: float | None = None
        # What came and was said, and when, and is not placed yet; None where something was dropped.
        self._received: dict[int, list[tuple[bytes, float]]] = {channel: [] for channel in channels}
        self._said: list[tuple[bytes | None, float]] = []

    @property
    def zero(self) -> float | None:
        """The moment at which the recording begins; None before something was taken."""
        return self._zero if self._timekeeper is None else self._timekeeper.zero

    @property
    def position(self) -> int:
        """How many samples of each channel were taken."""
        return self._agent.start

    def received(self, channel: int, pcm: bytes, now: float) -> None:
        """Note a frame that was heard. One of another channel is left out.

        Args:
          channel: as the exchange numbers them.
          pcm: mono signed 16-bit little-endian audio.
          now: when it came, in seconds.
        """
        if (frames := self._received.get(channel)) is not None:
            frames.append((pcm, now))

    def sent(self, pcm: bytes, now: float) -> None:
        """Note what the agent says: behind what is being played, or at this moment."""
        self._said.append((pcm, now))

    def dropped(self, now: float) -> None:
        """Note that what the agent has said and is not being played yet is dropped."""
        self._said.append((None, now))

    def forget(self) -> None:
        """Forget what was not taken."""
        self._said.clear()
        for track, frames in zip(self._tracks.values(), self._received.values(), strict=True):
            track.pcm.clear()
            frames.clear()
        self._agent.pcm.clear()

    def _place(self) -> None:
        for channel, frames in self._received.items():
            if frames:
                leg = self._legs.get(channel) or self._begin(channel, *frames[0])
                leg.receive(frames)
                frames.clear()
        said, self._said = self._said, []
        for pcm, now in said:
            self._say(pcm, self._place_of(now))

    def _begin(self, channel: int, pcm: bytes, now: float) -> _Leg:
        began_at = now - len(pcm) // SAMPLE_BYTES / self._rate
        if self._said:
            # What was said before it begins the recording.
            self._place_of(min(began_at, self._said[0][1]))
        track = self._tracks[channel]
        track.fill_up(self._place_of(began_at))
        leg = self._legs[channel] = _Leg(track, self._rate, began_at - track.end / self._rate)
        if self._timekeeper is None:
            self._timekeeper = leg
        return leg

    def _say(self, pcm: bytes | None, here: int) -> None:
        if pcm is None:
            self._agent.cut(here)
            self._said_end = min(self._said_end, here)
        elif self._said_end - here <= _LONGEST_AHEAD_SECONDS * self._rate:
            if here - self._said_end > _TOLERANCE_SECONDS * self._rate:
                self._agent.fill_up(here)
            self._agent.pcm += pcm
            self._said_end = self._agent.end

    def take(self, now: float) -> bytes:
        """Take what changes no more, sample by sample: of each leg, and of the agent."""
        self._place()
        if self.zero is None:
            return b""
        end = self._place_of(now)
        for leg in self._legs.values():
            if now - leg.came_at <= _LONGEST_STALL_SECONDS:
                # What is late may still come.
                end = min(end, leg.settled_end)
        return self._take(end)

    def finish(self, now: float) -> bytes:
        """Take the rest. What the agent has said and is not played by now is left out."""
        self._place()
        for leg in self._legs.values():
            leg.end()
        if self.zero is not None:
            self._say(None, self._place_of(now))
        return self._take(max(track.end for track in (*self._tracks.values(), self._agent)))

    def _place_of(self, moment: float) -> int:
        """Return the position that belongs to a moment. The first one begins the recording."""
        if self._zero is None:
            self._zero = moment
        zero = self.zero
        assert zero is not None
        return max(0, round((moment - zero) * self._rate))

    def _take(self, end: int) -> bytes:
        if end <= self.position:
            return b""
        tracks = (*self._tracks.values(), self._agent)
        samples = np.empty((end - self.position, len(tracks)), "<i2")
        for channel, track in enumerate(tracks):
            samples[:, channel] = np.frombuffer(track.take(end), "<i2")
        return samples.tobytes()
