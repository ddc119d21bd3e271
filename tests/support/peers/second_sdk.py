"""A little SDK of raw frames on the second wire, as `sdk` has one for the first."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import trio

from tests.support.peers.sdk import RawSdk
from trio_calls.audio_format import AudioFormat, AudioMode
from trio_calls.config import ClientConfig
from trio_calls.simulator import SimulatedCall, Simulator, open_simulator
from trio_calls.transport import WebSocket, WebSocketClosed
from trio_calls.wire.codec import encode
from trio_calls.wire.commands import CallEvent, CommandRequest, CommandResponse, RingTime
from trio_calls.wire.message import Message
from trio_calls.wire.names import CONTROL_PATH
from trio_calls.wire.responses import Response, SetupDone
from trio_calls.wire.second.audio_credit import AudioCredit
from trio_calls.wire.second.audio_frame import AudioFrame, unpack_frame
from trio_calls.wire.second.audio_writer import AudioWriter
from trio_calls.wire.second.codec import (
    decode_control,
    decode_media,
    read_claimed,
    read_created_call,
)
from trio_calls.wire.second.control import (
    MEDIA_CAPABILITIES,
    MEDIA_PROTOCOL_VERSION,
    Address,
    CallNotify,
    ClaimedCall,
    CreateCall,
    CreatedCall,
    SessionClaim,
    SessionOpen,
    Setup,
)
from trio_calls.wire.second.media import Config, Flow

SUBSCRIBER = "+65 6222 0000"

_T = TypeVar("_T")


class SecondControlEnd:
    """A control connection; messages are taken one by one."""

    def __init__(self, websocket: WebSocket) -> None:
        self.websocket = websocket
        self._arrived: list[str | bytes] = []

    async def send(self, message: Message) -> None:
        await self.websocket.send(encode(message))

    async def receive(self) -> object:
        while not self._arrived:
            self._arrived += await self.websocket.receive_batch()
        frame = self._arrived.pop(0)
        assert isinstance(frame, str)
        return decode_control(frame)

    async def expect(self, message_class: type[_T]) -> _T:
        message = await self.receive()
        assert isinstance(message, message_class), message
        return message

    async def is_quiet(self, seconds: float = 1.0) -> bool:
        with trio.move_on_after(seconds) as scope:
            message = await self.receive()
            raise AssertionError(f"not quiet: {message}")
        return scope.cancelled_caught

    async def ask(self, request: Message) -> Response:
        """Ask for something, and take the answer, which must be the next message."""
        await self.send(request)
        response = await self.expect(Response)
        assert response.request_id == getattr(request, "request_id", None)
        return response

    async def open_session(self, session_id: str = "s", subscriber: str = SUBSCRIBER) -> Response:
        return await self.ask(SessionOpen(str(uuid.uuid4()), session_id, subscriber))

    async def claim(self, call_id: str, session_id: str = "s") -> Response:
        return await self.ask(SessionClaim(str(uuid.uuid4()), session_id, call_id))

    async def create_call(self, number: str, session_id: str = "s") -> CreatedCall:
        destination = Address("TELCO", number)
        answer = await self.ask(CreateCall(str(uuid.uuid4()), session_id, destination))
        assert answer.is_ok, answer
        return read_created_call(answer.content)

    async def take_call(self, call: SimulatedCall) -> ClaimedCall:
        """From the announcement to the address of the media connection."""
        notice = await self.expect(CallNotify)
        assert notice.call_id == call.call_id
        assert (await self.open_session(subscriber=notice.subscriber)).is_ok
        claimed = await self.claim(notice.call_id)
        assert claimed.is_ok, claimed
        return read_claimed(claimed.content)


class SecondMediaEnd:
    """A media connection: a reader and a writer run in the nursery of the test.

    Attributes:
      frames: all audio that came, frame by frame.
      flows: all that was said of credit.
    """

    def __init__(self, websocket: WebSocket, audio_format: AudioFormat) -> None:
        self.websocket = websocket
        self.frames: list[AudioFrame] = []
        self.flows: list[Flow] = []
        self.config: Config | None = None
        self.order: list[str] = []
        self.echoes = False
        self.closed = trio.Event()
        self.writer = AudioWriter(audio_format.sample_rate)
        self.credit = AudioCredit(audio_format.sample_rate)
        self._frame_bytes = audio_format.frame_bytes
        self._speech = bytearray()
        self._answers: dict[str, CommandResponse] = {}
        self._answered: defaultdict[str, trio.Event] = defaultdict(trio.Event)
        self._to_send, self._queue = trio.open_memory_channel[str | bytes](1000)

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._write)
            try:
                while True:
                    for frame in await self.websocket.receive_batch():
                        self._receive(frame)
            except WebSocketClosed:
                self.closed.set()
                nursery.cancel_scope.cancel()

    def _receive(self, frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            audio = unpack_frame(frame)
            self.frames.append(audio)
            if self.echoes and audio.track == 0:
                self.say(audio.pcm)
            return
        match decode_media(frame):
            case Config() as config:
                assert self.config is None
                assert not self.order
                self.config = config
            case Flow() as flow:
                assert self.config is not None
                assert flow.track == 0
                self.flows.append(flow)
                self.credit.update(flow.drained_ms, flow.window_ms, self.writer.sent_bytes)
                self._pump()
            case CommandResponse() as response:
                self.order.append(response.command_id)
                self._answers[response.command_id] = response
                self._answered[response.command_id].set()
            case CallEvent() as event:
                self.order.append(event.event)
            case message:
                raise AssertionError(f"unexpected: {message}")

    async def _write(self) -> None:
        with suppress(WebSocketClosed):
            async for frame in self._queue:
                await self.websocket.send(frame)

    def heard(self, track: int = 0) -> bytes:
        """All audio that came on a track, whose frames are numbered and timed as they should."""
        frames = [frame for frame in self.frames if frame.track == track]
        heard = bytearray()
        for number, frame in enumerate(frames):
            assert frame.sequence == number
            assert frame.clock_ms == len(heard) * 20 // self._frame_bytes
            heard += frame.pcm
        return bytes(heard)

    def say(self, pcm: bytes) -> None:
        """Send audio as there is room for it, in frames and what is left."""
        self._speech += pcm
        self._pump()

    def _pump(self) -> None:
        while self._speech and self.credit.allowed_bytes > self.writer.sent_bytes:
            room = self.credit.allowed_bytes - self.writer.sent_bytes
            pcm = bytes(self._speech[: min(self._frame_bytes, room)])
            del self._speech[: len(pcm)]
            self.send_raw(self.writer.write(pcm))

    def send_raw(self, frame: str | bytes) -> None:
        self._to_send.send_nowait(frame)

    def start(self, command: str, ring_seconds: float | None = None) -> str:
        command_id = f"{command}/{uuid.uuid4()}"
        data = None if ring_seconds is None else RingTime(ring_seconds)
        self.send_raw(encode(CommandRequest(command_id, command, 10_000, data)))
        return command_id

    async def do(self, command: str, ring_seconds: float | None = None) -> CommandResponse:
        command_id = self.start(command, ring_seconds)
        await self._answered[command_id].wait()
        return self._answers[command_id]

    async def succeed(self, command: str, ring_seconds: float | None = None) -> None:
        response = await self.do(command, ring_seconds)
        assert response.success, response

    async def fail(self, command: str, ring_seconds: float | None = None) -> str | None:
        response = await self.do(command, ring_seconds)
        assert not response.success
        assert response.error_message
        return response.error_code


class SecondSdkEnd(RawSdk):
    """Opens connections; their tasks run in the nursery. Made by `open_second_pair`."""

    async def open_second_control(
        self, audio_mode: AudioMode = AudioMode.MIXED
    ) -> SecondControlEnd:
        url = self.config.base_url + CONTROL_PATH
        headers = {**self.credentials(), "x-sdk-client": "python/1.0.0b8"}
        control = SecondControlEnd(await self.open(url, headers))
        await control.send(
            Setup(
                self.config.sample_rate,
                audio_mode.value,
                MEDIA_PROTOCOL_VERSION,
                MEDIA_CAPABILITIES,
            )
        )
        await control.expect(SetupDone)
        return control

    async def open_second_media(
        self, access: ClaimedCall | CreatedCall, audio_mode: AudioMode = AudioMode.MIXED
    ) -> SecondMediaEnd:
        headers = {"Authorization": f"Bearer {access.token}"}
        media = SecondMediaEnd(
            await self.open(access.url, headers), AudioFormat(self.config.sample_rate, audio_mode)
        )
        self.nursery.start_soon(media.run)
        return media

    async def take_second_call(
        self, call: SimulatedCall, audio_mode: AudioMode = AudioMode.MIXED
    ) -> SecondMediaEnd:
        control = await self.open_second_control(audio_mode)
        return await self.open_second_media(await control.take_call(call), audio_mode)


@asynccontextmanager
async def open_second_sdk(config: ClientConfig) -> AsyncIterator[SecondSdkEnd]:
    """An SDK that drops its connections when the block is left."""
    async with trio.open_nursery() as nursery:
        sdk = SecondSdkEnd(nursery, config)
        try:
            yield sdk
        finally:
            for websocket in sdk.websockets:
                await trio.aclose_forcefully(websocket)
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def open_second_pair() -> AsyncIterator[tuple[Simulator, SecondSdkEnd]]:
    """A simulator in process, and an SDK beside it. It must not have seen a violation."""
    async with open_simulator() as simulator, open_second_sdk(simulator.config) as sdk:
        yield simulator, sdk
        assert simulator.violations == []
