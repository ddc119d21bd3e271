"""A call's commands: one at a time, in order; leaving overtakes them all.

::

    answer, connect, barge, …   run()          wait for their turn; nothing is sent before it,
                                               and nothing before what was said is played
    clear_send_audio_buffer     run_beside()   waits for no other: an agent that is interrupted must
                                               not talk on while a connect() rings for a minute
    close, disconnect           leave()        sent at once; whatever is under way ends with
                                               WSSCallClosedError

A command moves the call when the exchange has done it, whether anybody waits or not. So a command
whose waiter was cancelled keeps its turn until the exchange has answered, or was given up: the next
one should find the call as it will be. Whether a command is allowed is therefore asked twice, when
it is called and when its turn has come.

What was said before a command is for those who heard the agent then, so it is played, or dropped
on both sides, before the command is sent. What is said after a command that changes who hears the
agent is held back behind a barrier until the command has ended, with or without a waiter.

Only tasks of the application wait here. Whoever brings an answer or an end, the reader of the media
connection, calls `resolve` or `end`, which never wait.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias

import attrs
import trio

from trio_calls.call.media_writer import MediaWriter
from trio_calls.errors import (
    WSSCallClosedError,
    WSSCallCommandTimeoutError,
    WSSCallError,
    WSSMediaError,
)
from trio_calls.state import STATES_WITH_AUDIO, CallState, Command
from trio_calls.wire.call_protocol import CallProtocol
from trio_calls.wire.speech import Barrier, Mark

#: What the agent leaves a call with.
LEAVING: Final = frozenset({Command.CLOSE, Command.DISCONNECT})
_MODES: Final = frozenset({Command.BARGE, Command.WHISPER, Command.SPY})

OnEnd: TypeAlias = Callable[[Command, float, BaseException | None], None]
"""Is told of the end of a command: which, when it was asked for, and what it came to."""


@attrs.define(eq=False)
class PendingCommand:
    """A command that was sent and has not ended yet.

    Attributes:
      command: the command.
      asked_at: when the application has asked for it, in Trio's time.
      give_up_at: the time at which the exchange is given up.
      on_end: is told when it has ended.
      barrier: holds back what was said after it, until it ends.
      error: how it ended, if not well.
      result: what the exchange has said of it: any JSON.
      finished: set when it has ended.
    """

    command: Command
    asked_at: float
    give_up_at: float
    on_end: OnEnd
    barrier: Barrier | None = None
    error: WSSCallError | None = None
    result: object = None
    finished: trio.Event = attrs.field(factory=trio.Event)

    def finish(self, error: WSSCallError | None = None) -> None:
        """End the wait for the command. Only the first end counts."""
        if not self.finished.is_set():
            self.error = error
            self.finished.set()
            self.on_end(self.command, self.asked_at, error)


@attrs.define
class _Request:
    """A command that an application has asked for.

    Attributes:
      command: the command.
      asked_at: when, in Trio's time.
      was_sent: whether it is out, and has an end of its own.
    """

    command: Command
    asked_at: float
    was_sent: bool = False


class CommandQueue:
    """Sends a call's commands and waits for their ends."""

    def __init__(
        self,
        protocol: CallProtocol,
        open_media: Callable[[], Awaitable[None]],
        writer: MediaWriter,
        on_timeout: Callable[[Command, WSSCallError], None],
        on_end: OnEnd,
    ) -> None:
        self._protocol = protocol
        self._open_media = open_media
        self._writer = writer
        self._on_timeout = on_timeout
        self._on_end = on_end
        self._turn = trio.StrictFIFOLock()
        self._pending: dict[str, PendingCommand] = {}
        # In which the command whose turn it is lets be heard what was said before it.
        self._letting_be_heard = trio.CancelScope()

    async def run(
        self, command: Command, *, ring_time_seconds: float | None = None, flush: bool = True
    ) -> object:
        """Do one command, when it is its turn.

        Args:
          command: the command.
          ring_time_seconds: for ``call.connect``.
          flush: let be played what was said before, rather than drop it now.

        Returns:
          What the exchange has said of it: any JSON.

        Raises:
          WSSCallStateError: not allowed, now or when its turn came; nothing was sent.
          WSSCallClosedError: the call ended or was left meanwhile.
          WSSMediaError: the media connection could not be opened, or was lost.
          WSSCallCommandError: the exchange refused.
          WSSCallCommandTimeoutError: no answer in time.

        Cancellation: before its turn, and before what was said is played, it is not sent. After
        that the command goes on without a waiter, and its success still moves the state.
        """
        with self._request(command) as request:
            return await self._run(request, ring_time_seconds=ring_time_seconds, flush=flush)

    async def _run(
        self, request: _Request, *, ring_time_seconds: float | None, flush: bool
    ) -> object:
        command = request.command
        said = self._writer.flush()
        barrier = self._writer.hold() if command in _MODES else None
        pending = interrupt = None
        try:
            if not flush:
                interrupt = self._silence(said)
            async with self._turn:
                self._require_open(command)
                await self._open_media()
                await self._wait_for_predecessor()
                self._require_open(command)
                if interrupt is not None:
                    await self.wait(interrupt)
                elif self._protocol.state in STATES_WITH_AUDIO:
                    await self._let_be_heard(said)
                self._require_open(command)
                pending = self._send(request, ring_time_seconds)
                if barrier is not None:
                    self._hold_back(pending, barrier)
                return await self.wait(pending)
        finally:
            if barrier is not None and pending is None:
                self._writer.lift(barrier)
            # See `wait`.
            del pending, interrupt

    async def run_beside(self, command: Command) -> None:
        """Do a command that moves nothing, without waiting for the others."""
        with self._request(command) as request:
            await self._open_media()
            self._require_open(command)
            await self.wait(self._send(request))

    @property
    def is_leaving(self) -> bool:
        """Whether the exchange was told that the agent leaves, and may still confirm it."""
        self._forget_given_up()
        return any(pending.command in LEAVING for pending in self._pending.values())

    def leave(self, command: Command, asked_at: float) -> PendingCommand:
        """Send `close` or `disconnect` at once, and end every other command. Never waits.

        Args:
          command: which of them.
          asked_at: when the application has asked for it, in Trio's time.
        """
        self._forget_given_up()
        for pending in self._pending.values():
            if pending.command is command:
                return pending
        self._letting_be_heard.cancel()
        # What waits for a mode that perhaps never comes must reach nobody else on the way out.
        barrier = self._writer.drop_held()
        for pending in self._pending.values():
            if pending.command not in LEAVING:
                self._finish(
                    pending,
                    WSSCallClosedError(f"{pending.command.value} was overtaken by {command.value}"),
                )
        pending = self._send(_Request(command, asked_at))
        if barrier is not None:
            self._hold_back(pending, barrier)
        return pending

    def drop_unplayed(self) -> None:
        """Drop all that was said and is not played, on both sides. Never waits."""
        self._silence(self._writer.mark())

    def resolve(self, command_id: str, error: WSSCallError | None, result: object = None) -> None:
        """End a command with what the exchange has answered."""
        pending = self._pending.pop(command_id, None)
        if pending is not None:
            pending.result = result
            self._finish(pending, error)

    def end(self, error: WSSCallClosedError) -> None:
        """End every command, as the call is over. Those that were to leave it have succeeded."""
        self._letting_be_heard.cancel()
        for pending in self._pending.values():
            has_left = pending.command is Command.CLOSE or (
                pending.command is Command.DISCONNECT and not isinstance(error, WSSMediaError)
            )
            pending.finish(None if has_left else error)
        self._pending.clear()

    def _require_open(self, command: Command) -> None:
        if self._protocol.state is CallState.DISCONNECTED or self.is_leaving:
            raise WSSCallClosedError(f"the call was left before {command.value} was sent")

    @contextmanager
    def _request(self, command: Command) -> Iterator[_Request]:
        """Ask for a command in the block, and tell of its end if it is not sent."""
        request = _Request(command, trio.current_time())
        try:
            self._protocol.require(command)
            yield request
        except BaseException as error:
            if not request.was_sent:
                self._on_end(command, request.asked_at, error)
            raise

    def _send(self, request: _Request, ring_time_seconds: float | None = None) -> PendingCommand:
        command = request.command
        sent = self._protocol.start_command(command, ring_time_seconds=ring_time_seconds)
        request.was_sent = True
        self._forget_given_up()
        give_up_at = trio.current_time() + sent.wait_seconds
        pending = PendingCommand(command, request.asked_at, give_up_at, self._on_end)
        self._pending[sent.command_id] = pending
        self._writer.send_command(sent.frame)
        if command is Command.INTERRUPT:
            self._writer.interrupted()
        return pending

    def _hold_back(self, pending: PendingCommand, barrier: Barrier) -> None:
        """Let a barrier stand until a command has ended, or is given up."""
        pending.barrier = barrier
        self._writer.expire(barrier, pending.give_up_at)

    async def _let_be_heard(self, said: Mark) -> None:
        """Wait until what was said is played; what is not, in reasonable time, is dropped."""
        with trio.CancelScope() as self._letting_be_heard:
            if not await self._writer.play_out(said) and (interrupt := self._silence(said)):
                try:
                    await self.wait(interrupt)
                finally:
                    # See `wait`.
                    del interrupt

    def _silence(self, said: Mark) -> PendingCommand | None:
        """Drop what was said on both sides. Returns what tells the exchange, if it is told."""
        if self._protocol.state not in STATES_WITH_AUDIO:
            return None
        may_be_unplayed = self._writer.may_be_unplayed
        if not self._writer.drop_until(said) and not may_be_unplayed:
            return None
        return self._send(_Request(Command.INTERRUPT, trio.current_time()))

    def _finish(self, pending: PendingCommand, error: WSSCallError | None) -> None:
        pending.finish(error)
        if pending.barrier is not None and self._protocol.state is not CallState.DISCONNECTED:
            self._writer.lift(pending.barrier)

    async def _wait_for_predecessor(self) -> None:
        """Wait for the end of a command that lost its waiter."""
        for predecessor in list(self._pending.values()):
            if predecessor.command is not Command.INTERRUPT:
                with trio.move_on_at(predecessor.give_up_at) as waiting:
                    await predecessor.finished.wait()
                if waiting.cancelled_caught:
                    self._forget(predecessor)

    async def wait(self, pending: PendingCommand) -> object:
        """Wait for the end of what was sent, or give the exchange up.

        Returns the result that the exchange has sent, or raises what it came to.
        """
        with trio.move_on_at(pending.give_up_at) as waiting:
            await pending.finished.wait()
        if waiting.cancelled_caught:
            self._give_up(pending)
        try:
            if pending.error is not None:
                raise pending.error
            return pending.result
        finally:
            # The error knows this frame. A frame that knew the error would keep all of the call in
            # memory, until the garbage collector comes around.
            del pending

    def _give_up(self, pending: PendingCommand) -> None:
        error = _no_answer(pending.command)
        self._finish(pending, error)
        self._forget(pending)
        self._on_timeout(pending.command, error)

    def _forget_given_up(self) -> None:
        """Forget what has lost its waiter, and was not answered in time.

        It would otherwise stay to the end of the call.
        """
        now = trio.current_time()
        for old in list(self._pending.values()):
            if old.give_up_at <= now:
                self._forget(old)

    def _forget(self, given_up: PendingCommand) -> None:
        self._pending = {
            command_id: pending
            for command_id, pending in self._pending.items()
            if pending is not given_up
        }
        given_up.finish(_no_answer(given_up.command))


def _no_answer(command: Command) -> WSSCallCommandTimeoutError:
    return WSSCallCommandTimeoutError(f"the exchange did not answer {command.value} in time")
