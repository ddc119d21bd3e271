"""What a handler raises ends its own call, whatever it is, unless it is to end the program."""

import asyncio
from collections.abc import Awaitable, Callable

import attrs
import pytest
import trio
import trio.testing

from trio_calls import ActiveCall, CallState, events, open_call_client
from trio_calls.simulator import Simulator

Raiser = Callable[[], Awaitable[None]]


async def raise_asyncio_cancelled() -> None:
    def wait_in_vain() -> None:
        raise asyncio.CancelledError

    await trio.to_thread.run_sync(wait_in_vain)


async def raise_generator_exit() -> None:
    raise GeneratorExit


async def raise_a_group() -> None:
    raise BaseExceptionGroup("several", [ValueError("one"), GeneratorExit()])


async def raise_what_python_has_no_name_for() -> None:
    raise BaseException("of a kind of its own")


RAISERS = [
    raise_asyncio_cancelled,
    raise_generator_exit,
    raise_a_group,
    raise_what_python_has_no_name_for,
]


async def tidy_up_badly() -> None:
    try:
        await trio.sleep_forever()
    finally:
        raise ValueError("the database is gone")


async def work_with_two_tasks() -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tidy_up_badly)
        nursery.start_soon(trio.sleep_forever)


@pytest.mark.parametrize("raiser", RAISERS)
@pytest.mark.parametrize("where", ["handler", "event"])
async def test_the_other_calls_go_on(
    simulator: Simulator, caplog: pytest.LogCaptureFixture, raiser: Raiser, where: str
) -> None:
    async def handle(call: ActiveCall) -> None:
        if where == "event":
            call.on(events.CALL_ANSWERED)(raiser)
        await call.answer()
        if call.caller_number == "bad" and where == "handler":
            await raiser()
        await call.wait_disconnected()

    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_CALL)(handle)
        good = simulator.place_call(caller="good")
        bad = simulator.place_call(caller="bad")
        if where == "handler":
            # One of them comes out of a thread, which takes real time.
            await bad.wait_agent_left()
        else:
            await trio.sleep(1)
            assert bad.agent_states[-1] is CallState.ANSWERED
        assert good.agent_states[-1] is CallState.ANSWERED
        good.caller.hang_up()
        bad.caller.hang_up()
    assert "failed" in caplog.text


async def test_a_plain_handler_of_an_event_may_raise_anything(simulator: Simulator) -> None:
    async def handle(call: ActiveCall) -> None:
        @call.on(events.CALL_ANSWERED)
        def fail() -> None:
            raise GeneratorExit

        await call.answer()
        await call.wait_disconnected()

    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_CALL)(handle)
        call = simulator.place_call()
        await trio.sleep(1)
        assert call.agent_states[-1] is CallState.ANSWERED
        call.caller.hang_up()


@pytest.mark.parametrize("where", ["handler", "event"])
async def test_failing_while_being_cancelled_ends_nothing_else(
    simulator: Simulator, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    async def handle(call: ActiveCall) -> None:
        if call.caller_number == "bad" and where == "event":
            call.on(events.CALL_ANSWERED)(work_with_two_tasks)
        await call.answer()
        if call.caller_number == "bad" and where == "handler":
            await work_with_two_tasks()
        await call.wait_disconnected()
        await trio.sleep(60 if call.caller_number == "bad" else 0)

    config = attrs.evolve(simulator.config, after_call_seconds=1)
    async with open_call_client(config) as client:
        client.on(events.INCOMING_CALL)(handle)
        good = simulator.place_call(caller="good")
        bad = simulator.place_call(caller="bad")
        await trio.sleep(1)
        bad.caller.hang_up()
        await trio.sleep(5)
        assert good.agent_states[-1] is CallState.ANSWERED
        assert [call.caller_number for call in client.calls] == ["good"]
        good.caller.hang_up()
    assert "the database is gone" in caplog.text


async def test_failing_at_the_deadline_of_a_drain_is_contained(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    async def handle(call: ActiveCall) -> None:
        await call.answer()
        await work_with_two_tasks()

    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_CALL)(handle)
        calls = [simulator.place_call() for _ in range(2)]
        await trio.sleep(1)
        await client.drain(2)
        assert [call.agent_states[-1] for call in calls] == [CallState.DISCONNECTED] * 2
    assert caplog.text.count("the database is gone") >= 2


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("where", ["handler", "plain event", "asynchronous event"])
async def test_what_ends_the_program_leaves_every_call(
    simulator: Simulator, kind: type[BaseException], where: str
) -> None:
    async def fail() -> None:
        raise kind

    def fail_plainly() -> None:
        raise kind

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        if call.caller_number == "bad":
            if where == "handler":
                await fail()
            failing = fail if where == "asynchronous event" else fail_plainly
            call.on(events.CALL_CONNECTED)(failing)
            await call.connect()
        await call.wait_disconnected()

    good = simulator.place_call(caller="good")

    async def run() -> None:
        async with open_call_client(simulator.config) as client:
            client.on(events.INCOMING_CALL)(handle)
            await trio.sleep(1)
            simulator.place_call(caller="bad")
            await trio.sleep_forever()

    with pytest.raises(kind):
        await run()
    assert good.agent_states[-1] is CallState.DISCONNECTED
