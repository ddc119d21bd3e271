"""What tests of the voice need: an agent that has answered, and what was heard of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio

from trio_calls import ActiveCall, serve_calls
from trio_calls.simulator import Pickup, SimulatedCall, Simulator
from trio_calls.voice import FunctionDetector, Voice, open_voice

RATE = 24_000
FRAME = 960


@attrs.define
class Scene:
    """An agent in a call, whose handler is the test itself."""

    simulated: SimulatedCall
    call: ActiveCall
    voice: Voice


@asynccontextmanager
async def answered(
    simulator: Simulator,
    pickup: Pickup | None = None,
    settings: dict[str, Any] | None = None,
    **options: Any,
) -> AsyncIterator[Scene]:
    """Answer a call, open a voice with these options, and hang up in the end."""
    config = attrs.evolve(simulator.config, **(settings or {}))
    calls: list[ActiveCall] = []
    has_call, is_done = trio.Event(), trio.Event()

    async def handle_call(call: ActiveCall) -> None:
        await call.answer()
        calls.append(call)
        has_call.set()
        await is_done.wait()

    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, handle_call, config)
        simulated = simulator.place_call(pickup=pickup)
        await has_call.wait()
        async with open_voice(calls[0], **options) as voice:
            yield Scene(simulated, calls[0], voice)
        simulated.caller.hang_up()
        await simulated.wait_ended()
        is_done.set()
        nursery.cancel_scope.cancel()
    assert simulator.violations == []


def loudness() -> FunctionDetector:
    """Make a detector of anything but silence, in frames of the call."""
    return FunctionDetector(lambda pcm: float(any(pcm)), RATE)


def sounds(pcm: bytes) -> bytes:
    """Leave out the silent frames."""
    frames = [pcm[start : start + FRAME] for start in range(0, len(pcm), FRAME)]
    return b"".join(frame for frame in frames if frame.strip(b"\0"))


def seconds_of(pcm: bytes) -> float:
    return len(pcm) / 2 / RATE
