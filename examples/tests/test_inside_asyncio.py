"""Trio as a guest of asyncio."""

import asyncio
import os
import signal
from functools import partial

import pytest
import trio
import trio.testing

from examples.recipes import inside_asyncio
from trio_calls import CallState, serve_calls
from trio_calls.simulator import SimulatedCall, open_simulator
from trio_calls.testing import WavLoader, heard


class SlowDatabase(inside_asyncio.Database):
    """One that never answers, and says when nobody waits any more."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.was_cancelled = False

    async def line_for(self, number: str | None) -> str:
        self.asked.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        return "goodbye.wav"


def test_a_call_is_served_with_what_asyncio_knows(wav: WavLoader) -> None:
    async def main() -> SimulatedCall:
        loop = asyncio.get_running_loop()
        handler = partial(inside_asyncio.handle_call, loop, inside_asyncio.Database())

        async def serve_one_call() -> SimulatedCall:
            async with open_simulator() as simulator, trio.open_nursery() as nursery:
                await nursery.start(serve_calls, handler, simulator.config)
                call = simulator.place_call()
                await call.wait_ended()
                nursery.cancel_scope.cancel()
            return call

        clock = trio.testing.MockClock(autojump_threshold=0)
        return await inside_asyncio.run_trio(serve_one_call, clock=clock)

    call = asyncio.run(main())
    heard(call.caller, wav("goodbye.wav"))
    assert call.agent_states == [CallState.PENDING, CallState.ANSWERED, CallState.DISCONNECTED]


def test_who_cancels_asyncio_leaves_the_calls() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        database = SlowDatabase()
        handler = partial(inside_asyncio.handle_call, loop, database)
        calls: list[SimulatedCall] = []

        async def serve() -> None:
            async with open_simulator() as simulator, trio.open_nursery() as nursery:
                await nursery.start(serve_calls, handler, simulator.config)
                calls.append(simulator.place_call())
                await trio.sleep_forever()

        serving = asyncio.create_task(inside_asyncio.run_trio(serve))
        await database.asked.wait()
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        assert database.was_cancelled
        assert calls[0].agent_states[-1] is CallState.DISCONNECTED
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_a_hangup_cancels_what_asyncio_does_for_a_call() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        database = SlowDatabase()
        handler = partial(inside_asyncio.handle_call, loop, database)

        async def serve_one_call() -> None:
            async with open_simulator() as simulator, trio.open_nursery() as nursery:
                client = await nursery.start(serve_calls, handler, simulator.config)
                call = simulator.place_call()
                await call.caller.wait_talking()
                await trio.sleep(0.1)
                call.caller.hang_up()
                await client.drain()
                assert database.was_cancelled
                nursery.cancel_scope.cancel()

        await inside_asyncio.run_trio(serve_one_call)

    asyncio.run(main())


def test_sigterm_drains_and_asyncio_goes_on() -> None:
    async def main() -> str:
        loop = asyncio.get_running_loop()
        handler = partial(inside_asyncio.handle_call, loop, inside_asyncio.Database())

        async def serve() -> None:
            async with open_simulator() as simulator, trio.open_nursery() as nursery:
                await nursery.start(serve_calls, handler, simulator.config)
                await trio.testing.wait_all_tasks_blocked()
                os.kill(os.getpid(), signal.SIGTERM)

        await inside_asyncio.run_trio(serve)
        await asyncio.sleep(0)
        return "goes on"

    assert asyncio.run(main()) == "goes on"


def test_an_error_comes_out_as_it_is() -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    async def main() -> None:
        with pytest.raises(ZeroDivisionError):
            await inside_asyncio.run_trio(fail)

    asyncio.run(main())
