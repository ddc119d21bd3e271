"""The agent that is tested: its calls, its errors, its end."""

import pytest
import trio

from tests.support.wires import on_both_wires
from trio_calls import ActiveCall
from trio_calls.call.scope import CallHandler
from trio_calls.simulator import PhoneState, Simulator
from trio_calls.testing import run_agent

pytestmark = on_both_wires


async def wait_forever(call: ActiveCall) -> None:
    await call.answer()
    await trio.sleep_forever()


async def call_for_ten_minutes(handler: CallHandler, simulator: Simulator) -> None:
    async with run_agent(handler, simulator):
        simulator.place_call()
        await trio.sleep(600)


async def call_and_hang_up(handler: CallHandler, simulator: Simulator) -> None:
    async with run_agent(handler, simulator):
        call = simulator.place_call(caller="+1")
        await call.caller.wait_talking()
        call.caller.hang_up()


async def test_a_crash_comes_out_as_it_was_raised(simulator: Simulator) -> None:
    async def crash(call: ActiveCall) -> None:
        try:
            await call.answer()
            raise KeyError("customer")
        except KeyError as error:
            raise LookupError("no such customer") from error

    with pytest.raises(LookupError, match="no such customer") as caught:
        await call_for_ten_minutes(crash, simulator)
    assert isinstance(caught.value.__cause__, KeyError)
    assert caught.value.__context__ is caught.value.__cause__


async def test_a_crash_cuts_the_block_short(simulator: Simulator) -> None:
    async def crash(call: ActiveCall) -> None:
        await trio.sleep(3)
        raise LookupError

    with pytest.raises(LookupError):
        await call_for_ten_minutes(crash, simulator)
    assert trio.current_time() == pytest.approx(3)


async def test_an_error_of_the_block_comes_out_as_it_was_raised(simulator: Simulator) -> None:
    error = AssertionError("no")
    with pytest.raises(AssertionError) as caught:
        async with run_agent(wait_forever, simulator):
            raise error
    assert caught.value is error
    assert error.__context__ is None


async def test_several_errors_come_out_together(simulator: Simulator) -> None:
    async def crash(call: ActiveCall) -> None:
        await trio.sleep(1)
        raise LookupError

    async def call_twice() -> None:
        async with run_agent(crash, simulator):
            simulator.place_call()
            simulator.place_call()
            await trio.sleep_forever()

    with pytest.raises(ExceptionGroup) as caught:
        await call_twice()
    assert len(caught.value.exceptions) == 2
    assert caught.group_contains(LookupError)


async def test_a_handler_finishes_its_work_after_the_call(simulator: Simulator) -> None:
    minutes = []

    async def take_minutes(call: ActiveCall) -> None:
        await call.answer()
        await call.wait_disconnected()
        await trio.sleep(5)
        minutes.append(call.caller_number)

    await call_and_hang_up(take_minutes, simulator)
    assert minutes == ["+1"]


async def test_a_crash_after_the_call_is_a_crash(simulator: Simulator) -> None:
    async def crash(call: ActiveCall) -> None:
        await call.answer()
        await call.wait_disconnected()
        raise LookupError

    with pytest.raises(LookupError):
        await call_and_hang_up(crash, simulator)


async def test_a_call_that_goes_on_is_left(simulator: Simulator) -> None:
    async with run_agent(wait_forever, simulator) as client:
        call = simulator.place_call()
        await call.caller.wait_talking()
        assert [active.call_id for active in client.calls] == [call.call_id]
    assert call.ended
    assert client.calls == ()


async def test_a_plain_function_is_a_handler_too(simulator: Simulator) -> None:
    numbers = []

    def note(call: ActiveCall) -> None:
        numbers.append(call.caller_number)

    async with run_agent(note, simulator):
        await simulator.place_call(caller="+1").wait_claimed()
        await trio.sleep(1)
    assert numbers == ["+1"]


async def test_settings_are_the_agents(simulator: Simulator) -> None:
    async with run_agent(wait_forever, simulator, max_concurrent_calls=1):
        first, second = simulator.place_call(), simulator.place_call()
        await trio.sleep(1)
        assert (first.caller.state, second.caller.state) == (
            PhoneState.TALKING,
            PhoneState.CALLING,
        )
