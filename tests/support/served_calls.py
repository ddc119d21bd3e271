"""A call that is served as an application would, from the ringing to the end of its handler."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio

from trio_calls import events, open_call_client
from trio_calls.call.scope import CallHandler
from trio_calls.simulator import Phone, PhoneState, Pickup, SimulatedCall, Simulator


@asynccontextmanager
async def served_call(
    simulator: Simulator, handler: CallHandler, pickup: Pickup | None = None, **settings: Any
) -> AsyncIterator[SimulatedCall]:
    """Place a call for a handler, which must come to its end by itself after the block.

    Args:
      simulator: where the call is placed.
      handler: of the call. What it raises is logged, as in an application.
      pickup: what the callee does.
      settings: of `ClientConfig`.
    """
    config = attrs.evolve(simulator.config, **settings)
    async with open_call_client(config) as client:
        client.on(events.INCOMING_CALL)(handler)
        call = simulator.place_call(pickup=pickup)
        await call.wait_claimed()
        yield call
        with trio.fail_after(120):
            await client.drain()
    assert simulator.violations == []


async def hang_up_after(call: SimulatedCall, seconds: float) -> float:
    """Let the caller hang up so long after the call was answered, and return when that was."""
    await call.caller.wait_talking()
    await trio.sleep(seconds)
    call.caller.hang_up()
    return trio.current_time()


def rings(phone: Phone) -> bool:
    """Look anew: type checkers take it that no await could have changed a state."""
    return phone.state is PhoneState.RINGING


def sounds(pcm: bytes) -> bytes:
    """Leave out the silent frames of what somebody at a telephone has heard."""
    frames = [pcm[start : start + 960] for start in range(0, len(pcm), 960)]
    return b"".join(frame for frame in frames if any(frame))
