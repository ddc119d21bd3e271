"""How much real time virtual time takes: `python benchmarks/virtual_time.py`.

Prints the seconds of processor time, and of real time, of

- a ten-minute call with audio both ways, the agent echoing: to stay below 10 s;
- a ring time-out of 120 s, from PENDING: to stay below 0.05 s.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import trio
from trio.testing import MockClock

from trio_calls import ActiveCall, WSSCallCommandError, serve_calls
from trio_calls.audio import noise
from trio_calls.call.scope import CallHandler
from trio_calls.simulator import SimulatedCall, never_answers, open_simulator

CALL_SECONDS: Final = 600
RING_SECONDS: Final = 120
REPEATS: Final = 3


async def echo(call: ActiveCall) -> None:
    await call.answer()
    async for chunk in call.audio_stream():
        await call.send_audio(chunk)


async def ring(call: ActiveCall) -> None:
    try:
        await call.connect(ring_time_seconds=RING_SECONDS)
    except WSSCallCommandError:
        await call.disconnect()


async def talk(speech: bytes, call: SimulatedCall) -> None:
    await call.caller.wait_talking()
    await call.caller.say(speech)
    call.caller.hang_up()


async def wait_unanswered(call: SimulatedCall) -> None:
    await call.wait_agent_left()


async def serve_one(
    handler: CallHandler, phones: Callable[[SimulatedCall], Awaitable[None]]
) -> None:
    async with open_simulator() as simulator, trio.open_nursery() as nursery:
        await nursery.start(serve_calls, handler, simulator.config)
        call = simulator.place_call(pickup=never_answers())
        await phones(call)
        await call.wait_ended()
        nursery.cancel_scope.cancel()


def measure(
    name: str, handler: CallHandler, phones: Callable[[SimulatedCall], Awaitable[None]]
) -> None:
    for _ in range(REPEATS):
        real, processor = time.perf_counter(), time.process_time()
        trio.run(serve_one, handler, phones, clock=MockClock(autojump_threshold=0))
        real, processor = time.perf_counter() - real, time.process_time() - processor
        print(f"{name}: {processor:7.3f} s of processor time, {real:7.3f} s of real time")


if __name__ == "__main__":
    measure(f"a ring time-out of {RING_SECONDS} s", ring, wait_unanswered)
    speech = noise(CALL_SECONDS, 24000, 1)
    measure(f"a call of {CALL_SECONDS} s, echoed ", echo, partial(talk, speech))
