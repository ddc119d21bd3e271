"""A call's scope: what becomes of the call when its handler is done, in every way it can be."""

import functools

import pytest
import trio
import trio.testing

from tests.support.in_memory import tasks_of_ours
from tests.support.peers.one_call import FakeMedia
from trio_calls import (
    ActiveCall,
)
from trio_calls.audio import noise


async def test_an_answered_call_is_closed_when_its_handler_returns(fake_media: FakeMedia) -> None:
    async def handler(call: ActiveCall) -> None:
        await call.answer()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(fake_media.run, handler)
        await fake_media.accept("call.answer")
        await fake_media.accept("call.close")
    assert tasks_of_ours() == []


async def test_what_the_handler_said_last_is_heard(fake_media: FakeMedia) -> None:
    goodbye = noise(1.0, 24000, seed=1)

    async def handler(call: ActiveCall) -> None:
        await call.answer()
        await call.send_audio(goodbye)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(fake_media.run, handler)
        await fake_media.accept("call.answer")
        await fake_media.grant(len(goodbye))
        await fake_media.accept("call.close")
    assert fake_media.said == goodbye


async def test_in_a_conference_the_agent_stays_until_the_call_ends(fake_media: FakeMedia) -> None:
    async def handler(call: ActiveCall) -> None:
        await call.connect()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(fake_media.run, handler)
        await fake_media.accept("call.connect")
        with trio.move_on_after(3600) as patience:
            await fake_media.media.over.wait()
        assert patience.cancelled_caught
        await fake_media.terminate()
    assert [command.command for command in fake_media.commands] == ["call.connect"]


async def test_a_failing_handler_is_logged_and_the_agent_leaves(
    fake_media: FakeMedia, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(call: ActiveCall) -> None:
        await call.answer()
        raise ZeroDivisionError("a bug of the application")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(fake_media.run, handler)
        await fake_media.accept("call.answer")
        await fake_media.accept("call.close")
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "ZeroDivisionError: a bug of the application" in caplog.text


async def test_a_failing_handler_can_be_made_to_crash(fake_media: FakeMedia) -> None:
    async def handler(call: ActiveCall) -> None:
        await call.answer()
        raise ZeroDivisionError("a bug of the application")

    async def run() -> None:
        with pytest.RaisesGroup(pytest.RaisesExc(ZeroDivisionError), flatten_subgroups=True):
            await fake_media.run(handler, crash_on_handler_error=True)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        await fake_media.accept("call.answer")
        await fake_media.accept("call.close")


async def test_our_own_error_of_a_call_that_was_hung_up_is_no_failure(
    fake_media: FakeMedia, caplog: pytest.LogCaptureFixture
) -> None:
    async def echo(call: ActiveCall) -> None:
        await call.answer()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call.connect)
            async for chunk in call.audio_stream():
                await call.send_audio(chunk)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(functools.partial(fake_media.run, echo, crash_on_handler_error=True))
        await fake_media.accept("call.answer")
        await fake_media.receive_command("call.connect")
        await fake_media.speak(bytes(960))
        await fake_media.terminate()
    assert "ERROR" not in {record.levelname for record in caplog.records}


