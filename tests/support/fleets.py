"""A worker whose calls a real Redis is told of, and whoever looks at them from elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import attrs
import trio

from tests.support.redis_server import RedisServer
from tests.support.waiting import until
from trio_calls import ActiveCall, CallClient
from trio_calls.fleet import CallEntry, Directory, Fleet, FleetView, open_directory
from trio_calls.simulator import SimulatedCall, Simulator, answers, open_simulator
from trio_calls.testing import run_agent

#: Long enough for a machine that is busy with other things.
PATIENCE_SECONDS: Final = 30
CALLER, CALLEE = "+65 9111 0000", "+65 6222 0000"


async def view_once(fleet: Fleet, condition: Callable[[FleetView], object]) -> FleetView:
    """Return what there is to see, as soon as something is so."""
    with trio.fail_after(PATIENCE_SECONDS):
        while True:
            view = await fleet.view()
            if condition(view):
                return view
            await trio.sleep(0.02)


def has_call(state: str) -> Callable[[FleetView], bool]:
    """Return a condition: that there is one call, in a state."""
    return lambda view: [call.state.name for call in view.calls] == [state]


@attrs.frozen
class Worker:
    """A worker with its exchange, and the fleet that it is in."""

    simulator: Simulator
    client: CallClient
    directory: Directory
    fleet: Fleet

    async def view_once(self, condition: Callable[[FleetView], object]) -> FleetView:
        """Return what there is to see, as soon as something is so."""
        return await view_once(self.fleet, condition)

    async def entry_once(self, state: str) -> CallEntry:
        """Return the only call, as soon as it is in a state."""
        return (await self.view_once(has_call(state))).calls[0]

    async def wait_current(self) -> None:
        """Wait until Redis has been told everything."""
        await until(lambda: self.directory.status.is_current)

    async def wait_stale(self) -> None:
        """Wait until it is noticed that what Redis says is out of date."""
        await until(lambda: not self.directory.status.is_current)

    def place_call(self) -> SimulatedCall:
        """Place a call whose callee answers soon."""
        pickup = answers(after_seconds=0.1)
        return self.simulator.place_call(caller=CALLER, callee=CALLEE, pickup=pickup)


@asynccontextmanager
async def open_worker(
    server: RedisServer, handler: Callable[[ActiveCall], Awaitable[object]], **options: Any
) -> AsyncIterator[Worker]:
    """Run a worker for the duration of the block, with a short lease."""
    options = {"lease_seconds": 1.0, **options}
    async with (
        open_simulator() as simulator,
        run_agent(handler, simulator) as client,
        open_directory(client, server.url, **options) as directory,
    ):
        worker = Worker(simulator, client, directory, Fleet(server.url))
        await worker.wait_current()
        yield worker


async def talk(call: ActiveCall) -> None:
    """Answer, and stay."""
    await call.answer()
    await call.wait_disconnected()


async def confer(call: ActiveCall) -> None:
    """Bring in the callee, and stay."""
    await call.connect()
    await call.wait_disconnected()
