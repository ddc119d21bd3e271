"""A thousand calls at once."""

from collections import Counter

import pytest
import trio

from tests.support.transports import on_one_transport
from trio_calls import ActiveCall, CallState, events, open_call_client
from trio_calls.config import WireName
from trio_calls.simulator import Simulator

pytestmark = pytest.mark.slow

#: What matters is that they are many; a thousand take long.
CALLS: dict[WireName, int] = {"first": 1000, "second": 200}


# Claims and answers are counted here: the others show that they come over either transport.
@on_one_transport
@pytest.mark.timeout(300)  # some seconds, but many more on a busy machine that measures coverage
async def test_of_a_burst_each_call_is_answered_once(simulator: Simulator, wire: WireName) -> None:
    handled: Counter[str] = Counter()
    all_answered = trio.Event()

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        handled[call.call_id] += 1
        if handled.total() == CALLS[wire]:
            all_answered.set()
        await all_answered.wait()
        await call.disconnect()

    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_CALL)(handle)
        calls = [simulator.place_call() for _ in range(CALLS[wire])]
        for call in calls:
            await call.wait_ended()
    assert handled == Counter(call.call_id for call in calls)
    expected = [CallState.PENDING, CallState.ANSWERED, CallState.DISCONNECTED]
    assert all(call.agent_states == expected for call in calls)
    assert simulator.violations == []
    assert trio.current_time() == 0  # nobody had to wait for anything but the processor


async def test_workers_share_a_burst_and_no_call_is_answered_twice(simulator: Simulator) -> None:
    handled: list[list[str]] = [[], [], []]
    async with (
        open_call_client(simulator.config) as first,
        open_call_client(simulator.config) as second,
        open_call_client(simulator.config) as third,
    ):
        for number, client in enumerate((first, second, third)):

            @client.on(events.INCOMING_CALL)
            async def handle(call: ActiveCall, number: int = number) -> None:
                await call.answer()
                handled[number].append(call.call_id)
                await call.disconnect()

        calls = [simulator.place_call() for _ in range(60)]
        for call in calls:
            await call.wait_ended()
    assert sorted(handled[0] + handled[1] + handled[2]) == sorted(call.call_id for call in calls)
    assert simulator.violations == []


async def test_calls_placed_before_anybody_listened_are_answered(
    simulator: Simulator,
) -> None:
    calls = [simulator.place_call() for _ in range(50)]
    async with open_call_client(simulator.config) as client:
        await trio.sleep(60)

        @client.on(events.INCOMING_CALL)
        async def handle(call: ActiveCall) -> None:
            await call.answer()
            await call.disconnect()

        for call in calls:
            await call.wait_ended()
    expected = [CallState.PENDING, CallState.ANSWERED, CallState.DISCONNECTED]
    assert all(call.agent_states == expected for call in calls)
