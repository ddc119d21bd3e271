"""`ActiveCall`: what an application does with one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from trio_calls.audio_format import AudioFormat, AudioMode
from trio_calls.call.audio_tap import AudioTap
from trio_calls.call.core import CallCore
from trio_calls.call.event_handlers import HandlerT
from trio_calls.call.hand_over import HandOver
from trio_calls.call.hangup_scope import HangupScope
from trio_calls.call.observers import CallObservers
from trio_calls.call.playout import Playout
from trio_calls.call.received_audio import AudioStream
from trio_calls.call.statistics import CallStatistics
from trio_calls.endings import Ending
from trio_calls.state import COMMAND_FOR, STATES_WITH_AUDIO, AgentMode, CallState, Command, illegal
from trio_calls.wire.call_protocol import check_ring_time
from trio_calls.wire.names import CALL_CHANNEL

if TYPE_CHECKING:
    from trio_calls.audio._as_bytes import Pcm


class ActiveCall:
    """A call that was claimed for this application.

    Got by the handler of `events.INCOMING_CALL`. It lives in its handler's scope: see the page
    "The life of a call".

    Attributes:
      call_id: the exchange's name for the call.
      caller_number: who calls, in whatever form the exchange says it; None if that is withheld.
      callee_number: whom the caller dialed; `connect` rings there, also if it is None here.
      audio_format: of everything heard and sent.
    """

    def __init__(self, core: CallCore) -> None:
        self.call_id: str = core.call_in.call_id
        self.caller_number: str | None = core.call_in.caller_number or None
        self.callee_number: str | None = core.call_in.callee_number or None
        self.audio_format: AudioFormat = core.audio_format
        self._core = core
        self._protocol = core.protocol
        self._writer = core.writer

    def __repr__(self) -> str:
        return f"<ActiveCall {self.call_id} {self.state.name}>"

    @property
    def state(self) -> CallState:
        """The state of the call. It follows what the exchange says, and no wait changes it."""
        return self._protocol.state

    @property
    def mode(self) -> AgentMode | None:
        """Who hears the agent; None unless CONNECTED."""
        return self._protocol.mode

    @property
    def ending(self) -> Ending | None:
        """How the call has ended for the agent; None until it has."""
        return self._core.ending.ending

    async def answer(self) -> object:
        """Take the call: from here on the agent talks with the caller.

        While the control connection is being replaced, this waits until the call was claimed again,
        10 s at the most. A call of your own on the second wire is dialed by it: this waits until
        the other side picks up, and its telephone rings for as long as `CallClient.open_call` says.

        Returns:
          What the exchange says of it (``result``), any JSON as it came; None if it says nothing.

        Raises:
          WSSCallStateError: the call is not PENDING. Nothing was sent.
          WSSMediaError: the media connection could not be opened, or was lost.
          WSSCallCommandError: the exchange refused; or ``CALL_UNANSWERED``, where it was dialed.
          WSSCallCommandTimeoutError: no answer from the exchange within 15 s, or 5 s more than the
            telephone may ring.
          WSSCallClosedError: the call ended, or was left, meanwhile.

        Cancellation: before the command is sent, nothing happens. After that the exchange goes on
        with it, and its success still makes the call ANSWERED.
        """
        return await self._core.commands.run(Command.ANSWER)

    async def connect(
        self,
        ring_time_seconds: float = 60,
        *,
        flush: bool = True,
        mode: AgentMode | None = None,
    ) -> object:
        """Ring the original callee, and join caller, callee and agent in a conference.

        The agent's mode is ``ClientConfig.mode_after_connect`` then, or the one that is asked for
        here. What was said before is for the caller, and played before
        the phone rings. What is said while it rings goes to the caller at once; what of that is
        not played when the callee picks up is dropped, so that music ends where the talk begins.

        Args:
          ring_time_seconds: how long the callee's phone may ring, 1 to 120 s.
          flush: first let be played what was said before. That takes as long as it takes to play,
            and is given up 2 s after it should be over: what is left then is dropped. False drops
            it now. See `barge`.
          mode: is asked for as soon as the callee has picked up, by a command of its own. With
            BARGE, nobody speaks unheard on an exchange that begins in SPY.

        Returns:
          As `answer`.

        Raises:
          ValueError: a ring time outside 1 to 120 s. Nothing was sent.
          WSSCallStateError: the call is neither PENDING nor ANSWERED. Nothing was sent.
          WSSCallCommandError: ``CALL_UNANSWERED``, or another refusal; the call goes on as it was.
          WSSMediaError, WSSCallCommandTimeoutError, WSSCallClosedError: as `answer`. With `mode`,
            also where that was refused, and the call is CONNECTED: see `barge`.

        Cancellation: as `answer`. The callee goes on ringing, and if they pick up the call becomes
        CONNECTED; `close` and `disconnect` end that.
        """
        check_ring_time(ring_time_seconds)
        result = await self._core.commands.run(
            Command.CONNECT, ring_time_seconds=ring_time_seconds, flush=flush
        )
        if mode is not None:
            await self._core.commands.run(COMMAND_FOR[mode])
        return result

    async def barge(self, *, flush: bool = True) -> object:
        """Make caller and callee hear the agent.

        Speech is heard by those to whom it was said. So what was said before this was called is
        played first, and what is said after it waits until the exchange has answered, or is given
        up. If the exchange refuses, the mode stays, and so do those who hear what waited: look at
        `mode`.

        Args:
          flush: first let be played what was said before, what other tasks wait to send included.
            That takes as long as it takes to play, and is given up 2 s after it should be over:
            what is left then is dropped, here and at the exchange. False drops it at once.

        Returns:
          As `answer`.

        Raises:
          WSSCallStateError: the call is not CONNECTED. Nothing was sent.
          WSSMediaError, WSSCallCommandError, WSSCallCommandTimeoutError, WSSCallClosedError: as
            `answer`.

        Cancellation: as `answer`. What was dropped stays dropped. What was said after this goes
        out if the command was not sent, and otherwise waits for its end all the same.
        """
        return await self._core.commands.run(Command.BARGE, flush=flush)

    async def whisper(self, *, flush: bool = True) -> object:
        """Make only the callee hear the agent. In everything else as `barge`.

        It is the subscriber who hears it, whose number the agent works for. In a call that the
        agent has started that is the caller.
        """
        return await self._core.commands.run(Command.WHISPER, flush=flush)

    async def spy(self, *, flush: bool = True) -> object:
        """Make nobody hear the agent, who still hears both. In everything else as `barge`."""
        return await self._core.commands.run(Command.SPY, flush=flush)

    async def close(self, *, flush: bool = True) -> object:
        """Leave the call. In a conference the others go on talking; otherwise the call ends.

        A PENDING call for which nothing was opened is released without a word: the caller goes on
        ringing. A DISCONNECTED call is left already; nothing happens.

        Args:
          flush: first let what was said be played. That takes as long as it takes to play, and
            is given up 2 s after it should be over.

        Returns:
          As `answer`; None where nothing was sent.

        Raises:
          WSSCallError: the exchange refused, or did not answer within 15 s; the call goes on.

        Cancellation: skips the flush. The exchange is still told that the agent leaves, unless the
        media connection was still being opened: then nothing is sent.
        """
        return await self._core.ending.leave(Command.CLOSE, flush=flush)

    async def disconnect(self, *, flush: bool = True) -> object:
        """End the call for everybody. A PENDING call is declined.

        A DISCONNECTED call has ended already; nothing happens.

        Args:
          flush: first let what was said be played. That takes as long as it takes to play, and
            is given up 2 s after it should be over.

        Returns:
          As `answer`; None where nothing was sent.

        Raises:
          WSSCallError: the exchange refused, or did not answer within 15 s; the call goes on.
          WSSMediaError: the media connection could not be opened, or was lost meanwhile.

        Cancellation: skips the flush. The exchange is still told to end the call, unless the media
        connection was still being opened: then nothing is sent.
        """
        return await self._core.ending.leave(Command.DISCONNECT, flush=flush)

    async def hand_over(self, to: str = "") -> HandOver:
        """Let another process have the call, on which nothing was done yet. This one lets go of it.

        The other one reads what is returned with `trio_calls.sessions.HandOver.from_json`, and
        serves the call with `trio_calls.sessions.serve_handed_over` or `CallClient.adopt`. To the
        exchange the call is still claimed by this client: stay connected until the other one has
        answered, or the exchange offers the call again.

        While the control connection is being replaced, this waits until the call was claimed again,
        10 s at the most. Afterwards the call is DISCONNECTED here, and `ending` says who has it.
        That ends the blocks of `cancel_on_hangup`, too: do not send what is returned inside one.

        Args:
          to: who gets it, in words for `ending` and the log.

        Returns:
          What the other process needs. It is a credential.

        Raises:
          WSSCallStateError: the call is not PENDING, a command has acted on it or has tried to, or
            the exchange may have taken it back. Nothing has changed.

        Cancellation: nothing has happened, and the call rings on here. Always a checkpoint.
        """
        return await self._core.hand_over(to)

    def audio_stream(self, channel: int = CALL_CHANNEL) -> AudioStream:
        """Listen to the call.

        Every stream is independent and sees every frame from its creation on; the first also sees
        what came before it. It ends when the call ends, after everything received was delivered.
        A stream that is not read keeps the newest `ClientConfig.receive_buffer_seconds`.

        So keep the stream, and go on with it later. Whoever calls this anew for a second loop does
        not get what was said between the two loops.

        Args:
          channel: 0 is the call, everybody but the agent. In `AudioMode.ISOLATED` 1, 2, … carry
            single legs.

        Raises:
          WSSCallStateError: the call is PENDING.
          ValueError: the call's audio mode does not have this channel.
        """
        # A call that has just ended may still have audio that nobody has listened to.
        if self.state not in STATES_WITH_AUDIO and self.state is not CallState.DISCONNECTED:
            raise illegal(self.state, "audio_stream()")
        if channel != CALL_CHANNEL and self.audio_format.mode is AudioMode.MIXED:
            raise ValueError("mixed audio has channel 0 only; see ClientConfig.audio_mode")
        return self._core.received.subscribe(channel)

    async def send_audio(self, pcm: Pcm) -> None:
        """Queue the agent's speech, of any length, waiting until all of it is queued.

        The queue holds `ClientConfig.send_buffer_seconds`. What does not fit stands in line, and
        so does the speech of other tasks behind it: two are never mixed. An end that is less than a
        frame waits for more to follow, for as long as a frame lasts, and goes out then, filled up
        with silence on the first wire. `clear_send_audio_buffer` drops what waits, too, and this
        returns.

        On a DISCONNECTED call this does nothing, as there is nobody to hear; `statistics` counts
        it as ``unheard_bytes``. The first seconds, as many as the queue holds, take no time; what
        goes beyond takes the time that it would play, so that no loop runs away.

        Args:
          pcm: mono signed 16-bit little-endian, at `audio_format`'s sample rate: bytes, or an array
            of 16-bit integers, for instance of numpy's int16, which must not change meanwhile.

        Raises:
          WSSCallStateError: the call is PENDING.
          TypeError: items that are neither bytes nor signed 16-bit integers in that order.
          ValueError: half a sample, more than one dimension, or gaps between the samples.

        Cancellation: a whole number of frames of `pcm` was queued, from its beginning, and often
        none; the rest was not said. It is noticed each time. Other tasks get a turn each time, too,
        unless `audio_stream` has given them one since the last time.
        """
        if self._protocol.state in STATES_WITH_AUDIO:
            await self._writer.send_audio(pcm)
        elif self.state is CallState.DISCONNECTED:
            await self._writer.swallow_audio(pcm)
        else:
            raise illegal(self.state, "send_audio()")

    def send_audio_nowait(self, pcm: Pcm) -> None:
        """Queue the agent's speech, all of it now or nothing.

        On a DISCONNECTED call this does nothing.

        Args:
          pcm: as for `send_audio`.

        Raises:
          WSSCallStateError: the call is PENDING.
          TypeError, ValueError: as `send_audio`.
          BufferFullError: there is no room for all of it, or other speech waits for room.
        """
        if self._protocol.state in STATES_WITH_AUDIO:
            self._writer.send_audio_nowait(pcm)
        elif self.state is CallState.DISCONNECTED:
            self._writer.swallow_audio_nowait(pcm)
        else:
            raise illegal(self.state, "send_audio_nowait()")

    async def wait_audio_sent(self) -> None:
        """Wait until the exchange has pulled everything said so far, or it was dropped.

        That includes what other tasks wait to send. A last frame that is not whole does not wait
        for more; on the first wire it is filled up with silence. When the call ends, this returns
        at once: what still waited was dropped.

        So its return does not mean that somebody has heard all of it. Look at `ending`, or at the
        ``unheard_bytes`` of `statistics`; or use `trio_calls.voice.Voice.say`, whose outcome says
        how much was heard.

        Cancellation: the audio goes out all the same. Always a checkpoint.
        """
        await self._writer.wait_audio_sent()

    async def clear_send_audio_buffer(self) -> int:
        """Stop talking: drop all that was said before, and let the exchange drop what it holds.

        What other tasks wait to send is dropped, too; their `send_audio` returns when this does.
        Never waits behind another command.

        Returns:
          The number of bytes dropped here, of the queue and of what waited for room.

        Raises:
          WSSCallStateError: the call is neither ANSWERED nor CONNECTED.
          WSSMediaError, WSSCallCommandError, WSSCallCommandTimeoutError, WSSCallClosedError: as
            `answer`; the queue is empty all the same.

        Cancellation: the queue is empty, and the exchange may or may not have been told.
        """
        self._protocol.require(Command.INTERRUPT)
        with self._writer.clearing() as dropped:
            await self._core.commands.run_beside(Command.INTERRUPT)
        return dropped

    def get_send_audio_buffer_size(self) -> int:
        """Count the bytes in the queue: speech that the exchange has not pulled yet.

        What waits for room in the queue is not counted.
        """
        return len(self._protocol.audio.waiting)

    def on(self, event: str) -> Callable[[HandlerT], HandlerT]:
        """Register a handler of one of this call's events, as a decorator.

        Handlers may be plain or asynchronous functions; they run in the call's scope. See
        `trio_calls.events` for what they are called with.

        Raises:
          ValueError: calls have no such event.
        """
        return self._core.handlers.registrar(event)

    async def wait_disconnected(self) -> None:
        """Wait until the call is over for the agent, whoever ended it.

        Cancellation: changes nothing.
        """
        await self._core.ending.over.wait()

    def cancel_on_hangup(self) -> HangupScope:
        """Make a block that ends quietly when the call does, whoever or whatever ended it.

        ::

            with call.cancel_on_hangup():
                await talk(call)
            await write_down(call)

        Whatever is awaited in the block is cancelled as soon as the call is DISCONNECTED here: by a
        hangup, a command of the agent, a lost connection, or `hand_over`. A
        `WSSCallClosedError` that leaves the block then, alone or in a group with others, ends it
        quietly as well. So what stands after the block runs. If the call has ended before, the
        block is cancelled at its first checkpoint.

        Returns:
          The scope of the block, whose ``cancelled_caught`` tells afterwards whether the block was
          cut short.
        """
        scope = HangupScope(self._core.ending.over)
        self._core.ending.cancel_when_over(scope.cancel_scope)
        return scope

    def statistics(self) -> CallStatistics:
        """Count what the call has carried so far."""
        audio = self._protocol.audio
        return CallStatistics(
            received_frames=self._core.received.frames,
            received_bytes=self._core.received.bytes,
            dropped_frames=self._core.received.dropped_frames,
            sent_bytes=audio.sent_position,
            queued_bytes=len(audio.waiting),
            unheard_bytes=self._writer.unheard_bytes,
            credit_bytes=self._writer.credit_bytes,
            invalid_messages=self._protocol.invalid_messages,
        )


@contextmanager
def tapped(call: ActiveCall, tap: AudioTap) -> Iterator[None]:
    """Tell somebody of each message of audio, in both directions, while the block runs."""
    lists = (call._core.received.taps, call._core.writer.taps)
    for taps in lists:
        taps.append(tap)
    try:
        yield
    finally:
        for taps in lists:
            taps.remove(tap)


def observers_of(call: ActiveCall) -> CallObservers:
    """Return those who watch the call, to watch it, too."""
    return call._core.observers


def playout_of(call: ActiveCall) -> Playout:
    """Return what `trio_calls.voice` stands on. It is the same one each time."""
    return call._core.playout


def is_starved(call: ActiveCall) -> bool:
    """Return whether the agent falls silent as the exchange asks for none of what it has to say."""
    return call.state in STATES_WITH_AUDIO and call._core.writer.is_starved
