"""Which context variables a handler sees: its client's, its own, and nobody else's."""

import contextvars

import attrs
import pytest
import trio

from trio_calls import ActiveCall, events, open_call_client
from trio_calls.simulator import Simulator

whose: contextvars.ContextVar[str] = contextvars.ContextVar("whose", default="nobody's")


@pytest.mark.parametrize("limit", [1, None])
async def test_each_call_begins_in_the_context_of_the_client(
    simulator: Simulator, limit: int | None
) -> None:
    found: list[str] = []

    async def handle(call: ActiveCall) -> None:
        found.append(whose.get())
        whose.set(f"the call of {call.caller_number}")
        await call.answer()
        await trio.sleep(0.5)

    config = attrs.evolve(simulator.config, max_concurrent_calls=limit)
    whose.set("the client's")
    async with open_call_client(config) as client:
        whose.set("the block's")
        client.on(events.INCOMING_CALL)(handle)
        calls = [simulator.place_call(caller=f"caller {number}") for number in range(4)]
        for call in calls:
            await call.wait_ended()
    assert found == ["the client's"] * 4


async def test_handlers_of_events_see_what_the_handler_has_bound(simulator: Simulator) -> None:
    seen: dict[str, str] = {}

    async def handle(call: ActiveCall) -> None:
        @call.on(events.CALL_ANSWERED)
        def plain() -> None:
            seen["plain"] = whose.get()
            whose.set("the plain one's")

        @call.on(events.CALL_TERMINATED)
        async def asynchronous() -> None:
            seen["asynchronous"] = whose.get()

        whose.set("the handler's")
        await call.answer()
        await call.wait_disconnected()
        assert whose.get() == "the handler's"

    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_CALL)(handle)
        call = simulator.place_call()
        await trio.sleep(1)
        call.caller.hang_up()
        await trio.sleep(1)
    assert seen == {"plain": "the handler's", "asynchronous": "the handler's"}
