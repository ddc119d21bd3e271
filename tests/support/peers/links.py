"""The exchange's ends of a control and a media connection, for tests to say and expect frames."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import trio
import trio.testing

from tests.support.peers.control_words import TOKEN, Claim, ControlWords, Said
from tests.support.peers.media_words import FRAME_MS, MS, MediaWords
from tests.support.peers.passing_stream import PassingStream
from trio_calls.transport import WebSocket, WebSocketClosed, WebSocketError
from trio_calls.wire.codec import encode
from trio_calls.wire.commands import CommandRequest, CommandResponse
from trio_calls.wire.first.codec import decode_media
from trio_calls.wire.message import Message
from trio_calls.wire.responses import SetupDone

_MessageT = TypeVar("_MessageT", bound=Message)
_PING = b"\x89"


class Wire(PassingStream):
    """A stream that can go silent.

    Attributes:
      ping_times: when WebSocket pings came.
    """

    def __init__(self, stream: trio.abc.Stream) -> None:
        super().__init__(stream)
        self.ping_times: list[float] = []
        self._turn = trio.Lock()
        self._is_silent = False

    def go_silent(self) -> None:
        """From now on nothing is read, and nothing that is sent arrives."""
        self._is_silent = True

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if not self._is_silent:
            async with self._turn:
                await super().send_all(data)

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        data = await super().receive_some(max_bytes)
        if data.startswith(_PING):
            self.ping_times.append(trio.current_time())
        if self._is_silent:
            await trio.sleep_forever()
        return data


class _End:
    """One WebSocket.

    Attributes:
      wire: the stream under it.
      over: set when the connection has ended, whoever ended it.
    """

    def __init__(self, websocket: WebSocket, wire: Wire) -> None:
        self.wire = wire
        self.over = trio.Event()
        self._websocket = websocket
        self._came = trio.open_memory_channel[str | bytes](math.inf)

    async def read(self) -> None:
        """Take in everything that comes, until the connection ends."""
        try:
            while True:
                for frame in await self._websocket.receive_batch():
                    self._take(frame)
        except WebSocketClosed:
            self._came[0].close()
            self.over.set()

    def _take(self, frame: str | bytes) -> None:
        self._came[0].send_nowait(frame)

    async def send(self, *messages: Message | str | bytes) -> None:
        """Send these, all in one breath."""
        await self._websocket.send(
            *(encode(message) if isinstance(message, Message) else message for message in messages)
        )

    async def receive(self, *, patience: float = 100) -> str | bytes:
        """Wait for the next frame."""
        with trio.fail_after(patience):
            return await self._came[1].receive()

    async def rest(self) -> list[str | bytes]:
        """What has come and was not received yet, once nothing more happens by itself."""
        await trio.testing.wait_all_tasks_blocked()
        rest = []
        while self._came[1].statistics().current_buffer_used:
            rest.append(self._came[1].receive_nowait())
        return rest

    async def close(self) -> None:
        """Hang up in good order."""
        await self._websocket.aclose()

    async def cut(self) -> None:
        """Drop the connection without a word."""
        await trio.aclose_forcefully(self.wire)


class ControlEnd(_End):
    """A control connection.

    Args:
      websocket: the connection.
      wire: the stream under it.
      words: how everything is said.

    Attributes:
      setup: the text of the first frame.
      connection_id: what the SDK was told in return.
    """

    setup: str
    connection_id: str

    def __init__(self, websocket: WebSocket, wire: Wire, words: ControlWords) -> None:
        super().__init__(websocket, wire)
        self.words = words

    async def receive_text(self) -> str:
        """Wait for the next frame, which must be text."""
        frame = await self.receive()
        assert isinstance(frame, str)
        return frame

    async def receive_setup(self) -> None:
        self.setup = await self.receive_text()
        assert self.words.is_setup(self.setup)

    async def finish_setup(self, *greeting: Message | str) -> None:
        await self.receive_setup()
        self.connection_id = f"connection at {trio.current_time()} s"
        await self.send(SetupDone(self.connection_id), *greeting)

    async def expect(self, message_class: type[_MessageT]) -> _MessageT:
        """Wait for the next frame, which must be such a message."""
        message = self.words.decode(await self.receive_text())
        assert isinstance(message, message_class), message
        return message

    async def offer(self, *session_ids: str) -> None:
        """Offer these calls, all in one breath."""
        await self.send(*map(self.words.offer, session_ids))

    async def next_claim(self) -> Claim:
        """Wait for the next claim of a call."""
        while True:
            said = await self._hear()
            if said.claim is not None:
                return said.claim

    async def expect_claim(self, session_id: str) -> Claim:
        """Wait for the next claim, which must be of this call."""
        claim = await self.next_claim()
        assert claim.session_id == session_id
        return claim

    async def give(self, claim: Claim, *, token: str = TOKEN) -> None:
        """Let the SDK have the call that it claims, and say where it is."""
        await self.send(self.words.grant(claim, token))
        await self.deliver(claim, token=token)

    async def deliver(self, claim: Claim, *, token: str = TOKEN) -> None:
        """Say where a call is that was given to the SDK, if the answer to its claim has not."""
        if not self.words.gives_with_grant:
            said = await self._hear(token)
            assert said.has_call == claim.session_id

    async def grant(self, *session_ids: str, token: str = TOKEN) -> None:
        """Let the SDK have these calls, from their claims on, in the order of its asking."""
        waiting = set(session_ids)
        while waiting:
            said = await self._hear(token)
            if said.claim is not None:
                assert said.claim.session_id in waiting
                await self.send(self.words.grant(said.claim, token))
            if said.has_call is not None:
                waiting.remove(said.has_call)

    async def refuse(
        self, session_id: str, error_code: str | None = None, holder: str | None = None
    ) -> None:
        """Do not let the SDK have a call, as somebody else has it or for this reason."""
        claim = await self.expect_claim(session_id)
        await self.send(self.words.refusal(claim, error_code, holder))

    async def ring(self, *session_ids: str) -> None:
        """Offer calls, and let the SDK have them."""
        await self.offer(*session_ids)
        await self.grant(*session_ids)

    async def _hear(self, token: str = TOKEN) -> Said:
        """Wait for the next frame about calls, and reply what there is to reply at once."""
        said = self.words.hear(await self.receive_text(), token)
        if said.replies:
            await self.send(*said.replies)
        return said


class MediaEnd(_End):
    """A media connection. It plays what the agent says, and tells of that if its wire does.

    Args:
      websocket: the connection.
      wire: the stream under it.
      authorization: with which it was opened.
      words: how everything is said.
      command_came: whom to wake for each command.

    Attributes:
      authorization: with which it was opened.
      commands: every command that came, in order.
      audio: the PCM of every binary message that came, in order.
    """

    def __init__(
        self,
        websocket: WebSocket,
        wire: Wire,
        authorization: str,
        words: MediaWords,
        command_came: trio.lowlevel.ParkingLot,
    ) -> None:
        super().__init__(websocket, wire)
        self.authorization = authorization
        self.commands: list[CommandRequest] = []
        self.audio: list[bytes] = []
        self.words = words
        self._command_came = command_came
        self._said_bytes = self._played_bytes = 0
        self._audio_came = trio.lowlevel.ParkingLot()

    async def begin(self) -> None:
        """Say what comes before everything else."""
        if self.words.greeting:
            await self.send(*self.words.greeting)

    async def read(self) -> None:
        """Take in and play everything that comes, until the connection ends."""
        async with trio.open_nursery() as nursery:
            if self.words.played is not None:
                nursery.start_soon(self._play, self.words.played)
            await super().read()
            nursery.cancel_scope.cancel()

    def _take(self, frame: str | bytes) -> None:
        super()._take(frame)
        if isinstance(frame, bytes):
            self.audio.append(self.words.take(frame))
            self._said_bytes += len(self.audio[-1])
            self._audio_came.unpark_all()
            return
        self.commands.append(_decode_command(frame))
        if self.commands[-1].command == "agent.interrupt":
            self._played_bytes = self._said_bytes
        self._command_came.unpark_all()

    async def _play(self, tell: Callable[[int], Message]) -> None:
        """Play frame by frame. A frame is done with when it begins to be played."""
        told_bytes = 0
        with suppress(WebSocketError, trio.BrokenResourceError):
            while True:
                frame_bytes = min(FRAME_MS * MS, self._said_bytes - self._played_bytes)
                self._played_bytes += frame_bytes
                if self._played_bytes != told_bytes:
                    told_bytes = self._played_bytes
                    await self.send(tell(told_bytes))
                if frame_bytes:
                    await trio.sleep(frame_bytes / MS / 1000)
                else:
                    await self._audio_came.park()

    async def expect_command(self, name: str) -> CommandRequest:
        """Wait for the next frame, which must be this command."""
        frame = await self.receive()
        assert isinstance(frame, str)
        command = _decode_command(frame)
        assert command.command == name
        return command

    async def accept(self, name: str) -> None:
        """Wait for the next frame, which must be this command, and do it."""
        command = await self.expect_command(name)
        await self.send(CommandResponse(command.command_id, success=True))

    async def speak(self, *frames: bytes, channel: int = 0) -> None:
        """Let the agent hear PCM, all in one breath."""
        await self.send(*(self.words.pack(channel, pcm) for pcm in frames))

    async def grant(self, pcm_bytes: int, frame_bytes: int = FRAME_MS * MS) -> None:
        """Ask for so much more of the agent's audio, in frames of this size."""
        await self.send(*self.words.grant(pcm_bytes, frame_bytes))

    async def pull(self, requested_bytes: int) -> bytes:
        """Ask for the agent's audio, and wait for the next message with some."""
        await self.grant(requested_bytes)
        frame = await self.receive()
        assert isinstance(frame, bytes)
        return self.words.pcm_of(frame)


def _decode_command(frame: str) -> CommandRequest:
    command = decode_media(frame)
    assert isinstance(command, CommandRequest)
    return command
