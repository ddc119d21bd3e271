"""With the official client, who fails leaves the caller in silence; the book shows it."""

from __future__ import annotations

import asyncio
import logging

import pytest
import telcoflow
import trio

from tests.support.official_client import SAMPLE_RATE, open_client, open_exchange
from trio_calls import ActiveCall, serve_calls
from trio_calls.audio import noise
from trio_calls.simulator import PhoneState, Simulator
from trio_calls.testing import hears

pytestmark = pytest.mark.slow

GREETING = noise(0.5, SAMPLE_RATE, seed=1)

#: Longer than a call takes to be closed.
SILENCE_SECONDS = 2.0


class RecognizerError(Exception):
    pass


async def talk_and_recognize(call: telcoflow.Call) -> None:
    await call.answer()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(recognize())
        await call.send_audio(GREETING)
        async for _ in call.audio_stream():
            pass


async def recognize() -> None:
    await asyncio.sleep(1)
    raise RecognizerError("out of memory")


async def talk_and_recognize_in_trio(call: ActiveCall) -> None:
    await call.answer()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(recognize_in_trio)
        await call.send_audio(GREETING)
        await call.wait_disconnected()


async def recognize_in_trio() -> None:
    await trio.sleep(1)
    raise RecognizerError("out of memory")


async def listen(simulator: Simulator) -> float:
    """Call, and return how long the line is alive after the greeting, up to `SILENCE_SECONDS`."""
    call = simulator.place_call()
    await hears(call.caller, GREETING)
    began = trio.current_time()
    with trio.move_on_after(1 + SILENCE_SECONDS):
        await call.caller.wait_hung_up()
    seconds = trio.current_time() - began
    if call.caller.state is not PhoneState.HUNG_UP:
        call.caller.hang_up()
    await call.wait_ended()
    return seconds


def take_error(caplog: pytest.LogCaptureFixture) -> str:
    """Return the name of the logger that was told of the failure, and forget that it was."""
    (record,) = (record for record in caplog.records if record.levelno >= logging.WARNING)
    caplog.clear()
    return record.name.partition(".")[0]


async def test_of_the_official_client(caplog: pytest.LogCaptureFixture) -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:

        async def serve() -> None:
            session = await client.claim()
            session.on_incoming_call(talk_and_recognize)
            await session.ready()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(aio.run, serve)
            assert await listen(simulator) >= 1 + SILENCE_SECONDS
    assert take_error(caplog) == "telcoflow"


async def test_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    async with open_exchange() as (simulator, _), trio.open_nursery() as nursery:
        await nursery.start(serve_calls, talk_and_recognize_in_trio, simulator.config)
        assert await listen(simulator) < 2
        nursery.cancel_scope.cancel()
    assert take_error(caplog) == "trio_calls"
