"""`with call.cancel_on_hangup():` ends quietly when the call does, whatever is awaited in it."""

from collections.abc import Awaitable, Callable

import attrs
import pytest
import trio
import trio.testing

from tests.support.peers.one_call import FakeMedia
from trio_calls import ActiveCall, CallState, WSSCallClosedError, events, open_call_client
from trio_calls.audio import noise
from trio_calls.simulator import Simulator, answers, cut_media, never_answers

Body = Callable[[ActiveCall], Awaitable[object]]


async def sleep(call: ActiveCall) -> None:
    await trio.sleep(60)


async def speak(call: ActiveCall) -> None:
    while True:
        await call.send_audio(noise(1, 24000, 1))
        await call.wait_audio_sent()


async def wait_sent(call: ActiveCall) -> None:
    await call.send_audio(noise(15, 24000, 1))
    await call.wait_audio_sent()


async def connect(call: ActiveCall) -> None:
    await call.connect(ring_time_seconds=60)


async def clear_again_and_again(call: ActiveCall) -> None:
    while True:
        await call.clear_send_audio_buffer()
        await trio.sleep(0.01)


async def disconnect_slowly(call: ActiveCall) -> None:
    await call.send_audio(noise(15, 24000, 1))
    await call.disconnect()


async def do_much(call: ActiveCall) -> None:
    async with trio.open_nursery() as nursery:
        for body in (speak, connect, clear_again_and_again):
            nursery.start_soon(body, call)
        async with trio.open_nursery() as inner:
            inner.start_soon(sleep, call)
            inner.start_soon(wait_sent, call)


async def fail_in_its_own_words(call: ActiveCall) -> None:
    await call.wait_disconnected()
    raise WSSCallClosedError("noticed")


BODIES = [
    sleep,
    speak,
    wait_sent,
    connect,
    clear_again_and_again,
    disconnect_slowly,
    do_much,
    fail_in_its_own_words,
]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("lost", [False, True])
async def test_what_stands_after_the_block_runs(
    simulator: Simulator, body: Body, lost: bool
) -> None:
    after: list[CallState] = []

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        with call.cancel_on_hangup() as scope:
            await body(call)
        # Who was leaving anyway, or waiting for the end of speech, was not cut short.
        assert scope.cancelled_caught == (body not in (disconnect_slowly, wait_sent))
        after.append(call.state)

    config = attrs.evolve(simulator.config, crash_on_handler_error=True)
    async with open_call_client(config) as client:
        client.on(events.INCOMING_CALL)(handle)
        call = simulator.place_call(pickup=never_answers())
        await trio.sleep(5)
        if lost:
            simulator.inject(cut_media())
        else:
            call.caller.hang_up()
        await trio.sleep(1)
        assert after == [CallState.DISCONNECTED]
        call.caller.hang_up()


async def test_a_failure_of_another_kind_comes_out(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        await fake_media.terminate()
        await call.wait_disconnected()
        with (
            pytest.RaisesGroup(ZeroDivisionError, WSSCallClosedError),
            call.cancel_on_hangup(),
        ):
            raise ExceptionGroup("both", [ZeroDivisionError(), WSSCallClosedError()])


async def test_what_fails_in_a_call_that_goes_on_comes_out(simulator: Simulator) -> None:
    failed: list[str] = []

    async def handle(call: ActiveCall) -> None:
        await call.connect()
        try:
            with call.cancel_on_hangup() as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(call.answer)
        except* Exception as errors:
            failed.extend(type(error).__name__ for error in errors.exceptions)
        assert not scope.cancelled_caught

    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_CALL)(handle)
        call = simulator.place_call(pickup=answers(after_seconds=1))
        await trio.sleep(5)
        assert failed == ["WSSCallStateError"]
        call.caller.hang_up()


async def test_it_can_be_cut_short_and_given_a_deadline(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        with call.cancel_on_hangup() as scope:
            scope.cancel()
            await trio.sleep_forever()
        assert scope.cancelled_caught
        with call.cancel_on_hangup() as late:
            late.cancel_scope.deadline = trio.current_time() + 3
            await trio.sleep_forever()
        assert late.cancelled_caught
        assert call.state is CallState.ANSWERED
