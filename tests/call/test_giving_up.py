"""Callers whose handler fails while they hear ringing: what becomes of them."""

import attrs
import pytest
import trio
import trio.testing

from tests.support.peers.one_call import FakeMedia
from trio_calls import (
    ActiveCall,
    CallState,
    EndCause,
    WSSCallCommandError,
    WSSMediaError,
    serve_calls,
)
from trio_calls.audio import noise
from trio_calls.call.scope import CallHandler
from trio_calls.config import OnHandlerFailure
from trio_calls.simulator import PhoneState, Simulator, answers, never_answers
from trio_calls.testing import hears


async def fail(call: ActiveCall) -> None:
    raise RuntimeError("no database")


def return_at_once(call: ActiveCall) -> None:
    assert call.state is CallState.PENDING


async def fail_after_connecting_in_vain(call: ActiveCall) -> None:
    with pytest.raises(WSSCallCommandError):
        await call.connect(ring_time_seconds=1)
    raise RuntimeError("what now?")


async def fail_while_it_answers(call: ActiveCall) -> None:
    with trio.move_on_after(0):
        await call.answer()
    raise RuntimeError("no patience")


FAILING = [fail, return_at_once, fail_after_connecting_in_vain, fail_while_it_answers]


@pytest.mark.parametrize("handler", FAILING)
async def test_the_caller_is_declined(
    simulator: Simulator, caplog: pytest.LogCaptureFixture, handler: CallHandler
) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, handler, simulator.config)
        call = simulator.place_call(pickup=never_answers())
        await trio.sleep(2)
        assert call.caller.state is PhoneState.HUNG_UP
        assert call.agent_states == [CallState.PENDING, CallState.DISCONNECTED]
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("handler", [fail, return_at_once])
async def test_or_put_through_to_the_callee(simulator: Simulator, handler: CallHandler) -> None:
    config = attrs.evolve(simulator.config, on_handler_failure="connect")
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, handler, config)
        call = simulator.place_call(pickup=answers(after_seconds=3))
        await trio.sleep(5)
        assert call.agent_states[-1] is CallState.DISCONNECTED
        speech = noise(1, 24000, seed=1)
        await call.caller.say(speech)
        await hears(call.callee, speech)
        call.caller.hang_up()
        nursery.cancel_scope.cancel()


async def test_the_connect_of_the_handler_itself_may_come_first(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail_while_it_rings(call: ActiveCall) -> None:
        calls.append(call)
        with trio.move_on_after(1):
            await call.connect()
        raise RuntimeError("no patience")

    calls: list[ActiveCall] = []
    config = attrs.evolve(simulator.config, on_handler_failure="connect")
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, fail_while_it_rings, config)
        call = simulator.place_call(pickup=answers(after_seconds=3))
        await call.wait_agent_left()
        assert call.caller.state is call.callee.state is PhoneState.TALKING
        call.caller.hang_up()
        nursery.cancel_scope.cancel()
    assert calls[0].ending is not None
    assert calls[0].ending.cause is EndCause.FAILED
    assert "could not be given up" not in caplog.text


async def test_a_callee_who_does_not_answer_either_is_a_decline(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    config = attrs.evolve(simulator.config, on_handler_failure="connect")
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, fail, config)
        call = simulator.place_call(pickup=never_answers())
        await trio.sleep(62)
        assert call.caller.state is PhoneState.HUNG_UP
        assert "CALL_UNANSWERED" in caplog.text
        nursery.cancel_scope.cancel()


async def test_or_left_ringing(simulator: Simulator) -> None:
    config = attrs.evolve(simulator.config, on_handler_failure="ring")
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, fail, config)
        call = simulator.place_call()
        await trio.sleep(30)
        assert call.caller.state is PhoneState.CALLING
        call.caller.hang_up()
        nursery.cancel_scope.cancel()


async def test_who_lets_go_of_a_call_has_not_failed(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, ActiveCall.close, simulator.config)
        call = simulator.place_call()
        await trio.sleep(30)
        assert call.caller.state is PhoneState.CALLING
        assert caplog.records == []
        call.caller.hang_up()
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("how", ["drain", "cancel"])
async def test_who_is_cancelled_has_not_failed(
    simulator: Simulator, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    async def fail_to_tidy_up(call: ActiveCall) -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise RuntimeError("untidy")

    async with trio.open_nursery() as nursery:
        client = await nursery.start(serve_calls, fail_to_tidy_up, simulator.config)
        call = simulator.place_call()
        await trio.sleep(1)
        if how == "drain":
            await client.drain(1)
        nursery.cancel_scope.cancel()
    assert call.caller.state is PhoneState.CALLING
    call.caller.hang_up()
    assert "untidy" in caplog.text


async def test_nor_has_who_swallows_that(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    async def do_nothing(call: ActiveCall) -> None:
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            return

    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, do_nothing, simulator.config)
        call = simulator.place_call()
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    assert call.caller.state is PhoneState.CALLING
    call.caller.hang_up()
    assert not caplog.records


async def test_the_hangup_of_the_caller_is_no_failure(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(call: ActiveCall) -> None:
        await call.wait_disconnected()
        await call.answer()

    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, handler, simulator.config)
        call = simulator.place_call()
        await trio.sleep(1)
        call.caller.hang_up()
        await trio.sleep(1)
        assert caplog.records == []
        nursery.cancel_scope.cancel()


async def test_a_decline_that_cannot_be_sent_is_tried_again(simulator: Simulator) -> None:
    async def handler(call: ActiveCall) -> None:
        with pytest.raises(WSSMediaError):
            await call.answer()
        raise RuntimeError("no way to the exchange")

    attempts = 0
    simulator_stream = simulator.config.open_stream
    assert simulator_stream is not None

    async def fail_at_first(host: str, port: int) -> trio.abc.Stream:
        nonlocal attempts
        attempts += 1
        if 2 <= attempts <= 4:
            raise OSError("no route")
        return await simulator_stream(host, port)

    config = attrs.evolve(simulator.config, open_stream=fail_at_first)
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, handler, config)
        call = simulator.place_call()
        await trio.sleep(10)
        assert call.caller.state is PhoneState.HUNG_UP
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("how", ["decline", "connect"])
async def test_what_cannot_be_sent_for_long_is_logged(
    fake_media: FakeMedia, caplog: pytest.LogCaptureFixture, how: OnHandlerFailure
) -> None:
    async def unreachable(host: str, port: int) -> trio.abc.Stream:
        raise OSError("no route")

    began = trio.current_time()
    call = await fake_media.run(fail, open_stream=unreachable, on_handler_failure=how)
    assert trio.current_time() - began <= 32
    assert "its caller may ring on" in caplog.text
    assert call.ending is not None
    assert call.ending.cause is EndCause.FAILED


async def test_a_refused_decline_is_logged(
    fake_media: FakeMedia, caplog: pytest.LogCaptureFixture
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fake_media.run, fail)
        await fake_media.fail(await fake_media.receive_command("call.disconnect"), "NOT_NOW")
        await fake_media.accept("call.close")
    assert "NOT_NOW" in caplog.text
