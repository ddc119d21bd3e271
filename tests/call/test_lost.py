"""Calls that end without anybody having left them: lost connections, closed sessions."""

import functools

import pytest
import trio
import trio.testing

from tests.support.peers.frames import close
from tests.support.peers.one_call import FakeMedia, wait_forever
from trio_calls import (
    ActiveCall,
    CallState,
    WSSCallStateError,
    WSSError,
    WSSMediaError,
)
from trio_calls.call.scope import CallHandler


async def test_a_lost_media_connection_ends_the_call_for_its_handler(
    fake_media: FakeMedia,
) -> None:
    async def handler(call: ActiveCall) -> None:
        await call.answer()
        await call.wait_disconnected()
        assert call.state is CallState.DISCONNECTED
        with pytest.raises(WSSError):
            await call.connect()
        await call.close()
        await call.disconnect()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(functools.partial(fake_media.run, handler, crash_on_handler_error=True))
        await fake_media.accept("call.answer")
        await fake_media.cut()


async def test_the_close_code_of_a_lost_connection_is_told(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        with pytest.RaisesGroup(
            pytest.RaisesExc(WSSMediaError, match=r"\(closed by the exchange: 1011 of \*\*\*\)")
        ):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(call.connect)
                await fake_media.receive_command("call.connect")
                await fake_media.media.wire.send_all(close(1011, b"of bearer-token"))


async def test_an_exchange_that_falls_silent_is_a_lost_connection(
    fake_media: FakeMedia, caplog: pytest.LogCaptureFixture
) -> None:
    async with fake_media.open_answered_call() as call:
        fake_media.media.wire.go_silent()
        await call.wait_disconnected()
        assert trio.current_time() == pytest.approx(25)
        assert "silent for 10 s" in caplog.text
        await call.send_audio(bytes(2))
        assert call.statistics().unheard_bytes == 2


async def test_the_heartbeat_of_a_call_lasts_as_long_as_the_call(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        with trio.move_on_after(300) as patience:
            await call.wait_disconnected()
        assert patience.cancelled_caught
        await fake_media.terminate()
        await call.wait_disconnected()


@pytest.mark.parametrize("handler", [wait_forever, ActiveCall.answer])
async def test_a_session_closed_before_media_ends_the_call(
    fake_media: FakeMedia, handler: CallHandler
) -> None:
    async with fake_media.open_call() as call:
        call._core.ending.session_closed()
        assert call.state is CallState.DISCONNECTED
        with pytest.raises(WSSError):
            await call.answer()


async def test_a_closed_session_leaves_the_end_to_open_media(
    fake_media: FakeMedia,
) -> None:
    async with fake_media.open_answered_call() as call:
        call._core.ending.session_closed()
        assert call.state is CallState.ANSWERED
        await fake_media.speak(bytes(960))
        await fake_media.terminate()
        assert [frame async for frame in call.audio_stream()] == [bytes(960)]


async def test_a_call_says_who_and_where_it_is(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call:
        assert repr(call) == "<ActiveCall call PENDING>"
        assert call.callee_number == "+65 6222 0000"
        assert call.audio_format.frame_bytes == 960
        assert "bearer-token" not in repr(call)


async def test_a_closed_call_refuses_what_would_open_it_again(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call:
        await call.close()
        with pytest.raises(WSSCallStateError):
            await call.answer()
        assert fake_media.connections == 0
