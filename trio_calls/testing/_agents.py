"""Runs the agent under test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio

from trio_calls import events
from trio_calls.call.active_call import ActiveCall
from trio_calls.call.scope import CallHandler, call_handler
from trio_calls.client.client import CallClient, open_call_client
from trio_calls.simulator import Simulator
from trio_calls.state import CallState
from trio_calls.testing._plain_errors import PlainErrors
from trio_calls.testing._timelines import collect_timelines


@asynccontextmanager
async def run_agent(
    handler: CallHandler, simulator: Simulator, **settings: Any
) -> AsyncIterator[CallClient]:
    """Handle the simulator's calls with a handler while the block runs.

    ::

        async with run_agent(handle_call, simulator):
            call = simulator.place_call()
            ...

    Error handling: an error of the handler ends the block and fails the test. What the handler or
    the block raises is raised as it is, and not in the exception groups of the nurseries between.
    If several tasks failed, it is a group.

    Args:
      handler: the agent: a plain or asynchronous function, called with each call.
      simulator: the simulator that the calls come from.
      settings: attributes of `ClientConfig` for the agent to run with, for instance
        ``max_concurrent_calls=2``.

    Cancellation, or an error, cancels the handlers. If the block ends well, handlers whose call is
    over may finish first, for ``after_call_seconds`` at the most; handlers of calls that go on are
    cancelled, and leave them.
    """
    __tracebackhide__ = True
    # Not ended here: what was said is asked for afterwards, too. It ends with the task's context.
    collect_timelines()
    config = attrs.evolve(simulator.config, **{"crash_on_handler_error": True, **settings})
    agent = _Agent(handler)
    with PlainErrors():
        async with open_call_client(config) as client:
            client.on(events.INCOMING_CALL)(agent.handle)
            yield client
            await agent.finish_calls(simulator)


class _Agent:
    """A handler, and which of its calls it has finished."""

    def __init__(self, handler: CallHandler) -> None:
        self._handler = handler
        self._done: dict[str, trio.Event] = {}

    async def handle(self, call: ActiveCall) -> None:
        __tracebackhide__ = True
        done = self._done[call.call_id] = trio.Event()
        try:
            await call_handler(self._handler, call)
        finally:
            done.set()

    async def finish_calls(self, simulator: Simulator) -> None:
        for call in simulator.calls:
            if call.agent_states[-1] is CallState.DISCONNECTED and call.call_id in self._done:
                await self._done[call.call_id].wait()
