"""Draining: no new calls, those in progress to their end, and to their deadline at the latest."""

import logging
import math
from collections import Counter

import pytest
import trio
import trio.testing

from tests.support.peers.control_words import offer
from tests.support.peers.exchange import FakeExchange, Switchboard
from tests.support.phone_calls import A, C, D, P, speech
from tests.support.wires import on_the_first_wire
from trio_calls import ActiveCall, CallClient, CallState, events, open_call_client
from trio_calls.simulator import PhoneState, Simulator, answers

pytestmark = pytest.mark.slow


class Drain:
    """A drain in the background; when it was over, or None."""

    def __init__(
        self, nursery: trio.Nursery, client: CallClient, within_seconds: float | None = None
    ) -> None:
        self.over_at: float | None = None
        nursery.start_soon(self._run, client, within_seconds)

    async def _run(self, client: CallClient, within_seconds: float | None) -> None:
        await client.drain(within_seconds)
        self.over_at = trio.current_time()


async def test_without_calls_it_is_over_at_once_and_takes_no_more(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, control, switchboard):
        await client.drain()
        assert trio.current_time() == 0
        await control.offer("s")
        assert await control.rest() == []
        await control.cut()
        exchange.greeting = [exchange.words.offer("s")]
        newer = await exchange.control()
        await trio.sleep(20)
        assert await newer.rest() == []
        await client.drain()
        assert switchboard.calls == []


async def test_a_handler_that_comes_after_it_gets_no_calls(exchange: FakeExchange) -> None:
    exchange.greeting = [exchange.words.offer("s")]
    async with open_call_client(exchange.config()) as client:
        control = await exchange.control()
        await client.drain()
        client.on(events.INCOMING_CALL)(Switchboard())
        assert await control.rest() == []


async def test_it_waits_for_the_last_call_and_leaves_offers_alone(exchange: FakeExchange) -> None:
    async with (
        exchange.open_client(max_concurrent_calls=2) as (client, control, switchboard),
        trio.open_nursery() as nursery,
    ):
        await control.ring("first", "second")
        await control.offer("waits for room")
        drain = Drain(nursery, client)
        for _ in range(2):
            await trio.sleep(1000)
            assert drain.over_at is None
            await (await switchboard.next_call()).close()
        await trio.sleep(1000)
        assert drain.over_at == 2000
        assert await control.rest() == []


async def test_it_waits_for_what_a_handler_does_after_its_call(exchange: FakeExchange) -> None:
    async def write_minutes(call: ActiveCall) -> None:
        await call.wait_disconnected()
        await trio.sleep(5)

    async with (
        open_call_client(exchange.config()) as client,
        trio.open_nursery() as nursery,
    ):
        client.on(events.INCOMING_CALL)(write_minutes)
        control = await exchange.control()
        await control.ring("s")
        await trio.testing.wait_all_tasks_blocked()
        drain = Drain(nursery, client)
        await client.calls[0].close()
        await trio.sleep(10)
        assert drain.over_at == 5


@pytest.mark.parametrize("seconds", [0, 40])
async def test_a_claim_in_flight_that_is_granted_is_served(
    exchange: FakeExchange, seconds: float
) -> None:
    async with (
        exchange.open_client() as (client, control, switchboard),
        trio.open_nursery() as nursery,
    ):
        await control.offer("s")
        claim = await control.expect_claim("s")
        drain = Drain(nursery, client)
        await trio.sleep(seconds)
        await control.give(claim)
        media = await exchange.answer(await switchboard.next_call())
        await trio.sleep(100)
        assert drain.over_at is None
        await media.close()
        await trio.sleep(1)
        assert drain.over_at == seconds + 100


@pytest.mark.parametrize("end", ["refused", "the connection is lost"])
async def test_a_claim_in_flight_that_fails_is_not_made_again(
    exchange: FakeExchange, end: str
) -> None:
    async with (
        exchange.open_client() as (client, control, switchboard),
        trio.open_nursery() as nursery,
    ):
        await control.offer("s")
        await trio.testing.wait_all_tasks_blocked()
        drain = Drain(nursery, client)
        await trio.testing.wait_all_tasks_blocked()
        is_over = drain.over_at is not None
        assert not is_over
        if end == "refused":
            await control.refuse("s")
            await control.offer("s")
            assert await control.rest() == []
        else:
            await control.cut()
            exchange.greeting = [exchange.words.offer("s")]
            assert await (await exchange.control()).rest() == []
        assert drain.over_at is not None
        assert switchboard.calls == []


@on_the_first_wire
async def test_a_ringing_call_is_kept_over_a_reconnect(
    exchange: FakeExchange,
) -> None:
    async with (
        exchange.open_client() as (client, control, switchboard),
        trio.open_nursery() as nursery,
    ):
        await control.ring("s")
        drain = Drain(nursery, client)
        await control.cut()
        exchange.greeting = [offer("s"), offer("another")]
        newer = await exchange.control()
        await newer.grant("s")
        assert await newer.rest() == []
        media = await exchange.answer(await switchboard.next_call())
        assert drain.over_at is None
        await media.close()
        await trio.testing.wait_all_tasks_blocked()
        assert drain.over_at is not None


