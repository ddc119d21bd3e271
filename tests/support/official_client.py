"""The official client as its applications use it, against a simulator on a loopback port.

`OfficialClient` and the functions that take a call are code for asyncio: `AsyncioThread.run` them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import telcoflow
import trio

from tests.support.asyncio_thread import AsyncioThread, open_asyncio
from trio_calls.audio import frame_bytes
from trio_calls.simulator import SimulatedCall, Simulator, answers, open_simulator

SAMPLE_RATE = 16000

SOON = answers(after_seconds=0.1)

#: Longer than any test takes, and shorter than pytest's timeout, which would leave asyncio running.
_TEST_SECONDS = 45


class OfficialClient:
    """A `telcoflow.SessionManager`, with the little around it that every application has.

    Attributes:
      manager: the client itself.
      offers: notifications that were not looked at yet.
      closings: why each session that was taken was closed.
    """

    def __init__(
        self,
        simulator: Simulator,
        *,
        api_key: str | None = None,
        audio_mode: telcoflow.AudioMode = telcoflow.AudioMode.MIXED,
        sample_rate: int | None = None,
    ) -> None:
        self.offers: asyncio.Queue[telcoflow.SessionNotification] = asyncio.Queue()
        self.closings: asyncio.Queue[telcoflow.CloseReason] = asyncio.Queue()
        self._calls: asyncio.Queue[telcoflow.Call] = asyncio.Queue()
        self._taken: list[telcoflow.Call] = []
        config = telcoflow.SessionManagerConfig.create(
            api_key=api_key or simulator.config.api_key,
            connector_uuid=simulator.config.connector_uuid,
            base_url=simulator.config.base_url,
            call_audio=telcoflow.CallAudioConfig(
                sample_rate=sample_rate or simulator.config.sample_rate, audio_mode=audio_mode
            ),
        )
        self.manager = telcoflow.SessionManager(config)
        self.manager.on_session_notification(self.offers.put)

    async def connect(self) -> None:
        """Connect to the simulator."""
        await self.manager.__aenter__()

    async def disconnect(self) -> None:
        """Close everything; the manager by itself leaves its calls' media connections open."""
        for call in self._taken:
            if call.voice_session is not None:
                await call.voice_session.close()
        await self.manager.__aexit__(None, None, None)

    async def claim(self) -> telcoflow.Session:
        """Claim the next session that is offered."""
        offer = await self.offers.get()
        return await self.manager.open_session(offer.session_id)

    async def receive(self, session: telcoflow.Session) -> telcoflow.Call:
        """Get ready for a claimed session, and receive its call."""
        session.on_incoming_call(self._calls.put)
        session.on_closed(self.closings.put)
        await session.ready()
        call = await self._calls.get()
        self._taken.append(call)
        return call

    async def take_call(self) -> telcoflow.Call:
        """Take the next call that is offered."""
        return await self.receive(await self.claim())


async def echo(call: telcoflow.Call) -> None:
    """Say everything that is heard, until the call is over."""
    async for chunk in call.audio_stream():
        await call.send_audio(chunk)


async def listen(call: telcoflow.Call, channel: int = 0) -> bytes:
    """Listen until the call is over."""
    return b"".join([chunk async for chunk in call.audio_stream(channel)])


@asynccontextmanager
async def open_exchange(
    sample_rate: int = SAMPLE_RATE,
) -> AsyncIterator[tuple[Simulator, AsyncioThread]]:
    """A simulator on a loopback port, and asyncio beside it. It must not have seen a violation."""
    with trio.fail_after(_TEST_SECONDS):
        async with open_simulator(port=0, sample_rate=sample_rate) as simulator:
            async with open_asyncio() as aio:
                yield simulator, aio
            assert simulator.violations == []


@asynccontextmanager
async def open_client(
    simulator: Simulator,
    aio: AsyncioThread,
    *,
    audio_mode: telcoflow.AudioMode = telcoflow.AudioMode.MIXED,
    sample_rate: int | None = None,
) -> AsyncIterator[OfficialClient]:
    """The official client, connected to a simulator."""
    client = OfficialClient(simulator, audio_mode=audio_mode, sample_rate=sample_rate)
    try:
        await aio.run(client.connect)
        yield client
    finally:
        with trio.CancelScope(shield=True):
            await aio.run(client.disconnect)


async def take_answered_call(
    simulator: Simulator, aio: AsyncioThread, client: OfficialClient
) -> tuple[SimulatedCall, telcoflow.Call]:
    """Place a call; the agent answers it."""
    placed = simulator.place_call(pickup=SOON)
    call = await aio.run(client.take_call)
    assert await aio.run(call.answer)
    return placed, call


async def take_connected_call(
    simulator: Simulator, aio: AsyncioThread, client: OfficialClient
) -> tuple[SimulatedCall, telcoflow.Call]:
    """Place a call; the agent connects it, and the callee picks up soon."""
    placed = simulator.place_call(pickup=SOON)
    call = await aio.run(client.take_call)
    assert await aio.run(call.connect)
    return placed, call


def audible(pcm: bytes, sample_rate: int = SAMPLE_RATE) -> bytes:
    """Leave out the silent frames: how many there are depends on how busy the machine is."""
    size = frame_bytes(sample_rate)
    frames = [pcm[start : start + size] for start in range(0, len(pcm), size)]
    return b"".join(frame for frame in frames if any(frame))


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that nothing announces; `open_exchange` limits how long."""
    while not condition():  # noqa: ASYNC110 - telephones keep what they hear, and tell nobody
        await trio.sleep(0.02)
