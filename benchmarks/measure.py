"""One measurement: an exchange here, an agent in a process beside it, and calls between them."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

import attrs

from benchmarks.agent_process import AgentProcess, open_agent
from benchmarks.agents import AGENTS
from benchmarks.agents.settings import SAMPLE_RATE
from benchmarks.certificates import Certificates
from benchmarks.exchange.call import ExchangeCall
from benchmarks.exchange.exchange import Exchange, open_exchange
from benchmarks.exchange.frames import FRAMES_PER_SECOND
from benchmarks.exchange.pacing import FRAME_SECONDS, Pacer
from benchmarks.figures import Burst, Idle, Load, percentile

EXCHANGE_CORE: Final = 0
AGENT_CORE: Final = 1

#: Between the first frames and the window.
_WARM_UP_SECONDS: Final = 0.5
#: After the agent has connected, until what it did for that is over.
_SETTLE_SECONDS: Final = 0.3
#: A frame that has not come back so long after the last was sent is lost.
_LOST_SECONDS: Final = 1.0
#: An agent that has fallen behind may take so long to echo the rest.
_DRAIN_SECONDS: Final = 10.0
_CONNECT_SECONDS: Final = 15.0
_FIRST_AUDIO_SECONDS: Final = 10.0
#: A burst is over when nothing has moved for so long.
_STILL_SECONDS: Final = 3.0
_LOOK_SECONDS: Final = 0.05
_MILLION: Final = 1e6


class MeasurementError(Exception):
    """An agent did not do what was to be measured."""


class MachineBusyError(MeasurementError):
    """It tells nothing about the agent: the machine had something else to do."""


class Caller(Protocol):
    """Places the calls that an agent takes.

    Attributes:
      calls: all that were placed.
    """

    calls: list[ExchangeCall]

    def offer(self, number: int) -> Sequence[ExchangeCall]:
        """Place so many calls, all at once."""


@attrs.frozen
class Pair:
    """An agent, connected to an exchange of its own.

    Attributes:
      name: of the agent.
      exchange: which offers nothing yet.
      agent: the process.
      resident_bytes: of the agent, before any call.
    """

    name: str
    exchange: Caller
    agent: AgentProcess
    resident_bytes: int
    is_tls: bool


@asynccontextmanager
async def open_pair(
    name: str, certificates: Certificates | None = None, folder: Path | None = None
) -> AsyncIterator[Pair]:
    """Run an exchange here, and an agent beside it, inside the block.

    Args:
      name: of the agent, out of `AGENTS`.
      certificates: encrypt everything with these.
      folder: a checkout of this project, from which to run the agent.

    Raises:
      MeasurementError: the agent did not connect.
    """
    os.sched_setaffinity(0, {EXCHANGE_CORE})
    spec = AGENTS[name]
    ssl_context = certificates.server_context() if certificates else None
    environment = {"SSL_CERT_FILE": str(certificates.authority)} if certificates else {}
    async with (
        open_exchange(SAMPLE_RATE, ssl_context, wire=spec.wire) as exchange,
        open_agent(
            spec.module,
            (exchange.base_url, *spec.arguments),
            cores={AGENT_CORE},
            environment=environment,
            folder=folder,
        ) as agent,
    ):
        await wait_connected(exchange, agent)
        yield Pair(name, exchange, agent, agent.resident_bytes(), certificates is not None)


async def wait_connected(exchange: Exchange, agent: AgentProcess, connections: int = 1) -> None:
    """Wait until an agent has connected, and has done what it does after that.

    Raises:
      MeasurementError: it did not.
    """
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            await exchange.wait_agents(connections)
    except TimeoutError:
        raise MeasurementError(f"did not connect\n{agent.complaints()}") from None
    await asyncio.sleep(_SETTLE_SECONDS)


async def set_up(pair: Pair, number: int) -> Sequence[ExchangeCall]:
    """Bring up calls, each when the one before it has been heard.

    Raises:
      MeasurementError: the agent did not take a call.
    """
    for _ in range(number):
        (call,) = pair.exchange.offer(1)
        try:
            async with asyncio.timeout(_FIRST_AUDIO_SECONDS):
                await call.talking.wait()
        except TimeoutError:
            raise MeasurementError(
                f"call {call.number + 1} was not answered\n{pair.agent.complaints()}"
            ) from None
    return pair.exchange.calls


async def measure_load(pair: Pair, request_ms: int, window_seconds: float) -> Load:
    """Have all calls of a pair talk for a window.

    Raises:
      MeasurementError: nothing came back.
    """
    agent, calls = pair.agent, pair.exchange.calls
    pacer = Pacer(calls, frames_per_request=round(request_ms / 1000 / FRAME_SECONDS))
    async with pacing(pacer):
        await asyncio.sleep(_WARM_UP_SECONDS)
        for call in calls:
            call.begin()
        started_at, own_cpu, cpu = time.monotonic(), time.process_time(), agent.cpu_seconds()
        await asyncio.sleep(window_seconds)
        seconds = time.monotonic() - started_at
        exchange_share = (time.process_time() - own_cpu) / seconds
        core_share = (agent.cpu_seconds() - cpu) / seconds
    lost_bytes = await _drain(calls)
    # What is still to be echoed costs as well: an agent that has fallen behind gains nothing.
    cpu_ms = (agent.cpu_seconds() - cpu) * 1000
    call_seconds = sum(call.echo.echoed_frames for call in calls) / FRAMES_PER_SECOND
    round_trips = [nanoseconds for call in calls for nanoseconds in call.echo.round_trips_ns]
    if not round_trips:
        raise MeasurementError(f"nothing came back in time\n{agent.complaints()}")
    return Load(
        agent=pair.name,
        calls=len(calls),
        request_ms=request_ms,
        is_tls=pair.is_tls,
        cpu_ms_per_call_second=cpu_ms / call_seconds,
        core_share=core_share,
        round_trip_p50_ms=percentile(round_trips, 50) / _MILLION,
        round_trip_p99_ms=percentile(round_trips, 99) / _MILLION,
        lost_bytes=lost_bytes,
        missing_bytes=_missing_bytes(calls),
        foreign_bytes=sum(call.echo.foreign_bytes for call in calls),
        overdrawn_bytes=sum(call.overdrawn_bytes for call in calls),
        first_audio_seconds=percentile([call.first_audio_seconds for call in calls], 50),
        resident_mb_per_call=(agent.resident_bytes() - pair.resident_bytes) / len(calls) / _MILLION,
        exchange_late_p99_ms=percentile(pacer.lateness_seconds, 99) * 1000,
        exchange_share=exchange_share,
    )


async def measure_idle(pair: Pair, window_seconds: float) -> Idle:
    """Keep all calls of a pair silent for a window."""
    calls, cpu, started_at = len(pair.exchange.calls), pair.agent.cpu_seconds(), time.monotonic()
    await asyncio.sleep(window_seconds)
    call_seconds = calls * (time.monotonic() - started_at)
    milliseconds = (pair.agent.cpu_seconds() - cpu) * 1000
    return Idle(pair.name, calls, pair.is_tls, milliseconds / call_seconds)


async def measure_burst(pair: Pair, offered: int) -> Burst:
    """Offer calls all at once, and see what becomes of them."""
    started_at = time.monotonic()
    calls = pair.exchange.offer(offered)
    reached = {"claimed": (0, 0.0), "talking": (0, 0.0)}
    moved_at = 0.0
    while reached["talking"][0] < offered:
        await asyncio.sleep(_LOOK_SECONDS)
        now = time.monotonic() - started_at
        for what in reached:
            number = sum(getattr(call, what).is_set() for call in calls)
            if number > reached[what][0]:
                reached[what] = (number, now)
                moved_at = now
        if now - moved_at > _STILL_SECONDS:
            break
    claimed, talking = reached["claimed"], reached["talking"]
    return Burst(pair.name, offered, claimed[0], talking[0], claimed[1], talking[1])


@asynccontextmanager
async def pacing(pacer: Pacer) -> AsyncIterator[None]:
    """Send frames inside the block, and let nothing hold up the exchange there."""
    gc.collect()
    gc.disable()
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(pacer.run())
            yield
            pacer.stop()
    finally:
        gc.enable()


async def _drain(calls: Sequence[ExchangeCall]) -> int:
    """Wait for the rest of the echo. Returns how many bytes came too late, or never."""
    await _wait_echoed(calls, _LOST_SECONDS)
    lost_bytes = _missing_bytes(calls)
    await _wait_echoed(calls, _DRAIN_SECONDS)
    return lost_bytes


async def _wait_echoed(calls: Sequence[ExchangeCall], within_seconds: float) -> None:
    deadline = time.monotonic() + within_seconds
    # An event would have to be thought of with every frame.
    while _missing_bytes(calls) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_SECONDS)


def _missing_bytes(calls: Sequence[ExchangeCall]) -> int:
    return sum(call.echo.missing_bytes for call in calls)
