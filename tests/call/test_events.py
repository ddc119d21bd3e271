"""The events of a call, and the handlers that are called with them."""

import functools
import logging

import pytest
import trio
import trio.testing

from tests.support.peers.one_call import FakeMedia
from trio_calls import ActiveCall, CallState, WSSError, events


async def test_events_come_in_order_and_to_plain_and_async_handlers(
    fake_media: FakeMedia,
) -> None:
    happened: list[str] = []

    async def handler(call: ActiveCall) -> None:
        for event in (events.CALL_ANSWERED, events.CALL_CONNECTED, events.CALL_TERMINATED):
            call.on(event)(functools.partial(happened.append, event))

        @call.on(events.CALL_TERMINATED)
        async def say_more() -> None:
            await trio.sleep(3)
            happened.append("more")

        await call.answer()
        await call.connect()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(fake_media.run, handler)
        await fake_media.accept("call.answer")
        await fake_media.accept("call.connect")
        await fake_media.terminate()
    assert happened == ["call_answered", "call_connected", "call_terminated", "more"]


async def test_failures_and_faults_come_with_their_errors(fake_media: FakeMedia) -> None:
    errors: list[tuple[str, WSSError]] = []

    def note(event: str, error: WSSError) -> None:
        errors.append((event, error))

    async def handler(call: ActiveCall) -> None:
        for event in (
            events.CALL_ANSWER_FAILED,
            events.CALL_CONNECT_FAILED,
            events.CALL_ERROR,
        ):
            call.on(event)(
                functools.partial(lambda event, error: errors.append((event, error)), event)
            )
        for method in (call.answer, call.connect, call.answer):
            with pytest.raises(WSSError):
                await method()
        await call.disconnect()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(fake_media.run, handler)
        await fake_media.fail(await fake_media.receive_command("call.answer"), None)
        await fake_media.fail(await fake_media.receive_command("call.connect"), "CALL_UNANSWERED")
        await fake_media.send(
            '{"type":"call_event","data":{"event":"call.error","error_code":"TTS_SESSION_ERROR"}}'
        )
        await fake_media.receive_command("call.answer")
        await fake_media.accept("call.disconnect")
    assert [event for event, _ in errors] == [
        "call_answer_failed",
        "call_connect_failed",
        "call_error",
        "call_answer_failed",
    ]
    assert [str(error) for _, error in errors] == [
        "the exchange refused call.answer (UNKNOWN)",
        "the exchange refused call.connect (CALL_UNANSWERED)",
        "the exchange reports a fault in the call (TTS_SESSION_ERROR)",
        "the exchange did not answer call.answer in time",
    ]


async def test_a_failing_event_handler_is_logged_and_nothing_else(
    fake_media: FakeMedia, caplog: pytest.LogCaptureFixture
) -> None:
    async with fake_media.open_call() as call:

        @call.on(events.CALL_ANSWERED)
        def fail() -> None:
            raise ZeroDivisionError("plain")

        @call.on(events.CALL_ANSWERED)
        async def fail_later() -> None:
            raise ZeroDivisionError("asynchronous")

        await fake_media.while_accepting(call.answer, "call.answer")
        await trio.testing.wait_all_tasks_blocked()
        assert call.state is CallState.ANSWERED
    assert "plain" in caplog.text
    assert "asynchronous" in caplog.text


async def test_a_flood_of_faults_is_bounded(
    fake_media: FakeMedia, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="trio_calls")
    call = fake_media.make_call().active_call
    for _ in range(1001):
        call._core.handlers.emit(events.CALL_ERROR, None)
    assert "an event was dropped: call_error" in caplog.text


async def test_unknown_events_are_refused(fake_media: FakeMedia) -> None:
    with pytest.raises(ValueError, match="no event of a call"):
        fake_media.make_call().active_call.on("call_exploded")
