"""A little SDK of raw frames, with which the other test_simulator files talk to the simulator."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import pytest
import trio

from trio_calls.audio import frame_bytes
from trio_calls.config import ClientConfig
from trio_calls.simulator import PhoneState, SimulatedCall, Simulator, open_simulator
from trio_calls.transport import HandshakeRefused, WebSocket, WebSocketClosed, connect_websocket
from trio_calls.wire.codec import encode
from trio_calls.wire.commands import CallEvent, CommandRequest, CommandResponse, RingTime
from trio_calls.wire.first.codec import decode_control, decode_media
from trio_calls.wire.first.control import CallIn, SessionNotify, SessionOpen, SessionReady, Setup
from trio_calls.wire.first.media import BufferRequest, pack_audio
from trio_calls.wire.message import Message
from trio_calls.wire.names import CONTROL_PATH
from trio_calls.wire.responses import Response, SetupDone

FRAME = 960

_T = TypeVar("_T")


class RawControl:
    """A control connection; messages are taken one by one."""

    def __init__(self, websocket: WebSocket) -> None:
        self.websocket = websocket
        self.connection_id = ""
        self._arrived: list[str | bytes] = []

    async def send(self, message: Setup | SessionOpen | SessionReady) -> None:
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

    async def is_closed_by_exchange(self) -> bool:
        try:
            await self.receive()
        except WebSocketClosed:
            return True
        return False

    async def claim(self, session_id: str) -> Response:
        request_id = str(uuid.uuid4())
        await self.send(SessionOpen(request_id, session_id))
        response = await self.expect(Response)
        assert response.request_id == request_id
        return response

    async def take_call(self, call: SimulatedCall) -> CallIn:
        """From the offer to call.in."""
        offer = await self.expect(SessionNotify)
        assert offer.session_id == call.session_id
        assert (await self.claim(offer.session_id)).is_ok
        await self.send(SessionReady(offer.session_id))
        return await self.expect(CallIn)


class RawMedia:
    """A media connection: a reader and a writer run in the nursery of the test."""

    def __init__(self, websocket: WebSocket, frame: int = FRAME) -> None:
        self.websocket = websocket
        self.frame = frame
        self.heard: defaultdict[int, bytearray] = defaultdict(bytearray)
        self.events: list[CallEvent] = []
        self.requests: list[BufferRequest] = []
        self.order: list[str] = []
        self.credit = 0
        self.echoes = False
        self.closed = trio.Event()
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
            self.heard[frame[0]] += frame[1:]
            if self.echoes and frame[0] == 0:
                self.say(frame[1:])
            return
        match decode_media(frame):
            case BufferRequest() as request:
                assert request.frame_bytes == self.frame
                assert request.requested_bytes % self.frame == 0
                assert request.channel == 0
                self.requests.append(request)
                self.credit += request.requested_bytes
                self._pump()
            case CommandResponse() as response:
                self.order.append(response.command_id)
                self._answers[response.command_id] = response
                self._answered[response.command_id].set()
            case CallEvent() as event:
                self.order.append(event.event)
                self.events.append(event)
            case message:
                raise AssertionError(f"unexpected: {message}")

    async def _write(self) -> None:
        with suppress(WebSocketClosed):
            async for frame in self._queue:
                await self.websocket.send(frame)

    def say(self, pcm: bytes) -> None:
        """Send audio as credit for it comes."""
        self._speech += pcm
        self._pump()

    def _pump(self) -> None:
        while self._speech and self.credit >= self.frame:
            pcm = bytes(self._speech[: self.frame])
            del self._speech[: self.frame]
            self.credit -= len(pcm)
            self.send_raw(pack_audio(0, pcm))

    @property
    def unsent(self) -> int:
        return len(self._speech)

    def send_raw(self, frame: str | bytes) -> None:
        self._to_send.send_nowait(frame)

    def send_message(self, message: object) -> None:
        """Send a message, a text frame or a binary one, whatever comes of it."""
        if isinstance(message, Message):
            self.send_raw(encode(message))
        else:
            assert isinstance(message, str | bytes)
            self.send_raw(message)

    def start(self, command: str, ring_seconds: float | None = None) -> str:
        command_id = f"{command}/{uuid.uuid4()}"
        data = None if ring_seconds is None else RingTime(ring_seconds)
        self.send_raw(encode(CommandRequest(command_id, command, 10_000, data)))
        return command_id

    async def response(self, command_id: str) -> CommandResponse:
        await self._answered[command_id].wait()
        return self._answers[command_id]

    async def do(self, command: str, ring_seconds: float | None = None) -> CommandResponse:
        return await self.response(self.start(command, ring_seconds))

    async def succeed(self, command: str, ring_seconds: float | None = None) -> None:
        response = await self.do(command, ring_seconds)
        assert response.success, response

    async def fail(self, command: str, ring_seconds: float | None = None) -> str | None:
        response = await self.do(command, ring_seconds)
        assert not response.success
        assert response.error_message
        return response.error_code


class RawSdk:
    """Opens connections; their tasks run in the nursery. Made by `open_raw_sdk`."""

    def __init__(self, nursery: trio.Nursery, config: ClientConfig) -> None:
        self.nursery = nursery
        self.config = config
        self.websockets: list[WebSocket] = []

    async def open(self, url: str, headers: dict[str, str]) -> WebSocket:
        websocket = await connect_websocket(
            self.nursery,
            url,
            headers=headers,
            ssl_context=None,
            open_stream=self.config.open_stream,
            within_seconds=10,
        )
        self.websockets.append(websocket)
        return websocket

    async def refusal(self, url: str, headers: dict[str, str]) -> int:
        """The status with which a handshake is refused."""
        with pytest.raises(HandshakeRefused) as refusal:
            await self.open(url, headers)
        assert refusal.value.reason
        return refusal.value.status_code

    def credentials(self) -> dict[str, str]:
        assert self.config.api_key is not None
        assert self.config.connector_uuid is not None
        return {
            "x-api-key": self.config.api_key,
            "x-connector-uuid": self.config.connector_uuid,
        }

    async def open_control_bare(self) -> RawControl:
        url = self.config.base_url + CONTROL_PATH
        return RawControl(await self.open(url, self.credentials()))

    async def open_control(self, audio_mode: str = "mixed") -> RawControl:
        control = await self.open_control_bare()
        await control.send(Setup(self.config.sample_rate, audio_mode))
        control.connection_id = (await control.expect(SetupDone)).connection_id
        return control

    async def open_media(self, call_in: CallIn) -> RawMedia:
        headers = {"Authorization": f"Bearer {call_in.token}"}
        media = RawMedia(
            await self.open(call_in.url, headers), frame_bytes(self.config.sample_rate)
        )
        self.nursery.start_soon(media.run)
        return media

    async def take_call(self, call: SimulatedCall, audio_mode: str = "mixed") -> RawMedia:
        control = await self.open_control(audio_mode)
        return await self.open_media(await control.take_call(call))


@asynccontextmanager
async def open_raw_sdk(config: ClientConfig) -> AsyncIterator[RawSdk]:
    """An SDK that drops its connections when the block is left."""
    async with trio.open_nursery() as nursery:
        sdk = RawSdk(nursery, config)
        try:
            yield sdk
        finally:
            for websocket in sdk.websockets:
                await trio.aclose_forcefully(websocket)
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def open_pair() -> AsyncIterator[tuple[Simulator, RawSdk]]:
    """A simulator in process, and an SDK beside it that is gone before it."""
    async with open_simulator() as simulator, open_raw_sdk(simulator.config) as sdk:
        yield simulator, sdk


def phone_states(call: SimulatedCall) -> tuple[PhoneState, PhoneState]:
    """What the caller's phone does, and what the callee's."""
    return call.caller.state, call.callee.state
