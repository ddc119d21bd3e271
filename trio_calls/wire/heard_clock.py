"""Which place in what was said is being heard."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Final

import attrs

from trio_calls.wire.outgoing_audio import OutgoingAudio
from trio_calls.wire.playout_clock import PlayoutClock
from trio_calls.wire.speech import Mark

#: How long an exchange that tells what it has played may take to tell it, beyond the frame that it
#: plays: some frames of the usual size.
TELLING_SECONDS: Final = 0.08


@attrs.frozen
class _Piece:
    """What was sent in one go: a stretch of what was said, and when it begins to play.

    That time is without what the exchange has said since the beginning of the connection.
    """

    start: int
    size: int
    begins_at: float


@attrs.define
class _Watched:
    """A place of which somebody wants to know when it is heard.

    Attributes:
      mark: the place.
      tell: is called with the time, when it has come.
      heard_at: the time; infinite until the place was sent.
    """

    mark: Mark
    tell: Callable[[float], None]
    heard_at: float = math.inf


class HeardClock(PlayoutClock):
    """A `PlayoutClock` that also knows what plays.

    An exchange that plays in ticks is within one tick of what this estimates. One that tells what
    it has played is followed, however late it begins or goes on: it is estimated for no longer
    than it takes to tell. That a place was heard is not told before the exchange has spoken of
    about that time.

    Args:
      bytes_per_second: of the audio.
      audio: whose positions are told.
    """

    def __init__(self, bytes_per_second: int, audio: OutgoingAudio) -> None:
        super().__init__(bytes_per_second)
        self._audio = audio
        self._sent_position = audio.sent_position
        self._heard_position = float(audio.sent_position)
        self._pieces: deque[_Piece] = deque()
        self._watched: _Watched | None = None
        # By how much later all that plays is than was thought of it. A piece is not touched for
        # each word of the exchange: there may be thousands.
        self._shift = 0.0
        # Beyond this nothing is estimated, and of places that are watched nothing is told.
        self._known_until = self._told_until = math.inf

    def sent(self, audio_bytes: int, now: float) -> None:
        """Note that audio was sent, up to the position that it has now."""
        begins_at = max(self.free_at, now)
        super().sent(audio_bytes, now)
        position = self._audio.sent_position
        # The rest is silence that fills up a frame. It follows what was said.
        size = min(audio_bytes, position - self._sent_position)
        self._sent_position = position
        self._forget_heard(min(now, self._known_until))
        # It plays before the exchange can tell of it, or of anything, where it was silent before.
        self._known_until = max(self._known_until, now + self._telling_seconds)
        self._pieces.append(_Piece(position - size, size, begins_at - self._shift))
        if self._watched is not None:
            self._follow(self._watched)
            self.look(now)

    def played(self, unplayed_bytes: int, now: float, late_seconds: float = 0.0) -> float:
        """Note how much of what was sent is not played yet. See `PlayoutClock`."""
        shift = super().played(unplayed_bytes, now, late_seconds)
        self._known_until = self._told_until = now + self._telling_seconds
        self._shift += shift
        if self._watched is not None:
            self._watched.heard_at += shift
        self.look(now)
        return shift

    def interrupt(self, now: float) -> None:
        """Note that the exchange was told to drop what it has not played."""
        self.look(now)
        if self._watched is not None:
            self._watched.heard_at = math.inf
        self._heard_position = self.heard_position(now)
        self._pieces.clear()
        super().interrupt(now)

    def heard_position(self, now: float) -> float:
        """Return the position of the last byte that was heard until now."""
        now = min(now, self._known_until)
        self._forget_heard(now)
        if self._pieces:
            piece = self._pieces[0]
            seconds = now - piece.begins_at - self._shift
            if seconds > 0:
                return piece.start + seconds * self._bytes_per_second
        return self._heard_position

    def heard_at(self, position: int) -> float:
        """Return when the last byte before a position was heard, or will be.

        It is infinite where nobody knows: after an interruption.
        """
        unheard = self._sent_position - min(position, self._sent_position)
        end = self.end - unheard / self._bytes_per_second
        return end if math.isfinite(end) else math.inf

    def watch(self, mark: Mark, tell: Callable[[float], None]) -> None:
        """Tell when a place is heard, once it certainly was: with what is sent next, or by `look`.

        One place at a time.
        """
        self._watched = _Watched(mark, tell)

    def look(self, now: float) -> None:
        """Tell of the place that is watched, if it was heard by now."""
        watched = self._watched
        if watched is not None and watched.heard_at <= min(now, self._told_until):
            self._watched = None
            watched.tell(watched.heard_at)

    def unwatch(self) -> None:
        """Tell nothing any more."""
        self._watched = None

    @property
    def _telling_seconds(self) -> float:
        return TELLING_SECONDS + self._audio.frame_bytes / self._bytes_per_second

    def _follow(self, watched: _Watched) -> None:
        piece = self._pieces[-1]
        before = watched.mark.position - piece.start
        if watched.heard_at == math.inf and before < piece.size:
            begins_at = piece.begins_at + self._shift
            watched.heard_at = begins_at + max(0, before) / self._bytes_per_second

    def _forget_heard(self, now: float) -> None:
        while self._pieces:
            piece = self._pieces[0]
            if now < piece.begins_at + self._shift + piece.size / self._bytes_per_second:
                break
            self._heard_position = piece.start + piece.size
            self._pieces.popleft()
