"""Leaving the client's block, for whatever reason: every call is left, and nothing is left over."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from tests.support.peers.exchange import FakeExchange, Switchboard
from tests.support.peers.links import ControlEnd, MediaEnd
from trio_calls import CallClient, CallState, events, open_call_client, serve_calls

pytestmark = pytest.mark.slow


class BodyError(Exception):
    """What the body of a test raises."""


async def answer(exchange: FakeExchange, call_number: int, switchboard: Switchboard) -> MediaEnd:
    """Answer one of the calls that are held."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(switchboard.calls[call_number].answer)
        media = await exchange.media()
        await media.accept("call.answer")
    return media


@asynccontextmanager
async def open_busy_client(
    exchange: FakeExchange, answered: int = 2, **settings: float
) -> AsyncIterator[tuple[CallClient, ControlEnd, list[MediaEnd]]]:
    """A client with calls that were answered, and one that rings."""
    async with exchange.open_client(**settings) as (client, control, switchboard):
        medias = []
        for number in range(answered):
            await control.ring(f"answered-{number}")
            await switchboard.next_call()
            medias.append(await answer(exchange, number, switchboard))
        await control.ring("ringing")
        await switchboard.next_call()
        yield client, control, medias


async def leave(how: str, scope: trio.CancelScope) -> None:
    match how:
        case "with an error":
            raise BodyError
        case "by cancellation":
            scope.cancel()
            await trio.sleep_forever()


@pytest.mark.parametrize("how", ["normally", "with an error", "by cancellation"])
async def test_leaving_leaves_every_call_and_leaves_no_task(
    exchange: FakeExchange, how: str
) -> None:
    await trio.testing.wait_all_tasks_blocked()
    tasks_before = trio.lowlevel.current_statistics().tasks_living
    raised = None
    with trio.CancelScope() as scope:
        try:
            async with open_busy_client(exchange) as (client, control, medias):
                calls = client.calls
                await leave(how, scope)
        except* BodyError as errors:
            raised = errors
    assert (raised is not None) == (how == "with an error")
    assert scope.cancelled_caught == (how == "by cancellation")
    assert [call.state for call in calls] == [CallState.DISCONNECTED] * 3
    for media in medias:
        await media.expect_command("call.close")
        await media.over.wait()
    await control.over.wait()
    assert len(exchange.requests) == 3  # for the call that rang, nothing was opened
    await trio.testing.wait_all_tasks_blocked()
    assert trio.lowlevel.current_statistics().tasks_living == tasks_before


@pytest.mark.parametrize("grace", [0.5, 2, 7])
async def test_calls_that_cannot_be_left_are_dropped_after_the_grace(
    exchange: FakeExchange, grace: float
) -> None:
    async with open_busy_client(exchange, close_grace_seconds=grace) as (_, control, medias):
        pass  # the exchange does not answer call.close
    assert trio.current_time() == grace
    for end in (control, *medias):
        await end.over.wait()


async def test_an_exchange_that_is_silent_does_not_hold_the_client_up(
    exchange: FakeExchange,
) -> None:
    async with open_busy_client(exchange) as (_, control, medias):
        for end in (control, *medias):
            end.wire.go_silent()
    # 2 s for the calls, and as long for the goodbye on the control connection.
    assert trio.current_time() <= 4


async def test_a_call_that_is_left_well_costs_no_time(exchange: FakeExchange) -> None:
    async with trio.open_nursery() as nursery:
        async with open_busy_client(exchange) as (_, _, medias):
            for media in medias:
                nursery.start_soon(media.accept, "call.close")
        assert trio.current_time() == 0


async def test_leaving_while_there_is_no_connection_ends_at_once(exchange: FakeExchange) -> None:
    async with open_call_client(exchange.config()):
        exchange.answers.extend([OSError("down")] * 100)
        await (await exchange.control()).cut()
        await trio.sleep(30)
        attempts = len(exchange.attempts)
    assert trio.current_time() == 30
    await trio.sleep(30)
    assert len(exchange.attempts) == attempts


# Between the end of the block and that of the connection are a few scheduler ticks, in each of
# which the tasks run in any order.
TICKS = range(12)
REPEATS = 10


@pytest.mark.parametrize("ticks", TICKS)
async def test_an_offer_may_come_at_any_moment_of_leaving(
    exchange: FakeExchange, ticks: int
) -> None:
    async with trio.open_nursery() as nursery:
        for _ in range(REPEATS):
            async with exchange.open_client() as (_, control, switchboard):
                nursery.start_soon(control.offer, "s")
                for _ in range(ticks):
                    await trio.lowlevel.checkpoint()
            await control.over.wait()
    assert switchboard.calls == []


@pytest.mark.parametrize("ticks", TICKS)
async def test_the_exchange_may_hang_up_at_any_moment_of_leaving(
    exchange: FakeExchange, ticks: int
) -> None:
    async with trio.open_nursery() as nursery:
        for _ in range(REPEATS):
            exchange.attempts.clear()
            with trio.fail_after(2):
                async with open_call_client(exchange.config()):
                    control = await exchange.control()
                    nursery.start_soon(control.cut)
                    for _ in range(ticks):
                        await trio.lowlevel.checkpoint()
            await trio.sleep(30)
            assert len(exchange.attempts) == 1


async def test_what_is_registered_too_late_is_not_called(exchange: FakeExchange) -> None:
    exchange.greeting = [exchange.words.offer("s")]
    async with open_call_client(exchange.config()) as client:
        await trio.testing.wait_all_tasks_blocked()
    client.on(events.INCOMING_CALL)(Switchboard())
    assert await (await exchange.control()).rest() == []


async def test_serving_is_left_in_the_same_way(exchange: FakeExchange) -> None:
    switchboard = Switchboard()
    async with trio.open_nursery() as nursery:
        client = await nursery.start(serve_calls, switchboard, exchange.config())
        assert isinstance(client, CallClient)
        control = await exchange.control()
        await control.ring("s")
        call = await switchboard.next_call()
        media = await answer(exchange, 0, switchboard)
        assert client.calls == (call,)
        nursery.cancel_scope.cancel()
    await media.expect_command("call.close")
    await control.over.wait()
    assert call.state is CallState.DISCONNECTED


async def test_run_forever_runs_until_it_is_cancelled(exchange: FakeExchange) -> None:
    async with open_call_client(exchange.config()) as client:
        with trio.move_on_after(3600) as scope:
            await client.run_forever()
    assert scope.cancelled_caught
    assert trio.current_time() == 3600
