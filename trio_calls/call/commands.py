"""A call's commands: one at a time, in order; leaving overtakes them all.

::

    answer, connect, barge, …   run()          wait for their turn; nothing is sent before it
    clear_send_audio_buffer     run_beside()   waits for no other: an agent that is interrupted must
                                               not talk on while a connect() rings for a minute
    close, disconnect           leave()        sent at once; whatever is under way ends with
                                               WSSCallClosedError

A command moves the call when the exchange has done it, whether anybody waits or not. So a command
whose waiter was cancelled keeps its turn until the exchange has answered, or was given up: the next
one should find the call as it will be. Whether a command is allowed is therefore asked twice, when
it is called and when its turn has come.

Only tasks of the application wait here. Whoever brings an answer or an end, the reader of the media
connection, calls `resolve` or `end`, which never wait.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import attrs
import trio

from trio_calls.errors import (
    WSSCallClosedError,
    WSSCallCommandTimeoutError,
    WSSCallError,
    WSSMediaError,
)
from trio_calls.state import CallState, Command
from trio_calls.wire.call_protocol import CallProtocol

#: What the agent leaves a call with.
LEAVING: Final = frozenset({Command.CLOSE, Command.DISCONNECT})


@attrs.define(eq=False)
class PendingCommand:
    """A command that was sent and has not ended yet."""

    command: Command
    give_up_at: float
    error: WSSCallError | None = None
    finished: trio.Event = attrs.field(factory=trio.Event)

    def finish(self, error: WSSCallError | None = None) -> None:
        """End the wait for the command. Only the first end counts."""
        if not self.finished.is_set():
            self.error = error
            self.finished.set()


class CommandQueue:
    """Sends a call's commands and waits for their ends."""

    def __init__(
        self,
        protocol: CallProtocol,
        open_media: Callable[[], Awaitable[None]],
        send_frame: Callable[[str], None],
        on_timeout: Callable[[Command, WSSCallError], None],
    ) -> None:
        self._protocol = protocol
        self._open_media = open_media
        self._send_frame = send_frame
        self._on_timeout = on_timeout
        self._turn = trio.StrictFIFOLock()
        self._pending: dict[str, PendingCommand] = {}

    async def run(self, command: Command, *, ring_time_seconds: float | None = None) -> None:
        """Do one command, when it is its turn.

        Raises:
          WSSCallStateError: not allowed, now or when its turn came; nothing was sent.
          WSSCallClosedError: the call ended or was left meanwhile.
          WSSMediaError: the media connection could not be opened, or was lost.
          WSSCallCommandError: the exchange refused.
          WSSCallCommandTimeoutError: no answer in time.

        Cancellation: before its turn, nothing is sent. After that the command goes on without a
        waiter, and its success still moves the state.
        """
        self._protocol.require(command)
        async with self._turn:
            self._require_open(command)
            await self._open_media()
            await self._wait_for_predecessor()
            self._require_open(command)
            pending = self._send(command, ring_time_seconds)
            await self.wait(pending)

    async def run_beside(self, command: Command) -> None:
        """Do a command that moves nothing, without waiting for the others."""
        self._protocol.require(command)
        await self._open_media()
        self._require_open(command)
        await self.wait(self._send(command))

    def leave(self, command: Command) -> PendingCommand:
        """Send `close` or `disconnect` at once, and end every other command. Never waits."""
        for pending in self._pending.values():
            if pending.command is command:
                return pending
        for pending in self._pending.values():
            if pending.command not in LEAVING:
                pending.finish(
                    WSSCallClosedError(f"{pending.command.value} was overtaken by {command.value}")
                )
        return self._send(command)

    def resolve(self, command_id: str, error: WSSCallError | None) -> None:
        """End a command with what the exchange has answered."""
        pending = self._pending.pop(command_id, None)
        if pending is not None:
            pending.finish(error)

    def end(self, error: WSSCallClosedError) -> None:
        """End every command, as the call is over. Those that were to leave it have succeeded."""
        for pending in self._pending.values():
            has_left = pending.command is Command.CLOSE or (
                pending.command is Command.DISCONNECT and not isinstance(error, WSSMediaError)
            )
            pending.finish(None if has_left else error)
        self._pending.clear()

    def _require_open(self, command: Command) -> None:
        if self._protocol.state is CallState.DISCONNECTED or any(
            pending.command in LEAVING for pending in self._pending.values()
        ):
            raise WSSCallClosedError(f"the call was left before {command.value} was sent")

    def _send(self, command: Command, ring_time_seconds: float | None = None) -> PendingCommand:
        sent = self._protocol.start_command(command, ring_time_seconds=ring_time_seconds)
        now = trio.current_time()
        # Those that have lost their waiter would otherwise stay to the end of the call.
        self._pending = {name: old for name, old in self._pending.items() if old.give_up_at > now}
        pending = PendingCommand(command, now + sent.wait_seconds)
        self._pending[sent.command_id] = pending
        self._send_frame(sent.frame)
        return pending

    async def _wait_for_predecessor(self) -> None:
        """Wait for the end of a command that lost its waiter."""
        for predecessor in list(self._pending.values()):
            if predecessor.command is not Command.INTERRUPT:
                with trio.move_on_at(predecessor.give_up_at) as waiting:
                    await predecessor.finished.wait()
                if waiting.cancelled_caught:
                    self._forget(predecessor)

    async def wait(self, pending: PendingCommand) -> None:
        """Wait for the end of what was sent, or give the exchange up. Raises what it came to."""
        with trio.move_on_at(pending.give_up_at) as waiting:
            await pending.finished.wait()
        if waiting.cancelled_caught:
            error = WSSCallCommandTimeoutError(
                f"the exchange did not answer {pending.command.value} in time"
            )
            pending.finish(error)
            self._forget(pending)
            self._on_timeout(pending.command, error)
        if pending.error is not None:
            raise pending.error

    def _forget(self, given_up: PendingCommand) -> None:
        self._pending = {
            command_id: pending
            for command_id, pending in self._pending.items()
            if pending is not given_up
        }
