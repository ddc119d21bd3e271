"""How a call ends for its agent: the one place that decides it, remembers it, and tells everybody.

::

    leave()               the agent goes, and tells the exchange: close() and disconnect()
    release()             the agent goes without a word: nothing was opened, or no time is left
    follow_state()        the exchange has ended the call, or has confirmed that the agent left
    session_closed()      the caller has hung up before the agent acted on the call
    connection_lost()     the media connection is gone

Whichever comes first moves the call to DISCONNECTED, by the table of `trio_calls.state`, and sets
`over` in the same step: there is no moment at which the two disagree. All else derives from them.
Commands, streams and senders that wait are woken and look at `over`; scopes of the application are
cancelled, or get a deadline. None of them keeps a flag of its own.
"""

from __future__ import annotations

import weakref

import trio

from trio_calls import events
from trio_calls.call.commands import CommandQueue
from trio_calls.call.event_handlers import EventHandlers
from trio_calls.call.lazy_media_connection import LazyMediaConnection
from trio_calls.call.media_writer import MediaWriter
from trio_calls.call.received_audio import ReceivedAudio
from trio_calls.config import ClientConfig
from trio_calls.errors import WSSCallClosedError, WSSCallError, WSSMediaError
from trio_calls.state import CallState, Command, Signal
from trio_calls.wire.call_protocol import CallProtocol


class CallEnding:
    """Ends one call, once.

    Attributes:
      over: set once the call is over for the agent.
      was_released: whether the agent left without a word to the exchange.
      application_scope: runs the application's code for this call; once the call is over, its
        deadline is `ClientConfig.after_call_seconds` away.
    """

    def __init__(
        self,
        over: trio.Event,
        config: ClientConfig,
        *,
        protocol: CallProtocol,
        media: LazyMediaConnection,
        received: ReceivedAudio,
        writer: MediaWriter,
        commands: CommandQueue,
        handlers: EventHandlers,
    ) -> None:
        self.over = over
        self.was_released: bool = False
        self.application_scope: trio.CancelScope = trio.CancelScope()
        self._config = config
        self._protocol = protocol
        self._media = media
        self._received = received
        self._writer = writer
        self._commands = commands
        self._handlers = handlers
        self._hangup_scopes: weakref.WeakSet[trio.CancelScope] = weakref.WeakSet()

    def cancel_when_over(self, scope: trio.CancelScope) -> None:
        """Cancel a scope as soon as the call is over, for as long as somebody holds it."""
        if self.over.is_set():
            scope.cancel()
        self._hangup_scopes.add(scope)

    async def leave(self, command: Command, *, flush: bool) -> None:
        """Close or disconnect: let queued audio go out, tell the exchange, and wait for its word.

        See `ActiveCall.close` and `ActiveCall.disconnect`.
        """
        if self.over.is_set():
            await trio.lowlevel.checkpoint()
        elif command is Command.CLOSE and not self._media.is_opening_or_open:
            self.release()
            await trio.lowlevel.checkpoint()
        else:
            await self._leave_by(command, flush=flush)

    async def _leave_by(self, command: Command, *, flush: bool) -> None:
        try:
            # An open connection is not waited for: leaving must work in a cancelled scope, too.
            if not self._media.is_open:
                await self._media.open()
        except WSSMediaError:
            if command is not Command.CLOSE:
                raise
            # Nothing was opened after all.
            self.release()
            return
        pending = None
        try:
            if flush:
                await self._writer.drain_audio()
        finally:
            # Also when cancelled: the agent leaves, only without the flush.
            if not self.over.is_set():
                pending = self._commands.leave(command)
        if pending is not None:
            await self._commands.wait(pending)

    def release(self, deadline: float | None = None) -> None:
        """Leave without a word to the exchange, unless the call is over, and drop the connection.

        Args:
          deadline: by when the media connection is closed at the latest, in Trio's time; None:
            after `ClientConfig.close_grace_seconds`.
        """
        if self._protocol.signal(Signal.CLOSED):
            self.was_released = True
            self._end(WSSCallClosedError("the call was let go"))
        if deadline is None:
            deadline = trio.current_time() + self._config.close_grace_seconds
        self._media.stop(deadline)

    def session_closed(self) -> None:
        """End the call because the exchange has closed its session.

        While there is a media connection, the call ends only when that connection says so, as it
        may still have audio to deliver.
        """
        if not self._media.is_opening_or_open and self._protocol.signal(Signal.TERMINATED):
            self._end(WSSCallClosedError("the caller hung up"))

    def connection_lost(self) -> None:
        """End the call because nothing more comes over the media connection, whoever ended it."""
        if self._protocol.signal(Signal.MEDIA_LOST):
            self._end(WSSMediaError("the media connection was lost"))

    def follow_state(self) -> None:
        """End the call if what the exchange has said has moved it to DISCONNECTED."""
        if self._protocol.state is CallState.DISCONNECTED:
            self._end(WSSCallClosedError("the call has ended"))

    def _end(self, error: WSSCallError | WSSMediaError) -> None:
        """Notify everyone that the call is over, and why what they wait for will not come."""
        if self.over.is_set():
            return
        self.over.set()
        self._commands.end(error)
        self._received.wake()
        self._writer.wake()
        self._handlers.emit(events.CALL_TERMINATED)
        for scope in self._hangup_scopes:
            scope.cancel()
        self.application_scope.deadline = trio.current_time() + self._config.after_call_seconds