@pytest.mark.parametrize("is_answered", [True, False])
async def test_at_the_deadline_what_is_left_is_cancelled(
    exchange: FakeExchange, is_answered: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        exchange.open_client() as (client, control, switchboard),
        trio.open_nursery() as nursery,
    ):
        await control.ring("in-time")
        in_time = await switchboard.next_call()
        await control.ring("too-long")
        late = await switchboard.next_call()
        if is_answered:
            nursery.start_soon((await exchange.answer(late)).accept, "call.close")
        drain = Drain(nursery, client, 60)
        await trio.sleep(30)
        await in_time.close()
        await trio.sleep(29.9)
        assert (switchboard.held, drain.over_at) == (1, None)
        await trio.sleep(0.2)
        assert (switchboard.held, drain.over_at) == (0, 60)
        assert late.state is CallState.DISCONNECTED
        assert client.calls == ()
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [late.call_id in record.message for record in warnings] == [True]


async def test_a_silent_exchange_delays_the_end_by_the_grace_at_most(
    exchange: FakeExchange,
) -> None:
    async with exchange.open_client(close_grace_seconds=3) as (client, control, switchboard):
        await control.ring("s")
        media = await exchange.answer(await switchboard.next_call())
        media.wire.go_silent()
        await client.drain(10)
        assert trio.current_time() == 13


async def test_an_unanswered_claim_does_not_outlast_the_deadline(
    exchange: FakeExchange,
) -> None:
    async with exchange.open_client() as (client, control, _):
        await control.offer("s")
        await control.expect_claim("s")
        await client.drain(10)
        assert trio.current_time() == 10


@pytest.mark.parametrize(
    ("first", "second", "over_at"),
    [
        (60, 5, 15),
        (60, None, 60),
        (60, 100, 60),
        (60, 0, 10),
        (60, math.inf, 60),
        (None, 20, 30),
        (None, 0, 10),
    ],
)
async def test_a_second_drain_may_only_bring_the_deadline_forward(
    exchange: FakeExchange, first: float | None, second: float | None, over_at: float
) -> None:
    async with (
        exchange.open_client() as (client, control, switchboard),
        trio.open_nursery() as nursery,
    ):
        await control.ring("s")
        await switchboard.next_call()
        drains = [Drain(nursery, client, first)]
        await trio.sleep(10)
        drains.append(Drain(nursery, client, second))
        await trio.sleep(200)
        assert [drain.over_at for drain in drains] == [over_at, over_at]


async def test_cancelling_the_wait_keeps_draining(
    exchange: FakeExchange,
) -> None:
    async with exchange.open_client() as (client, control, switchboard):
        await control.ring("s")
        await switchboard.next_call()
        with trio.move_on_after(1) as waiting:
            await client.drain(10)
        assert waiting.cancelled_caught
        await control.offer("another")
        assert await control.rest() == []
        await trio.sleep(8.9)
        assert switchboard.held == 1
        await trio.sleep(0.2)
        assert switchboard.held == 0


@pytest.mark.parametrize("seconds", [-1, -math.inf, math.nan, "10", True])
async def test_a_time_that_makes_no_sense_stops_nothing(
    exchange: FakeExchange, seconds: float
) -> None:
    async with exchange.open_client() as (client, control, _):
        with pytest.raises(ValueError, match="within_seconds"):
            await client.drain(seconds)
        await control.ring("s")


async def test_it_is_always_a_checkpoint(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, _, _):
        with trio.testing.assert_checkpoints():
            await client.drain()


@pytest.mark.parametrize("returns", ["before", "meanwhile"])
async def test_a_conference_without_a_handler_goes_on(simulator: Simulator, returns: str) -> None:
    async def connect(call: ActiveCall) -> None:
        await call.connect()
        if returns == "meanwhile":
            await trio.sleep(20)

    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_CALL)(connect)
        call = simulator.place_call(pickup=answers(after_seconds=2))
        await call.callee.wait_talking()
        await trio.sleep(10)
        assert call.agent_states == [P, C]
        began = trio.current_time()
        await client.drain()
        if returns == "before":
            assert trio.current_time() == pytest.approx(began, abs=0.1)
        else:
            assert trio.current_time() == pytest.approx(began + 10, abs=0.1)
        assert call.agent_states == [P, C, D]
    assert call.caller.state is call.callee.state is PhoneState.TALKING
    await call.caller.say(speech(1))
    await trio.sleep(1)
    assert speech(1) in call.callee.heard
    call.caller.hang_up()
    await call.wait_ended()
    assert simulator.violations == []


async def test_a_call_in_progress_is_heard_to_its_last_word(simulator: Simulator) -> None:
    async def say_goodbye_slowly(call: ActiveCall) -> None:
        await call.answer()
        await trio.sleep(3)
        await call.send_audio(speech(1, seconds=2))

    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_CALL)(say_goodbye_slowly)
        call = simulator.place_call()
        await call.caller.wait_talking()
        await client.drain(10)
        # A call that came when it had begun is for another worker.
    await call.wait_ended()
    assert speech(1, seconds=2) in call.caller.heard
    assert call.agent_states == [P, A, D]


async def test_what_a_draining_worker_leaves_another_one_takes(simulator: Simulator) -> None:
    served: list[tuple[str, str]] = []
    async with (
        open_call_client(simulator.config) as old,
        open_call_client(simulator.config) as new,
    ):
        for client, name in ((old, "old"), (new, "new")):

            @client.on(events.INCOMING_CALL)
            async def handle(call: ActiveCall, name: str = name) -> None:
                served.append((name, call.call_id))
                await call.answer()
                await call.wait_disconnected()

        await old.drain()
        calls = [simulator.place_call() for _ in range(10)]
        for call in calls:
            await call.caller.wait_talking()
            call.caller.hang_up()
            await call.wait_ended()
    assert Counter(served) == Counter(("new", call.call_id) for call in calls)
