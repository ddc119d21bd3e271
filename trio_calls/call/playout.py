"""What is heard of the agent's speech, and holding it back: what `trio_calls.voice` stands on.

::

    said ──► queue ──► pulled by the exchange ──► heard
             │                                    └── `position`, estimated: see `HeardClock`
             └── `pause`: what waits is not pulled, and nothing of it is lost

Positions count bytes of audio since the call began, as everywhere in this room. What a pause
inserts, so that it does not click, is no speech: `Passage` leaves it out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import attrs
import trio

from trio_calls.audio import SAMPLE_BYTES
from trio_calls.audio._backdrop import Backdrop
from trio_calls.call.commands import CommandQueue
from trio_calls.call.media_writer import MediaWriter
from trio_calls.state import STATES_WITH_AUDIO
from trio_calls.wire.call_protocol import CallProtocol
from trio_calls.wire.heard_clock import HeardClock
from trio_calls.wire.speech import Mark, Pause

_FADE_SECONDS: Final = 0.005

#: A stream is asked for no more than so much ahead. A command that lets be heard what was said
#: before waits for that, and what is dropped was made for nothing.
_AHEAD_SECONDS: Final = 2.0


class Playout:
    """The agent's speech in one call, as it is pulled and heard.

    Args:
      protocol: holds the call's state, and the audio that waits.
      writer: sends the audio.
      commands: for telling the exchange that it is to drop audio.
      sample_rate: of the audio, in Hz.

    Attributes:
      turn: held by who speaks. Speech of several tasks follows one after the other.
      ahead_bytes: how far ahead a stream is asked for speech.
      backdrop_holder: who has a backdrop, or is preparing one. One at a time.
    """

    def __init__(
        self,
        protocol: CallProtocol,
        writer: MediaWriter,
        commands: CommandQueue,
        sample_rate: int,
    ) -> None:
        self.turn: trio.StrictFIFOLock = trio.StrictFIFOLock()
        self._protocol = protocol
        self._writer = writer
        self._commands = commands
        self._clock = writer.follow_playing()
        self._fade_bytes = round(_FADE_SECONDS * sample_rate) * SAMPLE_BYTES
        self.ahead_bytes: int = round(_AHEAD_SECONDS * sample_rate) * SAMPLE_BYTES
        self.backdrop_holder: object | None = None
        self._pause: Pause | None = None
        self._holders: set[object] = set()
        self._passage: Passage | None = None
        # What pauses have inserted while this passage was said: where, and how much.
        self._inserted: list[tuple[int, int]] = []

    @property
    def is_paused(self) -> bool:
        """Whether what waits is held back."""
        return self._pause is not None

    @property
    def is_talking(self) -> bool:
        """Whether the agent is being heard, or would be if it were not paused."""
        return self._protocol.state in STATES_WITH_AUDIO and (
            bool(self._protocol.audio.waiting) or self._writer.is_playing
        )

    def pause(self, holder: object) -> bool:
        """Hold back what waits, until every holder has resumed. Return whether it was not yet."""
        self._holders.add(holder)
        if self._pause is not None:
            return False
        self._pause = self._writer.pause(self._fade_bytes)
        return True

    def resume(self, holder: object) -> bool:
        """Let go on, unless somebody else holds it back. Return whether it goes on now."""
        self._holders.discard(holder)
        if self._pause is None or self._holders:
            return False
        pause, self._pause = self._pause, None
        self._writer.resume(pause)
        self._note_insertion(pause)
        return True

    @contextmanager
    def passage(self, on_heard: Callable[[float], None]) -> Iterator[Passage]:
        """Make a passage of what is said in the block. One at a time: hold `turn`.

        Args:
          on_heard: is told when the first sound of it was heard, in Trio's time.
        """
        passage = self._passage = Passage(self, self._writer, self._clock, on_heard)
        self._writer.on_drop = passage.drop_until
        try:
            yield passage
        finally:
            passage.end()
            self._writer.on_drop = self._passage = None
            self._inserted.clear()

    def begin_backdrop(self, backdrop: Backdrop) -> None:
        """Let a backdrop be heard under what is said, and while nothing is."""
        self._writer.begin_backdrop(backdrop)

    def end_backdrop(self) -> None:
        """Let the backdrop fade out, if there is one."""
        self._writer.end_backdrop()

    def stop(self) -> None:
        """Drop what was said and is not heard, on both sides. Never waits."""
        if self._protocol.state in STATES_WITH_AUDIO:
            self._commands.drop_unplayed()

    def heard_position(self) -> float:
        """Estimate the position of the last byte that was heard."""
        return self._clock.heard_position(trio.current_time())

    def inserted_bytes(self, start: int, end: float) -> float:
        """Count how much pauses have inserted between two positions."""
        insertions = list(self._inserted)
        if self._pause is not None:
            insertions.append((self._pause.start, self._pause.mark.position - self._pause.start))
        return sum(min(max(end - place, 0), size) for place, size in insertions if place >= start)

    def _note_insertion(self, pause: Pause) -> None:
        size = pause.mark.position - pause.start
        if size and self._passage is not None:
            self._inserted.append((pause.start, size))


@attrs.frozen
class _Stretch:
    """What was said without anything of others in between."""

    start: Mark
    size: int


class Passage:
    """Audio that belongs together, said piece by piece. Got from `Playout.passage`.

    What others say between the pieces is not of it. It is cut, and said no further, as soon as
    something of it is dropped, before it was heard: the rest would begin in the middle.

    Attributes:
      scope: for whoever says it. Cancelled when it is cut.
    """

    def __init__(
        self,
        playout: Playout,
        writer: MediaWriter,
        clock: HeardClock,
        on_heard: Callable[[float], None],
    ) -> None:
        self.scope: trio.CancelScope = trio.CancelScope()
        self._playout = playout
        self._writer = writer
        self._clock = clock
        self._on_heard = on_heard
        self._stretches: list[_Stretch] = []
        self._heard_bytes: int | None = None

    @property
    def was_cut(self) -> bool:
        """Whether something of it was dropped, and the rest is not to be said."""
        return self.scope.cancel_called

    def heard_bytes(self) -> int:
        """Estimate how much of it was heard until now, or until it ended, in whole samples."""
        if self._heard_bytes is not None:
            return self._heard_bytes
        position = self._playout.heard_position()
        return sum(self._heard_of(stretch, position) for stretch in self._stretches)

    def add(self, size: int) -> None:
        """Note that so many bytes of it are said next."""
        start = self._writer.said_position
        if self._stretches and start == self._end_position():
            last = self._stretches.pop()
            self._stretches.append(_Stretch(last.start, last.size + size))
        elif size:
            mark = self._writer.mark_at(start)
            if not self._stretches:
                self._clock.watch(mark, self._on_heard)
            self._stretches.append(_Stretch(mark, size))

    def drop_until(self, position: int) -> None:
        """Note that everything said before a position is dropped, unless it was heard."""
        if self._stretches and self._stretches[0].start.position < position:
            self.end()
            self.scope.cancel()

    def end(self) -> None:
        """Note that nothing more of it will be heard."""
        if self._heard_bytes is None:
            self._clock.look(trio.current_time())
            self._clock.unwatch()
            self._heard_bytes = self.heard_bytes()

    def look(self) -> None:
        """Tell of the first sound of it, if it was heard by now."""
        self._clock.look(trio.current_time())

    def heard_until(self) -> float:
        """Estimate when the last of what was heard until now was heard, in Trio's time."""
        return min(trio.current_time(), self._clock.heard_at(self._end_position()))

    async def wait_due(self) -> None:
        """Wait until more of it is due, as most of what was said of it was pulled.

        A pause holds this up.

        Cancellation: changes nothing. A checkpoint only if it has to wait.
        """
        end = self._writer.mark_at(self._end_position())
        await self._writer.wait_nearly_sent(end, self._playout.ahead_bytes)

    async def wait_heard(self) -> None:
        """Wait until all of it was heard, or the call is over.

        A pause holds this up.

        Cancellation: changes nothing.
        """
        self._writer.flush()
        end = self._writer.mark_at(self._end_position())
        await self._writer.wait_played(end)

    async def let_clearing_end(self) -> None:
        """Wait, where it was cut, until whoever did that has gone on."""
        await self._writer.let_clearing_end()

    def _end_position(self) -> int:
        if not self._stretches:
            return 0
        last = self._stretches[-1]
        start = last.start.position
        said = self._writer.said_position
        return start + last.size + int(self._playout.inserted_bytes(start, said))

    def _heard_of(self, stretch: _Stretch, position: float) -> int:
        start = stretch.start.position
        heard = position - start - self._playout.inserted_bytes(start, position)
        return min(max(0, int(heard)) & ~1, stretch.size)
