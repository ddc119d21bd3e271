"""How a call ends for its agent: the one place that decides it, remembers it, and tells everybody.

::

    leave()               the agent goes, and tells the exchange: close() and disconnect()
    has_left()            the exchange has confirmed that
    release()             the agent goes without a word: nothing was opened, or no time is left
    hung_up()             the exchange has ended the call
    hand_over()           another process has the call from now on
    session_closed()      the caller has hung up before the agent acted on the call
    refused()             the exchange does not give the call to whom it was handed over
    connection_lost()     the media connection is gone

Whichever comes first moves the call to DISCONNECTED, by the table of `trio_calls.state`, and sets
`over` and `ending` in the same step: there is no moment at which they disagree. All else derives
from them. Commands, streams and senders that wait are woken and look at `over`; scopes of the
application are cancelled, or get a deadline. None of them keeps a flag of its own.
"""

from __future__ import annotations

import weakref

import trio

from trio_calls.call.claim import Claim
from trio_calls.call.commands import CommandQueue, PendingCommand
from trio_calls.call.event_handlers import EventHandlers
from trio_calls.call.lazy_media_connection import LazyMediaConnection
from trio_calls.call.media_writer import MediaWriter
from trio_calls.call.observers import CallObservers
from trio_calls.call.received_audio import ReceivedAudio
from trio_calls.config import ClientConfig
from trio_calls.endings import EndCause, Ending
from trio_calls.errors import WSSCallClosedError, WSSCallLostError, WSSMediaError
from trio_calls.state import Command, Signal
from trio_calls.transport import WebSocketClosed
from trio_calls.wire.call_protocol import CallProtocol

_CAUSES = {Command.CLOSE: EndCause.CLOSE, Command.DISCONNECT: EndCause.DISCONNECT}