async def test_our_own_error_of_a_call_that_goes_on_is_a_failure(
    fake_media: FakeMedia, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(call: ActiveCall) -> None:
        await call.answer()
        await call.whisper()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(fake_media.run, handler)
        await fake_media.accept("call.answer")
        await fake_media.accept("call.close")
    assert "WSSCallStateError" in caplog.text


async def test_a_handler_may_finish_its_work_after_the_hangup(fake_media: FakeMedia) -> None:
    finished = []

    async def handler(call: ActiveCall) -> None:
        await call.answer()
        await call.wait_disconnected()
        await trio.sleep(29)
        finished.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(fake_media.run, handler)
        await fake_media.accept("call.answer")
        await fake_media.terminate()
        await fake_media.media.over.wait()
        began = trio.current_time()
    assert finished == [pytest.approx(began + 29)]


async def test_there_are_no_zombie_handlers(
    fake_media: FakeMedia, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(call: ActiveCall) -> None:
        await call.answer()
        await trio.sleep_forever()

    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(functools.partial(fake_media.run, handler, after_call_seconds=5))
        await fake_media.accept("call.answer")
        await fake_media.terminate()
    assert trio.current_time() - began == pytest.approx(5)
    assert "cancelled 5 s after the call had ended" in caplog.text
    assert tasks_of_ours() == []


async def test_cancel_on_hangup_cancels_its_body_at_once(fake_media: FakeMedia) -> None:
    async def handler(call: ActiveCall) -> None:
        await call.answer()
        with call.cancel_on_hangup() as scope:
            await trio.sleep_forever()
        assert scope.cancelled_caught
        with call.cancel_on_hangup() as late_scope:
            await trio.sleep_forever()
        assert late_scope.cancelled_caught

    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(functools.partial(fake_media.run, handler, crash_on_handler_error=True))
        await fake_media.accept("call.answer")
        await fake_media.terminate()
    assert trio.current_time() == began


async def test_cancel_on_hangup_leaves_a_body_alone_that_ends_before(
    fake_media: FakeMedia,
) -> None:
    async with fake_media.open_answered_call() as call:
        with call.cancel_on_hangup() as scope:
            await trio.sleep(1)
        await fake_media.terminate()
        await call.wait_disconnected()
        assert not scope.cancelled_caught


@pytest.mark.parametrize("first", ["call.answer", "call.connect"])
async def test_cancelling_the_scope_leaves_the_call(fake_media: FakeMedia, first: str) -> None:
    methods = {"call.answer": ActiveCall.answer, "call.connect": ActiveCall.connect}

    async def handler(call: ActiveCall) -> None:
        await methods[first](call)
        call.send_audio_nowait(bytes(960))
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        with trio.CancelScope() as scope:
            nursery.start_soon(fake_media.accept, first)

            async def cancel_later() -> None:
                await trio.sleep(10)
                scope.cancel()
                await fake_media.accept("call.close")

            nursery.start_soon(cancel_later)
            await fake_media.run(handler)
        assert scope.cancelled_caught
        assert trio.current_time() == pytest.approx(10)
        await fake_media.media.over.wait()
    assert tasks_of_ours() == []


async def test_an_exchange_that_holds_on_is_dropped_after_the_grace(
    fake_media: FakeMedia,
) -> None:
    async with trio.open_nursery() as nursery:
        with trio.CancelScope() as scope:

            async def cancel_later() -> None:
                await fake_media.receive_command("call.answer")
                scope.cancel()

            nursery.start_soon(cancel_later)
            began = trio.current_time()
            await fake_media.run(ActiveCall.answer, close_grace_seconds=1.5)
        assert trio.current_time() - began <= 1.5
        await fake_media.media.over.wait()
    await trio.testing.wait_all_tasks_blocked()
    assert tasks_of_ours() == []


async def test_cancelling_drops_a_connection_that_is_being_opened(
    fake_media: FakeMedia,
) -> None:
    fake_media.exchange.accepting = trio.Event()
    with trio.move_on_after(1):
        await fake_media.run(ActiveCall.answer)
    assert trio.current_time() <= 3
    assert tasks_of_ours() == []
    fake_media.exchange.accepting.set()


async def test_a_close_that_fails_at_the_end_is_a_warning(
    fake_media: FakeMedia, caplog: pytest.LogCaptureFixture
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fake_media.run, ActiveCall.answer)
        await fake_media.accept("call.answer")
        await fake_media.fail(await fake_media.receive_command("call.close"), "NOT_NOW")
        await fake_media.fail(await fake_media.receive_command("call.close"), "NOT_NOW")
        await fake_media.media.over.wait()
    assert "closing it failed" in caplog.text
    assert "NOT_NOW" in caplog.text
