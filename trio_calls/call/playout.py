"""What is heard of the agent's speech, and holding it back: what `trio_calls.voice` stands on.

::

    said ──► queue ──► pulled by the exchange ──► heard
             │                                    └── `position`, estimated: see `HeardClock`
             └── `pause`: what waits is not pulled, and nothing of it is lost

Positions count bytes of audio since the call began, as everywhere in this room. What a pause
inserts, so that it does not click, is no speech: `Passage` leaves it out.
"""

from __future__ import annotations

from typing import Final

import trio

from trio_calls.call.commands import CommandQueue
from trio_calls.call.media_writer import MediaWriter
from trio_calls.state import STATES_WITH_AUDIO
from trio_calls.wire.call_protocol import CallProtocol
from trio_calls.wire.speech import Pause

_FADE_SECONDS: Final = 0.005
_SAMPLE_BYTES: Final = 2


class Playout:
    """The agent's speech in one call, as it is pulled and heard.

    Args:
      protocol: holds the call's state, and the audio that waits.
      writer: sends the audio.
      commands: for telling the exchange that it is to drop audio.
      sample_rate: of the audio, in Hz.

    Attributes:
      turn: held by who speaks. Speech of several tasks follows one after the other.
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
        self._fade_bytes = round(_FADE_SECONDS * sample_rate) * _SAMPLE_BYTES
        self._pause: Pause | None = None
        self._holders: set[object] = set()
        # What pauses have inserted since the passage began that is being said: where, and how much.
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

    def pause(self, holder: object) -> None:
        """Hold back what waits, until every holder has resumed."""
        self._holders.add(holder)
        if self._pause is None:
            self._pause = self._writer.pause(self._fade_bytes)

    def resume(self, holder: object) -> None:
        """Let go on, unless somebody else holds it back."""
        self._holders.discard(holder)
        if self._pause is not None and not self._holders:
            pause, self._pause = self._pause, None
            self._writer.resume(pause)
            self._note_insertion(pause)

    def begin(self) -> Passage:
        """Begin a passage, behind everything that was said before."""
        start = self._writer.mark().position
        self._inserted = [(place, size) for place, size in self._inserted if place + size > start]
        return Passage(self, start)

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

    async def wait_heard(self) -> None:
        """Wait until everything said so far was heard, or dropped, or the call is over.

        A pause holds this up.

        Cancellation: changes nothing.
        """
        await self._writer.wait_played(self._writer.flush())

    def _note_insertion(self, pause: Pause) -> None:
        size = pause.mark.position - pause.start
        if size:
            self._inserted.append((pause.start, size))


class Passage:
    """A stretch of what the agent says, from a position on."""

    def __init__(self, playout: Playout, start: int) -> None:
        self._playout = playout
        self._start = start

    def heard_bytes(self) -> int:
        """Estimate how much of it was heard until now, in whole samples."""
        position = self._playout.heard_position()
        heard = position - self._start - self._playout.inserted_bytes(self._start, position)
        return max(0, int(heard)) & ~1