class CallEnding:
    """Ends one call, once.

    Attributes:
      over: set once the call is over for the agent.
      ending: how the call ended; None until it is over.
      was_released: whether the application has left a ringing call to others, without a word to
        the exchange.
      was_left_ringing: whether the agent was to decline a call, and could not tell the exchange: it
        rings on, and is this process's as before.
      application_scope: runs the application's code for this call; once the call is over, its
        deadline is `ClientConfig.after_call_seconds` away.
    """

    def __init__(
        self,
        over: trio.Event,
        config: ClientConfig,
        *,
        protocol: CallProtocol,
        claim: Claim,
        media: LazyMediaConnection,
        received: ReceivedAudio,
        writer: MediaWriter,
        commands: CommandQueue,
        handlers: EventHandlers,
        observers: CallObservers,
    ) -> None:
        self.over = over
        self.ending: Ending | None = None
        self.was_released: bool = False
        self.was_left_ringing: bool = False
        self.application_scope: trio.CancelScope = trio.CancelScope()
        self._config = config
        self._protocol = protocol
        self._claim = claim
        self._media = media
        self._received = received
        self._writer = writer
        self._commands = commands
        self._handlers = handlers
        self._observers = observers
        self._leaving_because: EndCause | None = None
        self._hangup_scopes: weakref.WeakSet[trio.CancelScope] = weakref.WeakSet()

    def cancel_when_over(self, scope: trio.CancelScope) -> None:
        """Cancel a scope as soon as the call is over, for as long as somebody holds it."""
        if self.over.is_set():
            scope.cancel()
        self._hangup_scopes.add(scope)

    async def leave(
        self, command: Command, *, flush: bool, because: EndCause | None = None
    ) -> object:
        """Close or disconnect: let queued audio go out, tell the exchange, and wait for its word.

        See `ActiveCall.close` and `ActiveCall.disconnect`.

        Args:
          command: `Command.CLOSE` or `Command.DISCONNECT`.
          flush: whether to let queued audio go out.
          because: why, where it is not the application that wants it.

        Returns:
          What the exchange has said of it: any JSON; None where nothing was asked of it.
        """
        asked_at = trio.current_time()
        if self.over.is_set():
            await trio.lowlevel.checkpoint()
        elif command is Command.CLOSE and not self._media.is_opening_or_open:
            self._let_go(asked_at, because)
            await trio.lowlevel.checkpoint()
        else:
            return await self._leave_by(command, asked_at, flush=flush, because=because)
        return None

    def _let_go(self, asked_at: float, because: EndCause | None) -> None:
        """Release the call, which is all that there is to closing it."""
        is_over = self.over.is_set()
        self.release(because=because)
        if not is_over:
            self._observers.command_ended(Command.CLOSE, asked_at, None)

    async def _leave_by(
        self, command: Command, asked_at: float, *, flush: bool, because: EndCause | None
    ) -> object:
        # An open connection is not waited for: leaving must work in a cancelled scope, too.
        if not self._media.is_open:
            await self._open_media(command, asked_at)
            if not self._media.is_open:
                # Nothing was opened after all, or the call is over.
                self._let_go(asked_at, because)
        if self.over.is_set():
            return None
        pending = None
        try:
            if flush:
                await self._writer.drain_audio()
        finally:
            # Also when cancelled: the agent leaves, only without the flush.
            if not self.over.is_set():
                pending = self.leave_now(command, because=because, asked_at=asked_at)
        try:
            return None if pending is None else await self._commands.wait(pending)
        finally:
            # See `CommandQueue.wait`.
            del pending

    async def _open_media(self, command: Command, asked_at: float) -> None:
        """Open what a command is sent on. To close a call, none is opened that is not yet."""
        if command is Command.CLOSE:
            await self._media.wait_opened()
            return
        try:
            await self._media.open()
        except (WSSMediaError, WSSCallClosedError) as error:
            if not self.over.is_set():
                self._observers.command_ended(command, asked_at, error)
                raise

    def leave_now(
        self,
        command: Command,
        *,
        because: EndCause | None = None,
        asked_at: float | None = None,
    ) -> PendingCommand:
        """Send `close` or `disconnect` over the open connection. Never waits."""
        if not self._commands.is_leaving:
            self._leaving_because = because or _CAUSES[command]
        return self._commands.leave(command, trio.current_time() if asked_at is None else asked_at)

    def has_left(self, command: Command) -> None:
        """End the call because the exchange has confirmed that the agent left it."""
        ending = Ending(self._leaving_because or _CAUSES[command])
        self._end(ending, WSSCallClosedError(f"the call has ended: {ending}"))

    def release(
        self,
        *,
        because: EndCause | None = None,
        for_others: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Leave without a word to the exchange, unless the call is over, and drop the connection.

        Args:
          because: why, where it is not the application that wants it.
          for_others: whether the call goes on ringing for other workers, and is not taken up here
            again; true of whatever the application lets go of itself.
          deadline: by when the media connection is closed at the latest, in Trio's time; None:
            after `ClientConfig.close_grace_seconds`.
        """
        if self._protocol.signal(Signal.CLOSED):
            self.was_released = for_others or because is None
            self.was_left_ringing = not self.was_released and not self._media.is_open
            ending = Ending(because or EndCause.CLOSE)
            self._end(ending, WSSCallClosedError("the call was let go"))
        if deadline is None:
            deadline = trio.current_time() + self._config.close_grace_seconds
        self._media.stop(deadline)

    def hand_over(self, to: str) -> None:
        """End the call here, as another process has it. Nothing is said to the exchange.

        Args:
          to: who has it now; empty if that is not known.
        """
        if self._protocol.signal(Signal.HANDED_OVER):
            ending = Ending(EndCause.HANDED_OVER, detail=to and f"to {to}")
            self._end(ending, WSSCallClosedError("the call was handed over"))

    def hung_up(self) -> None:
        """End the call because the exchange has ended it."""
        self._end(Ending(EndCause.CALLER), WSSCallClosedError("the call has ended"))

    def session_closed(self) -> None:
        """End the call because the exchange has closed its session.

        While there is a media connection, the call ends only when that connection says so, as it
        may still have audio to deliver. While one is being opened, this waits for what comes of it.
        """
        self._claim.end()
        if not self._media.is_opening_or_open and self._protocol.signal(Signal.TERMINATED):
            self._end(Ending(EndCause.CALLER), WSSCallClosedError("the caller hung up"))

    def refused(self, reason: str) -> None:
        """End the call because its media connection is refused for good.

        Said of a call that another process has handed over: nobody else would tell this one.

        Args:
          reason: what was refused, and how.
        """
        if self._protocol.signal(Signal.MEDIA_LOST):
            ending = Ending(EndCause.LOST, detail=reason)
            self._end(ending, WSSCallLostError(str(ending)))

    def connection_lost(self, closed: WebSocketClosed | None) -> None:
        """End the call because nothing more comes over the media connection, whoever ended it.

        Args:
          closed: the end of the connection; None if this side has stopped to read.
        """
        if self._protocol.signal(Signal.MEDIA_LOST):
            ending = Ending(EndCause.LOST)
            if closed is not None and closed.code is not None:
                detail = f"closed by the exchange: {closed.words}"
                ending = Ending(EndCause.LOST, close_code=closed.code, detail=detail)
            self._end(ending, WSSCallLostError(str(ending)))

    def _end(self, ending: Ending, error: WSSCallClosedError) -> None:
        """Notify everyone that the call is over, and why what they wait for will not come."""
        if self.over.is_set():
            return
        self.ending = ending
        self.over.set()
        self._observers.look(ending)
        self._claim.end()
        self._commands.end(error)
        self._received.wake()
        self._writer.end()
        self._handlers.terminate(ending)
        for scope in self._hangup_scopes:
            scope.cancel()
        self.application_scope.deadline = trio.current_time() + self._config.after_call_seconds
