"""A control connection that can be read and not be written is replaced at once."""

import errno

import pytest
import trio

from tests.support.peers.exchange import FakeExchange
from trio_calls import CallState


@pytest.mark.parametrize(
    "trouble",
    [
        trio.BrokenResourceError("no buffer space available"),
        OSError(errno.ENOBUFS, "no buffer space available"),
        RuntimeError("of a stream of the application's own"),
    ],
)
@pytest.mark.parametrize("how", ["claim", "ping"])
async def test_a_torn_control_connection_is_replaced(
    exchange: FakeExchange, trouble: Exception, how: str
) -> None:
    async with exchange.open_client() as (_, control, switchboard):
        await control.ring("one")
        call = await switchboard.next_call()
        await exchange.answer(call)
        media = exchange.sdk_ends.pop()
        exchange.tear_sender(trouble)
        exchange.sdk_ends.append(media)
        begun = trio.current_time()
        if how == "claim":
            await control.offer("two")
        renewed = await exchange.control()
        # Half a second at the most is waited before the first new attempt.
        assert trio.current_time() - begun <= (16 if how == "ping" else 1)
        assert call.state is CallState.ANSWERED
        await renewed.ring("two")
        assert (await switchboard.next_call()).call_id == "call of two"
