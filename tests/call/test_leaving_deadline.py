"""The exchange is told within the grace, whatever the handler is still busy with."""

import threading
from collections.abc import Awaitable, Callable

import attrs
import pytest
import trio

from trio_calls import ActiveCall, CallState, EndCause, serve_calls
from trio_calls.audio import noise
from trio_calls.simulator import Simulator
from trio_calls.testing import heard

Handler = Callable[[ActiveCall], Awaitable[None]]
GOODBYE = noise(1.5, 24000, seed=1)


async def finish_slowly(call: ActiveCall) -> None:
    await call.answer()
    with trio.CancelScope(shield=True):
        await trio.sleep(12)


async def tidy_up_slowly(call: ActiveCall) -> None:
    await call.answer()
    try:
        await trio.sleep_forever()
    finally:
        with trio.CancelScope(shield=True):
            await trio.sleep(12)


@pytest.mark.parametrize("handler", [finish_slowly, tidy_up_slowly])
@pytest.mark.parametrize("how", ["drain", "cancel"])
async def test_a_handler_that_goes_on_holds_nobody(
    simulator: Simulator, handler: Handler, how: str
) -> None:
    calls: list[ActiveCall] = []

    async def handle(call: ActiveCall) -> None:
        calls.append(call)
        await handler(call)

    async with trio.open_nursery() as nursery:
        client = await nursery.start(serve_calls, handle, simulator.config)
        call = simulator.place_call()
        await trio.sleep(1)
        asked = trio.current_time()
        if how == "drain":
            nursery.start_soon(client.drain, 0)
        else:
            nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            await call.wait_agent_left()
        assert trio.current_time() - asked == pytest.approx(2, abs=0.05)
        nursery.cancel_scope.cancel()
    assert calls[0].ending is not None
    assert calls[0].ending.cause is EndCause.DRAINED


async def test_a_thread_that_goes_on_holds_nobody(simulator: Simulator) -> None:
    may_end = threading.Event()

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        await trio.to_thread.run_sync(may_end.wait)

    config = attrs.evolve(simulator.config, close_grace_seconds=0.2)
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, handle, config)
        call = simulator.place_call()
        await call.caller.wait_talking()
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            await call.wait_agent_left()
        assert call.agent_states[-1] is CallState.DISCONNECTED
        may_end.set()


async def say_and_wait(call: ActiveCall) -> None:
    await call.send_audio(GOODBYE)
    await call.wait_audio_sent()


async def say_and_close(call: ActiveCall) -> None:
    await call.send_audio(GOODBYE)
    await call.close()


async def say(call: ActiveCall) -> None:
    await call.send_audio(GOODBYE)


@pytest.mark.parametrize("say_goodbye", [say_and_wait, say_and_close, say])
async def test_a_goodbye_behind_a_shield_is_heard(
    simulator: Simulator, say_goodbye: Handler
) -> None:
    async def handle(call: ActiveCall) -> None:
        await call.answer()
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await say_goodbye(call)

    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, handle, simulator.config)
        call = simulator.place_call()
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    heard(call.caller, GOODBYE)


async def test_so_is_that_of_a_handler_that_swallows_its_end(simulator: Simulator) -> None:
    calls: list[ActiveCall] = []

    async def handle(call: ActiveCall) -> None:
        calls.append(call)
        await call.answer()
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            with trio.CancelScope(shield=True):
                await call.send_audio(GOODBYE)

    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, handle, simulator.config)
        call = simulator.place_call()
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    heard(call.caller, GOODBYE)
    assert calls[0].ending is not None
    assert calls[0].ending.cause is EndCause.DRAINED


async def test_what_was_queued_before_holds_nobody(simulator: Simulator) -> None:
    async def handle(call: ActiveCall) -> None:
        await call.answer()
        await call.send_audio(noise(10, 24000, seed=2))
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, handle, simulator.config)
        call = simulator.place_call()
        await trio.sleep(1)
        asked = trio.current_time()
        nursery.cancel_scope.cancel()
    assert call.agent_states[-1] is CallState.DISCONNECTED
    assert trio.current_time() - asked < 0.1
