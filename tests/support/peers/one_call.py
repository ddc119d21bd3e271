"""One call on an exchange, without a control connection: what a test of a call alone needs."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import trio
import trio.testing

from tests.support.peers.exchange import FakeExchange
from tests.support.peers.links import MediaEnd
from tests.support.peers.media_words import FRAME_MS, MS
from trio_calls import ActiveCall, CallState, ClientConfig
from trio_calls.audio import noise
from trio_calls.call.scope import CallHandler, CallScope
from trio_calls.config import WireName
from trio_calls.transport.tls import ClientTLS
from trio_calls.wire.commands import CallEvent, CommandRequest, CommandResponse
from trio_calls.wire.control_wire import RingingCall
from trio_calls.wire.message import Message

CALL_IN = RingingCall(
    session_id="session",
    call_id="call",
    caller_number="+65 9111 0000",
    callee_number="+65 6222 0000",
    url="ws://exchange/media",
    token="bearer-token",
)

#: Bytes of 20 ms at 24 kHz.
FRAME = FRAME_MS * MS


def frames(count: int, seed: int = 0) -> list[bytes]:
    """Make noise that no two frames of are alike."""
    pcm = noise(count * 0.02, 24000, seed)
    return [pcm[start : start + FRAME] for start in range(0, len(pcm), FRAME)]


def state_of(call: ActiveCall) -> CallState:
    """Read the state anew: type checkers take it that no await could have changed it."""
    return call.state


async def wait_forever(call: ActiveCall) -> None:
    await trio.sleep_forever()


class FakeMedia:
    """Opens calls, and speaks for the exchange on whichever media connection is the newest.

    Args:
      nursery: what the exchange serves connections in.
      wire: which generation it speaks.

    Attributes:
      exchange: what the calls connect to.
    """

    def __init__(self, nursery: trio.Nursery, wire: WireName = "first") -> None:
        self.exchange = FakeExchange(nursery, wire)
        self._received = 0

    @property
    def media(self) -> MediaEnd:
        """The newest media connection."""
        return self.exchange.medias[-1]

    @property
    def connections(self) -> int:
        """How many media connections were accepted."""
        return len(self.exchange.medias)

    @property
    def commands(self) -> list[CommandRequest]:
        """Every command that came, in order."""
        return [command for media in self.exchange.medias for command in media.commands]

    @property
    def audio(self) -> list[bytes]:
        """The PCM of every message with the agent's audio that came, in order."""
        return [pcm for media in self.exchange.medias for pcm in media.audio]

    @property
    def said(self) -> bytes:
        """All of the agent's audio that came."""
        return b"".join(self.audio)

    def config(self, **settings: Any) -> ClientConfig:
        return self.exchange.config(**settings)

    def make_call(self, **settings: Any) -> CallScope:
        config = self.config(**settings)
        return CallScope(CALL_IN, config, ClientTLS(config))

    async def run(self, handler: CallHandler, **settings: Any) -> ActiveCall:
        """Run a call's scope to its end."""
        call = self.make_call(**settings)
        await call.run(handler, trio.Event())
        return call.active_call

    @asynccontextmanager
    async def open_call(self, **settings: Any) -> AsyncIterator[ActiveCall]:
        """Keep a call's scope open for the block, with a handler that does nothing."""
        call = self.make_call(**settings)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call.run, wait_forever, trio.Event())
            await trio.testing.wait_all_tasks_blocked()
            yield call.active_call
            nursery.cancel_scope.cancel()

    @asynccontextmanager
    async def open_answered_call(self, **settings: Any) -> AsyncIterator[ActiveCall]:
        """Keep the scope of an answered call open for the block."""
        async with self.open_call(**settings) as call:
            await self.while_accepting(call.answer, "call.answer")
            yield call

    async def while_accepting(self, method: Callable[[], Awaitable[object]], name: str) -> None:
        """Call one of the SDK's methods, and do the command that it sends."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.accept, name)
            await method()

    async def receive_command(self, name: str) -> CommandRequest:
        """Wait for the next command, which must be `name`, on whichever connection it comes."""
        while len(self.commands) == self._received:
            await self.exchange.command_came.park()
        command = self.commands[self._received]
        self._received += 1
        assert command.command == name
        return command

    async def accept(self, name: str) -> None:
        """Wait for the next command, which must be `name`, and do it."""
        await self.succeed(await self.receive_command(name))

    async def succeed(self, command: CommandRequest) -> None:
        await self.send(CommandResponse(command.command_id, success=True))

    async def fail(
        self, command: CommandRequest, code: str | None, text: str | None = None
    ) -> None:
        await self.send(CommandResponse(command.command_id, False, None, code, text))

    async def grant(self, pcm_bytes: int, frame_bytes: int = FRAME) -> None:
        """Ask for so much more of the agent's audio, in frames of this size."""
        await self.media.grant(pcm_bytes, frame_bytes)

    async def terminate(self) -> None:
        await self.send(CallEvent("call.terminated"))

    async def speak(self, *pcm: bytes, channel: int = 0) -> None:
        await self.media.speak(*pcm, channel=channel)

    async def send(self, message: Message | bytes | str) -> None:
        await self.media.send(message)

    async def cut(self) -> None:
        """Drop the connection without a word."""
        await self.media.cut()
