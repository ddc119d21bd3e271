"""What tests need to place a call into a simulator, and to know whose voice is whose."""

import functools

import trio

from trio_calls import CallState, serve_calls
from trio_calls.audio import noise
from trio_calls.call.scope import CallHandler
from trio_calls.simulator import Pickup, SimulatedCall, Simulator, answers

P, A, C, D = CallState.PENDING, CallState.ANSWERED, CallState.CONNECTED, CallState.DISCONNECTED


@functools.lru_cache(maxsize=64)
def speech(seed: int, seconds: float = 1.0) -> bytes:
    """Make a fingerprint: whole frames of noise that occur nowhere else."""
    return noise(seconds, 24000, seed, amplitude=0.2)


async def place_call(
    simulator: Simulator,
    handler: CallHandler,
    nursery: trio.Nursery,
    pickup: Pickup | None = None,
) -> SimulatedCall:
    await nursery.start(serve_calls, handler, simulator.config)
    return simulator.place_call(pickup=pickup or answers(after_seconds=2))
