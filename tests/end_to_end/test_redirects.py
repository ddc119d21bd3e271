"""An exchange that sends us elsewhere: neither a key nor a token goes there."""

import pytest
import trio

from tests.support.peers.exchange import FakeExchange, http
from trio_calls import CallState, WSSConnectionError, WSSMediaError, open_call_client

redirecting = pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
leading = pytest.mark.parametrize(
    "location", ["ws://elsewhere/", "wss://elsewhere/", "http://exchange/", "/", ""]
)


@redirecting
@leading
async def test_the_control_connection_does_not_follow(
    exchange: FakeExchange, status: int, location: str
) -> None:
    exchange.answers.append(http(status, Location=location))
    with pytest.raises(WSSConnectionError, match="redirects are not followed") as caught:
        async with open_call_client(exchange.config()):
            pytest.fail("it never stood")
    assert caught.value.status_code == status
    assert [attempt.host for attempt in exchange.attempts] == ["exchange"]


@redirecting
@leading
async def test_a_media_connection_does_not_follow_a_redirect(
    exchange: FakeExchange, status: int, location: str
) -> None:
    async with exchange.open_client() as (_, control, switchboard):
        await control.ring("s")
        call = await switchboard.next_call()
        exchange.answers.append(http(status, Location=location))
        with pytest.raises(WSSMediaError, match=f"HTTP {status}"):
            await call.answer()
        assert call.state is CallState.PENDING
        assert [attempt.host for attempt in exchange.attempts] == ["exchange"] * 2

        async with trio.open_nursery() as nursery:
            nursery.start_soon(call.answer)
            await (await exchange.media()).accept("call.answer")
