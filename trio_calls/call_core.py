"""The machinery of one call: what its connection, its commands and its scope share."""

from __future__ import annotations

import ssl
import weakref
from typing import Final

import trio

from trio_calls import events
from trio_calls.commands import CommandQueue, PendingCommand
from trio_calls.config import ClientConfig
from trio_calls.errors import WSSCallClosedError, WSSCallError, WSSMediaError
from trio_calls.event_handlers import EventHandlers
from trio_calls.media import MediaConnection
from trio_calls.received_audio import ReceivedAudio
from trio_calls.sent_audio import SentAudio
from trio_calls.state import CallState, Command, Signal
from trio_calls.wire.call_protocol import (
    AudioReceived,
    CallFault,
    CallProtocol,
    CommandDone,
    CommandFailed,
    CreditGranted,
    Event,
    Terminated,
)
from trio_calls.wire.control import CallIn

_DONE_EVENTS: Final = {
    Command.ANSWER: events.CALL_ANSWERED,
    Command.CONNECT: events.CALL_CONNECTED,
}
_FAILED_EVENTS: Final = {
    Command.ANSWER: events.CALL_ANSWER_FAILED,
    Command.CONNECT: events.CALL_CONNECT_FAILED,
}


class CallCore:
    """One call's protocol, audio, commands and connection, wired together.

    Attributes:
      protocol: holds the state.
      received: the audio that came in.
      sent: the audio that goes out.
      commands: one at a time.
      handlers: of the call's events.
      ended: set once the call is over for the agent.
      was_let_go: whether the agent left without a word to the exchange.
      hangup_scopes: cancelled when that happens.
      application_scope: what runs the application's code for this call; once the call has ended,
        its deadline is `ClientConfig.after_call_seconds` away.
    """

    def __init__(
        self, call_in: CallIn, config: ClientConfig, ssl_context: ssl.SSLContext | None
    ) -> None:
        self.protocol = CallProtocol(config.audio_mode, config.send_buffer_bytes)
        bytes_per_second = config.audio_format.bytes_per_second
        self.received = ReceivedAudio(int(config.receive_buffer_seconds * bytes_per_second))
        self.sent = SentAudio(self.protocol.audio, bytes_per_second, self._write)
        self.commands = CommandQueue(self.protocol, self._open_media, self._emit_failure)
        self.handlers = EventHandlers()
        self.ended = trio.Event()
        self.was_let_go = False
        self.hangup_scopes: weakref.WeakSet[trio.CancelScope] = weakref.WeakSet()
        self.application_scope = trio.CancelScope()
        self._call_in = call_in
        self._config = config
        self._ssl_context = ssl_context
        self._media: MediaConnection | None = None
        self._open_connection: MediaConnection | None = None
        self._media_nursery: trio.Nursery | None = None

    def start(self, media_nursery: trio.Nursery) -> None:
        """Say where the media connection's tasks will run."""
        self._media_nursery = media_nursery

    @property
    def has_media(self) -> bool:
        """Whether a media connection stands, or is being opened."""
        return self._media is not None and not self._media.has_failed

    def relocate(self, call_in: CallIn) -> None:
        """Take the place where the media connection is to be opened from a newer offer."""
        self._call_in = call_in

    async def leave(self, command: Command, *, flush: bool) -> None:
        """Close or disconnect: let queued audio go out, then tell the exchange, and wait."""
        if self.protocol.state is CallState.DISCONNECTED:
            await trio.lowlevel.checkpoint()
        elif command is Command.CLOSE and not self.has_media:
            self.let_go()
            await trio.lowlevel.checkpoint()
        else:
            await self._leave_by(command, flush=flush)

    def let_go(self) -> None:
        """Leave without a word to the exchange: for it, this agent is gone."""
        self.stop(trio.current_time() + self._config.close_grace_seconds)

    def stop(self, deadline: float) -> None:
        """Let go of the call if it was not left, and close its media connection by `deadline`."""
        if self.protocol.signal(Signal.CLOSED):
            self.was_let_go = True
            self._end(WSSCallClosedError("the call was let go"))
        if self._media is not None:
            self._media.stop(deadline)

    def session_closed(self) -> None:
        """Take note that the exchange has closed the call's session.

        While a media connection stands, it is that connection's word that ends the call: it may
        still have audio to deliver.
        """
        if not self.has_media and self.protocol.signal(Signal.TERMINATED):
            self._end(WSSCallClosedError("the caller hung up"))

    async def _leave_by(self, command: Command, *, flush: bool) -> None:
        try:
            # One that stands is not waited for: to leave must work in a cancelled scope, too.
            media = self._open_connection or await self._open_media()
        except WSSMediaError:
            if command is not Command.CLOSE:
                raise
            # Nothing was opened after all.
            self.let_go()
            return
        pending = await self._flush_and_leave(media, command, flush=flush)
        if pending is not None:
            await self.commands.wait(pending)

    async def _flush_and_leave(
        self, media: MediaConnection, command: Command, *, flush: bool
    ) -> PendingCommand | None:
        pending = None
        try:
            if flush:
                await self.sent.drain()
        finally:
            # Also when cancelled: the agent leaves, only without the flush.
            if self.protocol.state is not CallState.DISCONNECTED:
                pending = self.commands.leave(media, command)
        return pending

    async def _open_media(self) -> MediaConnection:
        """Open the media connection, or wait for it; the opening itself is never cancelled."""
        if self.protocol.state is CallState.DISCONNECTED:
            raise WSSCallClosedError("the call is over")
        if self._media_nursery is None:
            raise WSSCallClosedError("the call's scope is not open")
        media = self._media
        if media is None or media.has_failed:
            media = self._media = MediaConnection(
                self.protocol, self.sent, self._received_event, self._lost
            )
            self._media_nursery.start_soon(
                media.run, self._call_in, self._config, self._ssl_context
            )
        await media.wait_open()
        self._open_connection = media
        return media

    def _write(self) -> None:
        if self._media is not None:
            self._media.write()

    def _received_event(self, event: Event) -> None:
        match event:
            case AudioReceived(channel=channel, pcm=pcm):
                self.received.deliver(channel, pcm)
            case CreditGranted():
                if len(self.protocol.audio):
                    self._write()
            case CommandDone(command_id=command_id, command=command):
                self.commands.resolve(command_id, None)
                if command in _DONE_EVENTS:
                    self.handlers.emit(_DONE_EVENTS[command])
            case CommandFailed(command_id=command_id, command=command, error=error):
                self.commands.resolve(command_id, error)
                self._emit_failure(command, error)
            case CallFault(error=fault):
                self.handlers.emit(events.CALL_ERROR, fault)
            case Terminated():
                pass
        if self.protocol.state is CallState.DISCONNECTED:
            self._end(WSSCallClosedError("the call has ended"))

    def _emit_failure(self, command: Command, error: WSSCallError) -> None:
        if command in _FAILED_EVENTS:
            self.handlers.emit(_FAILED_EVENTS[command], error)

    def _lost(self) -> None:
        self._end(WSSMediaError("the media connection was lost"))

    def _end(self, error: WSSCallError | WSSMediaError) -> None:
        """Tell everyone that the call is over."""
        if self.ended.is_set():
            return
        self.ended.set()
        self.commands.end(error)
        self.received.end()
        self.sent.end()
        self.handlers.emit(events.CALL_TERMINATED)
        for scope in self.hangup_scopes:
            scope.cancel()
        self.application_scope.deadline = trio.current_time() + self._config.after_call_seconds
