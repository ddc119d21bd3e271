"""SIGTERM while calls are served: it drains, a second one hurries, and nothing is left installed.

The signals are real, the time is not. Whole processes: tests/sockets/test_sigterm.py.
"""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from tests.support.peers.exchange import FakeExchange, Switchboard, open_exchange
from tests.support.peers.links import ControlEnd
from trio_calls import ActiveCall, open_call_client, serve_calls
from trio_calls.concurrency.termination import open_termination_receiver
from trio_calls.config import WireName
from trio_calls.wire.commands import CallEvent

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def nothing_stays_installed() -> Iterator[None]:
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    yield
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


async def terminate() -> None:
    assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
    signal.raise_signal(signal.SIGTERM)
    await trio.testing.wait_all_tasks_blocked()


class Serving:
    """`serve_calls` in the background, with a call; when it was over, or None."""

    call: ActiveCall

    def __init__(self, exchange: FakeExchange) -> None:
        self.switchboard = Switchboard()
        self.over_at: float | None = None
        self._exchange = exchange
        self._scope = trio.CancelScope()

    async def run(self, settings: dict[str, float]) -> None:
        with self._scope:
            await serve_calls(self.switchboard, self._exchange.config(**settings))
            self.over_at = trio.current_time()

    async def end_call(self) -> None:
        """Let the call be answered, and its caller hang up."""
        media = await self._exchange.answer(self.call)
        await media.send(CallEvent("call.terminated"))

    def stop(self) -> None:
        self._scope.cancel()


@asynccontextmanager
async def serving_a_call(
    exchange: FakeExchange, **settings: float
) -> AsyncIterator[tuple[Serving, ControlEnd]]:
    serving = Serving(exchange)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serving.run, settings)
        control = await exchange.control()
        await control.ring("s")
        serving.call = await serving.switchboard.next_call()
        yield serving, control


async def test_a_signal_lets_calls_finish_and_ends_serving(exchange: FakeExchange) -> None:
    async with serving_a_call(exchange) as (serving, control):
        await terminate()
        await control.offer("another")
        await trio.sleep(20)
        assert await control.rest() == []
        assert (serving.switchboard.held, serving.over_at) == (1, None)
        await serving.end_call()
        await control.over.wait()
    assert serving.over_at == 20


@pytest.mark.parametrize("seconds", [5, 25, 100])
async def test_the_deadline_is_a_setting(exchange: FakeExchange, seconds: float) -> None:
    async with serving_a_call(exchange, drain_seconds=seconds) as (serving, control):
        await terminate()
        await control.over.wait()
    assert serving.over_at == seconds
    assert serving.switchboard.held == 0


async def test_a_second_signal_ends_the_calls(exchange: FakeExchange) -> None:
    async with serving_a_call(exchange) as (serving, control):
        await terminate()
        await trio.sleep(5)
        await terminate()
        await control.over.wait()
    assert serving.over_at == 5
    assert serving.switchboard.held == 0


async def test_two_signals_at_once_are_two(exchange: FakeExchange) -> None:
    async with serving_a_call(exchange) as (serving, control):
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        await control.over.wait()
    assert serving.over_at == 0


@pytest.mark.parametrize("ends_first", [0, 1])
async def test_every_client_of_a_process_hears_of_it(
    exchange: FakeExchange, wire: WireName, ends_first: int
) -> None:
    async with (
        open_exchange(wire) as other_exchange,
        serving_a_call(exchange) as first,
        serving_a_call(other_exchange) as second,
    ):
        await terminate()
        both = [first, second]
        for serving, control in (both[ends_first], both[1 - ends_first]):
            await trio.sleep(5)
            assert serving.over_at is None
            await serving.end_call()
            await control.over.wait()


async def test_a_cancelled_client_takes_no_signal_from_another(
    exchange: FakeExchange, wire: WireName
) -> None:
    async with (
        open_exchange(wire) as other_exchange,
        open_call_client(other_exchange.config()) as client,
    ):
        async with serving_a_call(exchange) as (serving, control):
            with trio.move_on_after(1):
                await client.run_forever()
            await terminate()
            await serving.end_call()
            await control.over.wait()
        assert serving.over_at == 1


async def test_an_application_keeps_the_signals_it_receives_itself(
    exchange: FakeExchange,
) -> None:
    with trio.open_signal_receiver(signal.SIGTERM) as signals:
        async with serving_a_call(exchange) as (serving, _):
            await terminate()
            with trio.fail_after(1):
                assert await anext(signals) == signal.SIGTERM
            await trio.sleep(1000)
            assert (serving.switchboard.held, serving.over_at) == (1, None)
            serving.stop()


def test_outside_the_main_thread_nothing_is_installed() -> None:
    async def run_in_thread() -> bool:
        async with open_exchange() as exchange, open_call_client(exchange.config()) as client:
            with trio.move_on_after(3600) as scope:
                await client.run_forever()
        return scope.cancelled_caught

    async def main() -> bool:
        return await trio.to_thread.run_sync(run_apart)

    def run_apart() -> bool:
        return trio.run(run_in_thread, clock=trio.testing.MockClock(autojump_threshold=0))

    assert trio.run(main)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no process is forked on this system")
@pytest.mark.parametrize("from_thread", [False, True])
async def test_a_forked_process_dies_of_the_signal(
    exchange: FakeExchange, from_thread: bool
) -> None:
    def fork() -> int:
        child = os.fork()
        if child == 0:  # pragma: no cover  # nobody counts there
            signal.raise_signal(signal.SIGTERM)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    async with serving_a_call(exchange) as (serving, control):
        status = await trio.to_thread.run_sync(fork) if from_thread else fork()
        assert status == -signal.SIGTERM
        assert (serving.switchboard.held, serving.over_at) == (1, None)
        await terminate()
        await serving.end_call()
        await control.over.wait()
    assert serving.over_at is not None


def test_a_handler_put_back_late_does_not_stop_the_next() -> None:
    async def listen() -> object:
        with open_termination_receiver():
            return signal.getsignal(signal.SIGTERM)

    async def hear() -> None:
        with open_termination_receiver() as terminations:
            signal.raise_signal(signal.SIGTERM)
            with trio.fail_after(5):
                await terminations.receive()

    stale = trio.run(listen)
    assert callable(stale)
    signal.signal(signal.SIGTERM, stale)
    trio.run(hear)
