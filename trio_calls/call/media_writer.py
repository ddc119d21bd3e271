"""What an agent sends on a call's media connection: commands at once, audio as it is asked for.

Commands go ahead of all audio that waits. Audio goes out as far as the exchange's credit reaches;
what it has asked for already passes the queue, if nothing is before it in there, and is a message
as it is. Both are sent by whoever comes up with them: see `trio_calls.transport.eager_writer`.

Speech that finds no room stands in line, and so does its sender, until all of it is queued. Whoever
waits for audio to go out wakes up whenever some has, and when the call is over.

What a command makes others hear is held back behind a barrier until the command has ended. When
audio has been played is estimated from how much went out when, and set right by the exchange where
it says so: see `trio_calls.wire.playout_clock`.

Requests that nothing said answers are answered by a backdrop, if there is one. It goes out no
faster than it plays: what is said next is heard after what of it is on the way.

What is less than a frame waits for the rest of it for as long as a frame lasts. Then it is the end
of what was said, and goes out: filled up with silence, unless the exchange plays short frames.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import trio

from trio_calls.audio import FRAME_SECONDS
from trio_calls.audio._as_bytes import as_bytes
from trio_calls.audio._backdrop import Backdrop
from trio_calls.call.audio_tap import AudioTap
from trio_calls.call.checkpoint_credit import CheckpointCredit
from trio_calls.call.unheard_audio import UnheardAudio
from trio_calls.concurrency.turns import let_others_act
from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.transport import EagerWriter, WebSocket
from trio_calls.wire.heard_clock import HeardClock
from trio_calls.wire.lateness import Lateness
from trio_calls.wire.media_wire import MediaWire
from trio_calls.wire.outgoing_audio import OutgoingAudio
from trio_calls.wire.playout_clock import PlayoutClock
from trio_calls.wire.speech import Barrier, Mark, Pause, Speech

if TYPE_CHECKING:
    from trio_calls.audio._as_bytes import Pcm

#: Seconds beyond the queue's own duration that a flush may take.
FLUSH_SECONDS: Final = 2.0

#: Seconds beyond the estimated end of playing: an exchange that pulls three frames ahead, and whose
#: clock is slower than ours by however little, is at most two of them later than estimated.
PLAYOUT_SECONDS: Final = 0.06

#: An exchange that asks for no more than this at once asks as it plays, and is answered. What one
#: that asks for more gets of a backdrop is so much ahead of playing.
BACKDROP_SECONDS: Final = 0.1


class MediaWriter(EagerWriter):
    """Sends a call's commands and audio, and wakes those who wait for it to get somewhere.

    Args:
      audio: what waits to be sent, and the exchange's credit for it.
      wire: makes messages of it.
      bytes_per_second: of the call's audio.
      credit: of checkpoints, shared with the streams that the application listens to.
      over: set when the call is over.

    Attributes:
      on_drop: called before what was said up to a position is dropped.
      taps: those who are told of each message of audio. Only `tapped` changes it.
    """

    def __init__(
        self,
        audio: OutgoingAudio,
        wire: MediaWire,
        bytes_per_second: int,
        credit: CheckpointCredit,
        over: trio.Event,
    ) -> None:
        super().__init__()
        self.on_drop: Callable[[int], None] | None = None
        self.taps: list[AudioTap] = []
        self._audio = audio
        self._wire = wire
        self._bytes_per_second = bytes_per_second
        self._credit = credit
        self._over = over
        self._unheard = UnheardAudio(bytes_per_second, audio.capacity_bytes)
        self._commands: list[str] = []
        self._delivered_position = 0
        self._delivered_bytes = 0
        self._delivered_filling = 0
        # Where in all that was sent the last speech ends that was not dropped.
        self._speech_end = 0
        self._playout: PlayoutClock = PlayoutClock(bytes_per_second)
        self._lateness = Lateness(bytes_per_second)
        # By the latest word of the exchange; None where it says nothing of it.
        self._played_bytes: int | None = None
        self._progress = Wakeup()
        self._clears = 0
        # When audio last came into the queue; which tail waits, until when, and what wakes up then.
        self._queued_at = -math.inf
        self._tail_position = -1
        self._tail_due = math.inf
        self._alarm = trio.CancelScope()
        # Asked for the time with each frame, where `trio.current_time` is two functions more.
        self._now: Callable[[], float]

    def open(self, websocket: WebSocket) -> None:
        """Write to this connection from now on, by the clock of this run of Trio."""
        self._now = trio.lowlevel.current_clock().current_time
        super().open(websocket)

    @property
    def unheard_bytes(self) -> int:
        """How many bytes of audio came to nothing, as the call was over."""
        return self._unheard.bytes

    def send_command(self, frame: str) -> None:
        """Send a command's frame, ahead of all audio that waits. Never waits."""
        self._commands.append(frame)
        self.write()

    async def send_audio(self, pcm: Pcm) -> None:
        """Queue `pcm`, after those who waited before, and wait until all of it is queued."""
        samples = pcm if type(pcm) is bytes and not len(pcm) % 2 else as_bytes(pcm)
        audio = self._audio
        await trio.lowlevel.checkpoint_if_cancelled()
        if audio.line or len(audio.waiting) + len(samples) > audio.capacity_bytes:
            await self._stand_in_line(samples)
            return
        self._put(samples)
        if self._credit.is_available:
            self._credit.is_available = False
        else:
            await trio.lowlevel.cancel_shielded_checkpoint()

    def send_audio_nowait(self, pcm: Pcm) -> None:
        """Queue `pcm` now, or not at all."""
        self._put(as_bytes(pcm))

    async def swallow_audio(self, pcm: Pcm) -> None:
        """Do nothing with `pcm`, as the call is over, for as long as a call would take."""
        now = trio.current_time()
        due = self._unheard.swallow(len(as_bytes(pcm)), now)
        await trio.sleep(max(0, due - now))

    def swallow_audio_nowait(self, pcm: Pcm) -> None:
        """Do nothing with `pcm`, as the call is over."""
        self._unheard.swallow(len(as_bytes(pcm)), trio.current_time())

    async def wait_nearly_sent(self, mark: Mark, ahead_bytes: int) -> None:
        """Wait until no more than so much waits before a place, or the call is over."""
        while mark.position - self._audio.sent_position > ahead_bytes:
            if self._over.is_set():
                break
            await self._progress.wait()

    async def wait_audio_sent(self) -> None:
        """Wait until the exchange has pulled everything said so far, or it was dropped."""
        await self._wait_delivered(self.flush())

    async def drain_audio(self) -> None:
        """Wait until everything said so far was played, as `play_out` does."""
        await self.play_out(self.flush())

    async def play_out(self, mark: Mark) -> bool:
        """Wait until what was said before a place has been played, or the call is over.

        Returns:
          False if it has taken longer than the exchange can reasonably take.
        """
        self._follow()
        said_bytes = max(0, mark.position - self._delivered_position)
        seconds = max(0, self._playout.end - trio.current_time()) + FLUSH_SECONDS
        with trio.move_on_after(said_bytes / self._bytes_per_second + seconds) as patience:
            await self.wait_played(mark)
            # An exchange that says what it has played may still convert the end of that, and let it
            # be heard by those whom the next command lets listen.
            await self._wait_played_surely(mark)
        return not patience.cancelled_caught

    @property
    def is_playing(self) -> bool:
        """Whether the exchange has audio that it has not played, or gets it in a moment."""
        if self._audio.sent_bytes != self._delivered_bytes:
            return True
        self._catch_up()
        return trio.current_time() < self._playout.end + PLAYOUT_SECONDS

    @property
    def may_be_unplayed(self) -> bool:
        """Whether the exchange may have speech that it has not played.

        One that says what it has played has all that it has not said so of, however long ago that
        should have been.
        """
        self._catch_up()
        if self._played_bytes is not None and self._played_bytes < self._whole_ms(self._speech_end):
            return True
        return self.is_playing

    @property
    def is_starved(self) -> bool:
        """Whether the exchange asks for nothing, though it has played all, and more waits."""
        self._catch_up()
        audio = self._audio
        return audio.has_sendable and not audio.credit_bytes and not self.is_playing

    def interrupted(self) -> None:
        """Note that the exchange is told to drop what it has not played, or gets before that."""
        self._catch_up()
        for tap in self.taps:
            tap.dropped()
        self._playout.interrupt(trio.current_time())
        self._delivered_bytes = self._audio.sent_bytes
        self._delivered_filling = self._audio.filled_bytes
        self._speech_end = 0
        self._progress.wake()

    def played(self, played_bytes: int, heard_bytes: int) -> None:
        """Note how much of all that was sent was played, as the exchange says.

        Args:
          played_bytes: so much.
          heard_bytes: how much audio of the call has come before this word.
        """
        self._played_bytes = played_bytes
        unplayed = self._delivered_bytes + self._delivered_filling - played_bytes
        if unplayed < 0:  # noqa: PLR1730  # twice as fast as max(), each frame
            unplayed = 0
        now = self._now()
        self._playout.played(unplayed, now, self._lateness.of(heard_bytes, now))
        self._progress.wake()

    def _follow(self) -> None:
        """Know at once what the exchange says of playing, from now on."""
        self._catch_up()
        self._wire.follow()

    def _catch_up(self) -> None:
        """Know what the exchange has said of credit and playing until now."""
        credit = self._wire.catch_up()
        if credit is not None:
            self._audio.grant(credit)
            assert credit.played_bytes is not None
            self.played(credit.played_bytes, credit.heard_bytes)

    @property
    def credit_bytes(self) -> int:
        """How many bytes the exchange has asked for and not been sent."""
        self._catch_up()
        return self._audio.credit_bytes

    def follow_playing(self) -> HeardClock:
        """Make a clock that tells which place in what is said is being heard, from now on."""
        self._follow()
        clock = HeardClock(self._bytes_per_second, self._audio)
        # What was sent before may still play.
        clock.go_on_from(self._playout)
        self._playout = clock
        return clock

    def pause(self, fade_bytes: int) -> Pause:
        """Hold back everything that waits, faded out, until `resume`."""
        pause = self._audio.pause(fade_bytes)
        self.write()
        return pause

    def resume(self, pause: Pause) -> None:
        """Let go on what was paused."""
        self._audio.resume(pause)
        self.write()

    def begin_backdrop(self, backdrop: Backdrop) -> None:
        """Let a backdrop be heard, from now on, instead of another one."""
        self._audio.begin_backdrop(backdrop)
        self.write()

    def end_backdrop(self) -> None:
        """Let the backdrop fade out, if there is one."""
        self._audio.end_backdrop()

    @property
    def said_position(self) -> int:
        """The position after the last byte that was said."""
        return self._audio.said_position

    def mark(self) -> Mark:
        """Mark the end of what was said so far."""
        return self._audio.mark()

    def mark_at(self, position: int) -> Mark:
        """Mark a place in what was said so far."""
        return self._audio.mark_at(position)

    def flush(self) -> Mark:
        """Mark the end of what was said so far, which goes out without waiting for more."""
        mark = self._audio.flush()
        self.write()
        return mark

    def hold(self) -> Barrier:
        """Hold back what is said from now on, until the barrier is lifted, or expires."""
        barrier = self._audio.hold()
        self.write()
        return barrier

    def expire(self, barrier: Barrier, at: float) -> None:
        """Lift a barrier at a time, in Trio's, whatever happens."""
        barrier.expires_at = at
        self._wake_at(at)

    def lift(self, barrier: Barrier) -> None:
        """Let go what a barrier has held back."""
        self._audio.lift(barrier)
        self.write()

    def drop_held(self) -> Barrier | None:
        """Drop what barriers hold back, if any do, and hold back what is said from now on."""
        if not self._audio.barriers:
            return None
        self._audio.drop_held()
        return self.hold()

    def drop_until(self, mark: Mark) -> int:
        """Drop what was said before a place. Returns how many bytes that was."""
        self._announce_drop(mark.position)
        dropped = self._audio.drop_until(mark)
        if not self._has_unsent:
            self._note_delivery()
        self._progress.wake()
        return dropped

    @contextmanager
    def clearing(self) -> Iterator[int]:
        """Drop what waits, and what stands in line: so many bytes.

        Those who stood in line go on when the block is left. If it leads to their being cancelled,
        they are before they say more.
        """
        self._clears += 1
        try:
            yield self._clear()
        finally:
            self._clears -= 1
            self._progress.wake()

    async def let_clearing_end(self) -> None:
        """Let go on who has dropped what the caller has said, and cancel the caller, perhaps.

        Who is about to be cancelled is not to say more.
        """
        while self._clears:
            await self._progress.wait()
        await let_others_act()
        await trio.lowlevel.checkpoint_if_cancelled()

    def _announce_drop(self, position: int) -> None:
        if self.on_drop is not None:
            self.on_drop(position)

    def _clear(self) -> int:
        self._announce_drop(self._audio.said_position)
        dropped = self._audio.clear()
        if not self._has_unsent:
            self._note_delivery()
            self._progress.wake()
        return dropped

    def end(self) -> None:
        """Drop what waits, and wake everyone who does, as the call is over."""
        self._unheard.bytes += self._audio.discard()
        self._progress.wake()

    async def _stand_in_line(self, pcm: bytes | bytearray | memoryview) -> None:
        speech = self._line_up(pcm)
        if speech.is_over:
            await trio.lowlevel.cancel_shielded_checkpoint()
        else:
            await self._wait_queued(speech)
        if speech.was_dropped:
            await self.let_clearing_end()

    async def _wait_queued(self, speech: Speech) -> None:
        """Wait until speech is out of the line. Cancellation takes it out.

        That is done by whoever cancels: nothing of it is queued any more before its sender wakes.
        """

        def give_up(raise_cancel: trio.lowlevel.RaiseCancelT) -> trio.lowlevel.Abort:
            self._audio.withdraw(speech)
            return trio.lowlevel.Abort.SUCCEEDED

        speech.on_over = partial(trio.lowlevel.reschedule, trio.lowlevel.current_task())
        try:
            await trio.lowlevel.wait_task_rescheduled(give_up)
        except trio.Cancelled:
            # There may be room for those behind it.
            self.write()
            raise

    @trio.lowlevel.enable_ki_protection
    def _line_up(self, pcm: bytes | bytearray | memoryview) -> Speech:
        speech = self._audio.line_up(pcm)
        self.write()
        return speech

    @trio.lowlevel.enable_ki_protection
    def _put(self, pcm: bytes | bytearray | memoryview) -> None:
        if (
            self._websocket is None
            or self._has_unsent
            or self._is_corked
            or not self._audio.spend(pcm)
        ):
            self._audio.put(pcm)
            self._queued_at = trio.current_time()
            self.write()
        else:
            for tap in self.taps:
                tap.sent(bytes(pcm))
            self._transmit(self._websocket, self._wire.pack(pcm))

    def _take(self) -> Sequence[str | bytes]:
        if self._commands:
            commands, self._commands = self._commands, []
            return commands
        self._catch_up()
        if self._audio.line:
            self._queued_at = trio.current_time()
        pieces = self._audio.take()
        if not pieces and self._audio.has_tail:
            if self._is_tail_due():
                self._audio.flush()
                pieces = self._audio.take()
        elif not pieces and self._audio.backdrop is not None:
            pieces = self._fill()
        for tap in self.taps:
            for pcm in pieces:
                tap.sent(pcm)
        return [self._wire.pack(pcm) for pcm in pieces]

    def _fill(self) -> list[bytes]:
        """Answer with the backdrop what the exchange has asked for, and needs now."""
        most_bytes = round(BACKDROP_SECONDS * self._bytes_per_second)
        if self._audio.credit_bytes > most_bytes:
            step_seconds = max(FRAME_SECONDS, self._audio.frame_bytes / self._bytes_per_second)
            step_seconds = min(step_seconds, BACKDROP_SECONDS)
            free_at = max(self._playout.free_at, self._now())
            most_bytes -= round((free_at - self._now()) * self._bytes_per_second)
            # Half of one, so that no error of rounding wakes it up for nothing.
            if most_bytes < step_seconds * self._bytes_per_second / 2:
                self._wake_at(free_at - BACKDROP_SECONDS + step_seconds)
                return []
        return self._audio.fill(most_bytes)

    def _is_tail_due(self) -> bool:
        """Return whether the tail has waited for as long as a frame lasts. See to it otherwise."""
        if self._tail_position != self._audio.sent_position:
            self._tail_position = self._audio.sent_position
            self._tail_due = self._queued_at + self._audio.frame_bytes / self._bytes_per_second
        is_due = self._tail_due <= trio.current_time()
        if not is_due:
            self._wake_at(self._tail_due)
        return is_due

    def _wake_at(self, time: float) -> None:
        self._alarm.deadline = min(self._alarm.deadline, time)

    async def _idle(self) -> None:
        with self._alarm as alarm:
            await super()._idle()
        self._alarm = trio.CancelScope(
            deadline=math.inf if alarm.cancelled_caught else alarm.deadline
        )
        if alarm.cancelled_caught:
            self._lift_expired()
            self.write()

    def _lift_expired(self) -> None:
        for barrier in list(self._audio.barriers):
            if barrier.expires_at <= trio.current_time():
                self._audio.lift(barrier)
            else:
                self._wake_at(barrier.expires_at)

    def _note_delivery(self) -> None:
        audio = self._audio
        self._delivered_position = audio.sent_position
        new_bytes = audio.sent_bytes - self._delivered_bytes
        if new_bytes:
            self._delivered_bytes += new_bytes
            self._speech_end = self._delivered_bytes + self._delivered_filling
            self._playout.sent(new_bytes, self._now())
        new_filling = audio.filled_bytes - self._delivered_filling
        if new_filling:
            self._delivered_filling += new_filling
            self._playout.filled(new_filling, self._now())

    def _note_progress(self) -> None:
        self._progress.wake()

    async def wait_played(self, mark: Mark) -> None:
        """Wait until what was said before a place has been played, or the call is over."""
        await self._wait_delivered(mark)
        if self._played_bytes is not None:
            await self._wait_played_known(mark)
        else:
            await self._wait_played_surely(mark)

    async def _wait_played_surely(self, mark: Mark) -> None:
        """Wait for a while beyond the time at which it was played, as far as that is known."""
        # What was sent beyond the place is not waited for, and neither is what follows now.
        beyond = max(0, self._delivered_position - mark.position) / self._bytes_per_second
        played_at = self._playout.end - beyond + PLAYOUT_SECONDS
        # An interruption sets the clock back.
        while trio.current_time() < min(played_at, self._playout.end + PLAYOUT_SECONDS):
            if self._over.is_set():
                break
            with trio.move_on_at(played_at):
                await self._progress.wait()

    async def _wait_played_known(self, mark: Mark) -> None:
        """Do the same where the exchange says what it has played."""
        # Where it is in all that was sent. Of a backdrop something is always on the way.
        beyond = max(0, self._delivered_position - mark.position)
        place = self._delivered_bytes + self._delivered_filling - beyond
        whole_ms = self._whole_ms(place)
        await self._wait_done_with(whole_ms)
        # The exchange is done with a frame when it begins to play it, and may not count the end of
        # it that is less than a millisecond.
        rest_bytes = self._audio.frame_bytes + (self._ms_bytes if place > whole_ms else 0)
        played_at = trio.current_time() + rest_bytes / self._bytes_per_second
        while not self._over.is_set() and self._playout.end != -math.inf:
            with trio.move_on_at(played_at):
                await self._progress.wait()
            if trio.current_time() >= played_at:
                break

    async def _wait_done_with(self, place: int) -> None:
        """Wait until the exchange is done with what was sent before a place.

        Of less than a frame it may never say so: if it counts whole ones.
        """
        played_bytes, since = -1, trio.current_time()
        while not self._over.is_set() and self._playout.end != -math.inf:
            assert self._played_bytes is not None
            if self._played_bytes != played_bytes:
                played_bytes, since = self._played_bytes, trio.current_time()
            if played_bytes >= place:
                break
            is_tail = place - played_bytes < self._audio.frame_bytes
            give_up_at = since + FLUSH_SECONDS if is_tail else math.inf
            with trio.move_on_at(give_up_at):
                await self._progress.wait()
            if trio.current_time() >= give_up_at:
                break

    def _whole_ms(self, place: int) -> int:
        """Round a place down, as an exchange does that counts milliseconds."""
        return place - place % self._ms_bytes

    @property
    def _ms_bytes(self) -> int:
        return self._bytes_per_second // 1000

    async def _wait_delivered(self, mark: Mark) -> None:
        await trio.lowlevel.checkpoint()
        while self._delivered_position < mark.position and not self._over.is_set():
            await self._progress.wait()
