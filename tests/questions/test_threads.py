"""A handler is in a thread when it is to end: the call does not wait, the block does."""

from __future__ import annotations

import threading
from contextlib import nullcontext

import attrs
import pytest
import trio

from tests.support.phone_calls import speech
from tests.support.served_calls import hang_up_after, served_call
from tests.support.transports import on_one_transport
from trio_calls import ActiveCall, CallState, serve_calls
from trio_calls.simulator import Simulator
from trio_calls.testing import _virtual_time

CHUNK = speech(1)  # a second


@pytest.fixture(autouse=True)
def time_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let virtual time pass while a thread waits for an event of the test."""
    monkeypatch.setattr(_virtual_time, "_THREAD_SECONDS", 0.01)


async def test_a_thread_holds_up_the_block_and_not_the_call(simulator: Simulator) -> None:
    may_end = threading.Event()
    is_over = trio.Event()

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        await trio.to_thread.run_sync(may_end.wait)

    async def serve() -> None:
        try:
            await serve_calls(handle, config)
        finally:
            is_over.set()

    config = attrs.evolve(simulator.config, close_grace_seconds=0.2)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        call = simulator.place_call()
        await call.caller.wait_talking()
        await trio.sleep(0.1)
        nursery.cancel_scope.cancel()
        cancelled_at = trio.current_time()
        with trio.CancelScope(shield=True):
            await call.wait_ended()
            assert trio.current_time() - cancelled_at == pytest.approx(0.2, abs=0.05)
            assert call.agent_states[-1] is CallState.DISCONNECTED
            await trio.sleep(60)
            assert not is_over.is_set()
            may_end.set()
            await is_over.wait()


@pytest.mark.parametrize("is_abandoned", [False, True])
async def test_a_thread_when_the_caller_hangs_up(simulator: Simulator, is_abandoned: bool) -> None:
    may_end = threading.Event()
    went_on: list[float] = []

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        with call.cancel_on_hangup():
            await trio.to_thread.run_sync(may_end.wait, abandon_on_cancel=is_abandoned)
        went_on.append(trio.current_time())

    async with served_call(simulator, handle) as call:
        await call.caller.wait_talking()
        await trio.sleep(0.1)
        call.caller.hang_up()
        hung_up_at = trio.current_time()
        await trio.sleep(20)
        assert went_on == pytest.approx([hung_up_at] if is_abandoned else [], abs=0.001)
        may_end.set()
    assert len(went_on) == 1


@on_one_transport
@pytest.mark.parametrize("has_scope", [False, True])
async def test_a_hangup_ends_a_thread_that_sends(
    simulator: Simulator, has_scope: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The thread has so long for its own steps, however busy the machine is.
    monkeypatch.setattr(_virtual_time, "_THREAD_SECONDS", 0.05)
    sent: list[float] = []
    cancelled_at: list[int] = []
    left_at: list[float] = []

    def synthesize(call: ActiveCall) -> None:
        try:
            for _ in range(600):
                trio.from_thread.run(call.send_audio, CHUNK)
                sent.append(trio.from_thread.run_sync(trio.current_time))
        except trio.Cancelled:
            cancelled_at.append(len(sent))
            raise

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        with call.cancel_on_hangup() if has_scope else nullcontext():
            try:
                await trio.to_thread.run_sync(synthesize, call)
            finally:
                left_at.append(trio.current_time())

    async with served_call(simulator, handle) as call:
        hung_up_at = await hang_up_after(call, 0.2)
    # While a thread is slow, virtual time passes in tiny steps.
    assert left_at == pytest.approx([hung_up_at + (0 if has_scope else 30)], abs=0.001)
    assert cancelled_at == [len(sent)]
    went_on = [at - hung_up_at for at in sent if at >= hung_up_at]
    # As much as the queue holds takes no time, and the rest what it would have played.
    assert went_on == [] if has_scope else 22 < len(went_on) < 22 + 30 + 2
