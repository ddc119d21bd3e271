"""Plain sockets on loopback: a port where nobody listens, and one where a simulator does."""

import pytest
import trio

from trio_calls import (
    ActiveCall,
    CallState,
    ClientConfig,
    WSSUnreachableError,
    events,
    open_call_client,
)
from trio_calls.simulator import open_simulator

pytestmark = pytest.mark.slow


async def test_a_port_where_nobody_listens_is_unreachable() -> None:
    with trio.socket.socket() as taken:
        await taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        config = ClientConfig.sandbox(
            api_key="key", connector_uuid="uuid", base_url=f"ws://127.0.0.1:{port}"
        )
        with pytest.raises(WSSUnreachableError, match=f"127.0.0.1:{port}") as caught:
            async with open_call_client(config):
                pytest.fail("it never stood")
    assert "WSS_BASE_URL" in str(caught.value)


async def test_calls_over_sockets_are_each_answered_once() -> None:
    async with open_simulator(port=0) as simulator, open_call_client(simulator.config) as client:

        @client.on(events.INCOMING_CALL)
        async def handle(call: ActiveCall) -> None:
            await call.answer()
            await call.disconnect()

        calls = [simulator.place_call() for _ in range(20)]
        for call in calls:
            await call.wait_ended()
    expected = [CallState.PENDING, CallState.ANSWERED, CallState.DISCONNECTED]
    assert all(call.agent_states == expected for call in calls)
    assert simulator.violations == []
