"""A handler that could never run is refused when it is registered."""

import functools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import trio
import trio.lowlevel

from tests.support.peers.one_call import FakeMedia
from trio_calls import ActiveCall, events, open_call_client, serve_calls
from trio_calls.call.scope import call_handler
from trio_calls.simulator import PhoneState, Simulator


async def asynchronous_generator(call: ActiveCall) -> AsyncIterator[str]:
    yield "progress"


def generator(call: ActiveCall) -> Iterator[str]:
    yield "progress"


class CalledLikeAFunction:
    async def __call__(self, call: ActiveCall) -> AsyncIterator[str]:
        yield "progress"


NEVER_RUN = [
    asynchronous_generator,
    generator,
    functools.partial(asynchronous_generator),
    CalledLikeAFunction(),
    "handle_call",
    None,
]


@pytest.mark.parametrize("handler", NEVER_RUN)
async def test_the_client_refuses_it(simulator: Simulator, handler: Any) -> None:
    async with open_call_client(simulator.config) as client:
        with pytest.raises(TypeError, match=r"generator|must be a plain or asynchronous function"):
            client.on(events.INCOMING_CALL)(handler)
        client.on(events.INCOMING_CALL)(ActiveCall.answer)


@pytest.mark.parametrize("handler", NEVER_RUN)
async def test_a_call_refuses_it(fake_media: FakeMedia, handler: Any) -> None:
    with pytest.raises(TypeError, match=r"generator|must be a plain or asynchronous function"):
        fake_media.make_call().active_call.on(events.CALL_ANSWERED)(handler)


async def test_one_that_hides_it_fails_like_any_other(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    def handle(call: ActiveCall) -> object:
        return asynchronous_generator(call)

    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, handle, simulator.config)
        call = simulator.place_call()
        await trio.sleep(1)
        assert call.caller.state is PhoneState.HUNG_UP
        nursery.cancel_scope.cancel()
    assert "it must not be a generator" in caplog.text


async def test_a_plain_function_may_return_what_is_awaited(fake_media: FakeMedia) -> None:
    answered: list[str] = []

    async def answer(call: ActiveCall) -> None:
        answered.append(call.call_id)

    def decide(call: ActiveCall) -> object:
        return answer(call)

    call = fake_media.make_call().active_call
    await call_handler(decide, call)
    assert answered == [call.call_id]
