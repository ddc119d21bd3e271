"""An exchange for one call that does what a test says, and nothing by itself."""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import trio
import trio.testing

from tests.support.peers.links import Wire
from trio_calls import ActiveCall, CallState, ClientConfig
from trio_calls.audio import noise
from trio_calls.call.scope import CallHandler, CallScope
from trio_calls.transport import (
    HandshakeRefused,
    HandshakeRequest,
    Rejection,
    WebSocket,
    WebSocketClosed,
    accept_websocket,
)
from trio_calls.wire.codec import decode_media, encode
from trio_calls.wire.control import CallIn
from trio_calls.wire.media import (
    BufferRequest,
    CallEvent,
    CommandRequest,
    CommandResponse,
    pack_audio,
)
from trio_calls.wire.message import Message

CALL_IN = CallIn(
    session_id="session",
    call_id="call",
    caller_number="+65 9111 0000",
    callee_number="+65 6222 0000",
    url="ws://exchange/media",
    token="bearer-token",
)

#: Bytes of 20 ms at 24 kHz.
FRAME = 960


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
    """Accepts media connections, keeps what comes, and sends what it is told to.

    Attributes:
      commands: every command that came, in order.
      audio: every binary message that came, in order.
      refusal: what the next handshakes are answered with, if not None.
      headers: of the last handshake.
      connections: how many were opened.
      is_closed: set when the SDK has ended a connection.
    """

    def __init__(self, nursery: trio.Nursery) -> None:
        self.commands: list[CommandRequest] = []
        self.audio: list[bytes] = []
        self.rejection: Rejection | None = None
        self.headers: dict[str, str] = {}
        self.connections = 0
        self.is_closed = trio.Event()
        self.accepting = trio.Event()
        self.accepting.set()
        self._unread: deque[CommandRequest] = deque()
        self._news = trio.lowlevel.ParkingLot()
        self._nursery = nursery
        self._websocket: WebSocket | None = None
        self._wires: list[Wire] = []

    def config(self, **settings: Any) -> ClientConfig:
        return ClientConfig.sandbox(
            api_key="key",
            connector_uuid="connector",
            base_url="ws://exchange",
            open_stream=self._open_stream,
            **settings,
        )

    def make_call(self, **settings: Any) -> CallScope:
        return CallScope(CALL_IN, self.config(**settings), None)

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
        """Wait for the next command, which must be `name`."""
        while not self._unread:
            await self._news.park()
        command = self._unread.popleft()
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

    async def grant(self, requested_bytes: int, frame_bytes: int = 960) -> None:
        await self.send(BufferRequest(requested_bytes, frame_bytes))

    async def terminate(self) -> None:
        await self.send(CallEvent("call.terminated"))

    async def speak(self, pcm: bytes, channel: int = 0) -> None:
        await self.send(pack_audio(channel, pcm))

    async def speak_in_one_breath(self, frames: list[bytes]) -> None:
        assert self._websocket is not None
        await self._websocket.send(*(pack_audio(0, pcm) for pcm in frames))

    async def send(self, message: Message | bytes | str) -> None:
        assert self._websocket is not None
        await self._websocket.send(encode(message) if isinstance(message, Message) else message)

    async def cut(self) -> None:
        """Drop the connection without a word."""
        await trio.aclose_forcefully(self._wires[-1])

    def go_silent(self) -> None:
        """Neither read nor send anything from now on, without closing the connection."""
        self._wires[-1].go_silent()

    async def _open_stream(self, host: str, port: int) -> trio.abc.Stream:
        theirs, ours = trio.testing.memory_stream_pair()
        self._wires.append(Wire(ours))
        self._nursery.start_soon(self._serve, self._wires[-1])
        return theirs

    def _decide(self, request: HandshakeRequest) -> Rejection | None:
        self.headers = dict(request.headers)
        return self.rejection

    async def _serve(self, stream: trio.abc.Stream) -> None:
        await self.accepting.wait()
        async with trio.open_nursery() as nursery:
            try:
                _, self._websocket = await accept_websocket(
                    nursery, stream, self._decide, within_seconds=5
                )
            except HandshakeRefused:
                return
            self.connections += 1
            await self._read(self._websocket)
            await self._websocket.aclose()

    async def _read(self, websocket: WebSocket) -> None:
        try:
            while True:
                for message in await websocket.receive_batch():
                    self._receive(message)
        except WebSocketClosed:
            self.is_closed.set()

    def _receive(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self.audio.append(message)
            return
        command = decode_media(message)
        assert isinstance(command, CommandRequest)
        self.commands.append(command)
        self._unread.append(command)
        self._news.unpark_all()
