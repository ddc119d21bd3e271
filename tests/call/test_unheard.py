"""What is said on a call that is over: nothing happens, and no loop runs away."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from tests.support.peers.one_call import FRAME, FakeMedia
from trio_calls import ActiveCall, WSSCallStateError
from trio_calls.call.unheard_audio import UnheardAudio

SECOND = bytes(48_000)


async def test_nothing_happens_and_it_is_counted(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        await call.send_audio(bytes(3 * FRAME))
        await fake_media.terminate()
        await call.wait_disconnected()
        with trio.testing.assert_checkpoints():
            await call.send_audio(bytes(FRAME))
        with trio.testing.assert_no_checkpoints():
            call.send_audio_nowait(bytes(FRAME))
        with trio.testing.assert_checkpoints():
            await call.wait_audio_sent()
        assert call.statistics().unheard_bytes == 5 * FRAME
        assert call.get_send_audio_buffer_size() == 0
        with pytest.raises(ValueError, match="even"):
            await call.send_audio(bytes(3))
    assert fake_media.audio == []


async def test_nobody_can_speak_before_the_call_is_answered(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call:
        with pytest.raises(WSSCallStateError, match=r"send_audio\(\)"):
            await call.send_audio(bytes(FRAME))
        with pytest.raises(WSSCallStateError, match=r"send_audio_nowait\(\)"):
            call.send_audio_nowait(bytes(FRAME))


@pytest.mark.parametrize("seconds_at_once", [1, 10, 100])
async def test_a_loop_of_music_keeps_its_time(fake_media: FakeMedia, seconds_at_once: int) -> None:
    rounds = 0

    async def play(call: ActiveCall) -> None:
        nonlocal rounds
        while True:
            await call.send_audio(SECOND * seconds_at_once)
            rounds += 1

    async with fake_media.open_answered_call(send_buffer_seconds=20) as call:
        await fake_media.terminate()
        await call.wait_disconnected()
        with trio.move_on_after(99.5):
            await play(call)
    # The first 20 s are taken at once, and the others as long as they would play.
    assert rounds == (20 + 99) // seconds_at_once


async def test_waiting_for_what_nobody_hears_can_be_cancelled(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call(send_buffer_seconds=1) as call:
        await fake_media.terminate()
        await call.wait_disconnected()
        began = trio.current_time()
        with trio.move_on_after(2):
            await call.send_audio(SECOND * 60)
        assert trio.current_time() - began == 2


async def test_wait_audio_sent_returns_when_the_call_ends(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        await call.send_audio(bytes(FRAME))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call.wait_audio_sent)
            await trio.testing.wait_all_tasks_blocked()
            await fake_media.terminate()


@pytest.mark.pure
def test_the_queue_that_nobody_hears_empties_as_time_goes_by() -> None:
    unheard = UnheardAudio(bytes_per_second=100, queue_bytes=200)
    assert unheard.swallow(200, now=10) <= 10
    assert unheard.swallow(100, now=10) == 11
    assert unheard.swallow(300, now=20) == 21
    assert unheard.bytes == 600
