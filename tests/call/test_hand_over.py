"""Handing a call over: when it may be, and what is left of the call here."""

from __future__ import annotations

import logging

import pytest
import trio
import trio.testing

from tests.support.peers.exchange import http
from tests.support.peers.one_call import CALL_IN, FakeMedia, state_of, wait_forever
from tests.support.transports import on_one_transport
from trio_calls import (
    ActiveCall,
    CallState,
    EndCause,
    Ending,
    WSSCallEndedError,
    WSSCallError,
    WSSCallStateError,
    WSSMediaError,
    events,
)

pytestmark = on_one_transport


async def test_it_ends_here_without_a_word(fake_media: FakeMedia) -> None:
    endings: list[Ending] = []
    async with fake_media.open_call(sample_rate=16000) as call:
        call.on(events.CALL_TERMINATED)(endings.append)
        handed_over = await call.hand_over("worker 7")
        assert call.state is CallState.DISCONNECTED
        assert call.ending == Ending(EndCause.HANDED_OVER, detail="to worker 7")
        assert str(call.ending) == "it was handed over (to worker 7)"
        await call.wait_disconnected()
        assert [chunk async for chunk in call.audio_stream()] == []
        await call.send_audio(bytes(960))
        await call.close()
        await call.disconnect()
    assert endings == [call.ending]
    assert fake_media.connections == 0
    assert handed_over.call_id == call.call_id
    assert handed_over.audio_format == call.audio_format
    assert handed_over.caller_number == call.caller_number
    assert handed_over.callee_number == call.callee_number
    assert CALL_IN.token in handed_over.to_json()


async def test_it_ends_a_block_of_cancel_on_hangup(fake_media: FakeMedia) -> None:
    went_on: list[str] = []
    async with fake_media.open_call() as call:
        with call.cancel_on_hangup() as block:
            await call.hand_over()
            went_on.append("to the next await")
            await trio.sleep(5)
            went_on.append("behind it")
        assert block.cancelled_caught
        await trio.sleep(5)
        went_on.append("behind the block")
    assert went_on == ["to the next await", "behind the block"]


async def test_who_gets_it_need_not_be_known(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call:
        await call.hand_over()
    assert call.ending == Ending(EndCause.HANDED_OVER)
    assert str(call.ending) == "it was handed over"


async def test_a_handler_that_hands_over_and_returns_has_not_failed(
    fake_media: FakeMedia, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def handler(call: ActiveCall) -> None:
        await call.hand_over("worker\n7")

    scope = fake_media.make_call()
    await scope.run(handler, trio.Event())
    assert not scope.failed_before_answer
    assert fake_media.connections == 0
    assert caplog.messages == ["call call: it was handed over (to worker7)"]
    assert CALL_IN.token not in caplog.text


async def test_what_runs_until_the_hangup_ends(fake_media: FakeMedia) -> None:
    async def handler(call: ActiveCall) -> None:
        with call.cancel_on_hangup() as scope:
            await call.hand_over()
            await trio.sleep_forever()
        assert scope.cancelled_caught

    await fake_media.run(handler)


async def test_it_cannot_be_handed_over_twice(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call:
        await call.hand_over()
        with pytest.raises(WSSCallEndedError, match=r"hand_over\(\) is not allowed"):
            await call.hand_over()


async def refuses(call: ActiveCall) -> str:
    """Try to hand a call over, which must change nothing. Returns why not."""
    state = call.state
    with pytest.raises(WSSCallStateError) as caught:
        await call.hand_over()
    assert call.state is state
    assert call.ending is None
    return str(caught.value)


async def test_not_a_call_that_was_answered(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        assert "hand_over() is not allowed in ANSWERED; allowed: connect()" in await refuses(call)
        await fake_media.while_accepting(call.close, "call.close")


async def test_nor_one_whose_media_connection_is_being_opened(fake_media: FakeMedia) -> None:
    fake_media.exchange.accepting = trio.Event()
    async with fake_media.open_call() as call, trio.open_nursery() as nursery:
        nursery.start_soon(call.answer)
        await trio.testing.wait_all_tasks_blocked()
        assert "a command has acted on the call" in await refuses(call)
        fake_media.exchange.accepting.set()
        await fake_media.accept("call.answer")
    assert fake_media.connections == 1


async def test_nor_one_whose_callee_did_not_pick_up(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call:
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def connect() -> None:
                with pytest.raises(WSSCallError):
                    await call.connect()

            command = await fake_media.receive_command("call.connect")
            await fake_media.fail(command, "CALL_UNANSWERED")
        assert state_of(call) is CallState.PENDING
        assert "a command has acted on the call" in await refuses(call)
        await fake_media.while_accepting(call.answer, "call.answer")


@pytest.mark.parametrize("method", ["answer", "disconnect"])
async def test_nor_one_that_a_command_has_failed_on(fake_media: FakeMedia, method: str) -> None:
    fake_media.exchange.answers.append(http(503))
    async with fake_media.open_call() as call:
        with pytest.raises(WSSMediaError):
            await getattr(call, method)()
        assert "a command has acted on the call" in await refuses(call)


async def test_a_command_that_is_not_allowed_is_none(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call:
        with pytest.raises(WSSCallStateError):
            await call.whisper()
        with pytest.raises(WSSCallStateError):
            call.audio_stream()
        with pytest.raises(WSSCallStateError):
            await call.send_audio(bytes(960))
        await call.hand_over()


async def test_looking_at_a_call_is_no_act(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call:
        assert call.get_send_audio_buffer_size() == 0
        assert call.statistics().sent_bytes == 0
        await call.hand_over()
    assert fake_media.connections == 0


async def test_a_cancelled_one_has_not_happened(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call:
        with trio.CancelScope() as scope:
            scope.cancel()
            await call.hand_over()
        assert scope.cancelled_caught
        assert call.state is CallState.PENDING
        await fake_media.while_accepting(call.answer, "call.answer")


async def test_it_is_always_a_checkpoint(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call:
        with trio.testing.assert_checkpoints():
            await call.hand_over()


async def test_a_client_that_is_cancelled_afterwards_sends_nothing(fake_media: FakeMedia) -> None:
    async def handler(call: ActiveCall) -> None:
        await call.hand_over()
        await wait_forever(call)

    with trio.move_on_after(1):
        await fake_media.run(handler)
    assert fake_media.connections == 0
