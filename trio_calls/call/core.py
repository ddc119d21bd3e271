"""The machinery of one call: what its connection, its commands and its scope share."""

from __future__ import annotations

import functools
import ssl
import weakref
from typing import Final

import trio

from trio_calls import events
from trio_calls.call.commands import CommandQueue, PendingCommand
from trio_calls.call.event_handlers import EventHandlers
from trio_calls.call.media_connection import MediaConnection
from trio_calls.call.media_slot import MediaSlot
from trio_calls.call.media_writer import MediaWriter
from trio_calls.call.received_audio import ReceivedAudio
from trio_calls.call.shared_turn import SharedTurn
from trio_calls.config import ClientConfig
from trio_calls.errors import WSSCallClosedError, WSSCallError, WSSMediaError
from trio_calls.state import CallState, Command, Signal
from trio_calls.wire.call_protocol import (
    CallFault,
    CallProtocol,
    CommandDone,
    CommandFailed,
    Event,
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
      media: the connection, once there is one.
      received: the audio that came in.
      writer: sends commands, and the agent's audio.
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
        self.media = MediaSlot(call_in, config, ssl_context)
        bytes_per_second = config.audio_format.bytes_per_second
        turn = SharedTurn()
        self.received = ReceivedAudio(int(config.receive_buffer_seconds * bytes_per_second), turn)
        self.writer = MediaWriter(self.protocol.audio, bytes_per_second, turn)
        self.handlers = EventHandlers()
        self.commands = CommandQueue(
            self.protocol,
            self.media.open,
            self.writer.send_command,
            functools.partial(_emit_failure, self.handlers),
        )
        self.ended = trio.Event()
        self.was_let_go = False
        self.hangup_scopes: weakref.WeakSet[trio.CancelScope] = weakref.WeakSet()
        self.application_scope = trio.CancelScope()
        self._config = config

    def start(self, media_nursery: trio.Nursery) -> None:
        """Say where the media connection's tasks will run."""
        self.media.start(media_nursery, self._make_connection)

    def _make_connection(self) -> MediaConnection:
        return MediaConnection(
            self.protocol, self.received, self.writer, self._received_event, self._lost
        )

    async def leave(self, command: Command, *, flush: bool) -> None:
        """Close or disconnect: let queued audio go out, then tell the exchange, and wait."""
        if self.protocol.state is CallState.DISCONNECTED:
            await trio.lowlevel.checkpoint()
        elif command is Command.CLOSE and not self.media.is_taken:
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
        self.media.stop(deadline)

    def session_closed(self) -> None:
        """Take note that the exchange has closed the call's session.

        While a media connection stands, it is that connection's word that ends the call: it may
        still have audio to deliver.
        """
        if not self.media.is_taken and self.protocol.signal(Signal.TERMINATED):
            self._end(WSSCallClosedError("the caller hung up"))

    async def _leave_by(self, command: Command, *, flush: bool) -> None:
        try:
            # One that stands is not waited for: to leave must work in a cancelled scope, too.
            if not self.media.is_open:
                await self.media.open()
        except WSSMediaError:
            if command is not Command.CLOSE:
                raise
            # Nothing was opened after all.
            self.let_go()
            return
        pending = await self._flush_and_leave(command, flush=flush)
        if pending is not None:
            await self.commands.wait(pending)

    async def _flush_and_leave(self, command: Command, *, flush: bool) -> PendingCommand | None:
        pending = None
        try:
            if flush:
                await self.writer.drain_audio()
        finally:
            # Also when cancelled: the agent leaves, only without the flush.
            if self.protocol.state is not CallState.DISCONNECTED:
                pending = self.commands.leave(command)
        return pending

    def _received_event(self, event: Event) -> None:
        match event:
            case CommandDone(command_id=command_id, command=command):
                self.commands.resolve(command_id, None)
                if command in _DONE_EVENTS:
                    self.handlers.emit(_DONE_EVENTS[command])
            case CommandFailed(command_id=command_id, command=command, error=error):
                self.commands.resolve(command_id, error)
                _emit_failure(self.handlers, command, error)
            case CallFault(error=fault):
                self.handlers.emit(events.CALL_ERROR, fault)
        if self.protocol.state is CallState.DISCONNECTED:
            self._end(WSSCallClosedError("the call has ended"))

    def _lost(self) -> None:
        self._end(WSSMediaError("the media connection was lost"))

    def _end(self, error: WSSCallError | WSSMediaError) -> None:
        """Tell everyone that the call is over."""
        if self.ended.is_set():
            return
        self.ended.set()
        self.commands.end(error)
        self.received.end()
        self.writer.end()
        self.handlers.emit(events.CALL_TERMINATED)
        for scope in self.hangup_scopes:
            scope.cancel()
        self.application_scope.deadline = trio.current_time() + self._config.after_call_seconds


def _emit_failure(handlers: EventHandlers, command: Command, error: WSSCallError) -> None:
    if command in _FAILED_EVENTS:
        handlers.emit(_FAILED_EVENTS[command], error)
