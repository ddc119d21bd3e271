"""With the official client, a handler outlives its call; the book shows it beside ours."""

from __future__ import annotations

import asyncio

import pytest
import telcoflow
import trio

from tests.support.official_client import open_client, open_exchange, until
from trio_calls import ActiveCall, serve_calls
from trio_calls.simulator import Simulator

pytestmark = pytest.mark.slow

notes: list[str] = []


async def ask_a_slow_model(call: telcoflow.Call) -> None:
    await call.answer()
    await asyncio.sleep(1.5)
    notes.append("the model has answered, and wants to be paid")


async def ask_a_slow_model_in_trio(call: ActiveCall) -> None:
    await call.answer()
    with call.cancel_on_hangup():
        await trio.sleep(1.5)
        notes.append("the model has answered, and wants to be paid")
    notes.append("nobody is there any more")


async def hang_up_soon(simulator: Simulator) -> None:
    call = simulator.place_call()
    await call.caller.wait_talking()
    await trio.sleep(0.1)
    call.caller.hang_up()
    notes.append("Ada has hung up")
    await call.wait_ended()


async def test_of_the_official_client() -> None:
    notes.clear()
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:

        async def serve() -> None:
            session = await client.claim()
            session.on_incoming_call(ask_a_slow_model)
            await session.ready()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(aio.run, serve)
            await hang_up_soon(simulator)
        await until(lambda: len(notes) > 1)
    assert notes == ["Ada has hung up", "the model has answered, and wants to be paid"]


async def test_of_ours() -> None:
    notes.clear()
    async with open_exchange() as (simulator, _), trio.open_nursery() as nursery:
        await nursery.start(serve_calls, ask_a_slow_model_in_trio, simulator.config)
        await hang_up_soon(simulator)
        await until(lambda: len(notes) > 1)
        nursery.cancel_scope.cancel()
    assert notes == ["Ada has hung up", "nobody is there any more"]
