"""What becomes of what an agent says."""

import pytest
import trio
import trio.testing

from tests.support.peers.one_call import FRAME, FakeMedia, frames
from trio_calls import BufferFullError, CallState


async def test_audio_is_sent_only_as_far_as_it_was_asked_for(fake_media: FakeMedia) -> None:
    said = b"".join(frames(10))
    async with fake_media.open_answered_call() as call:
        await call.send_audio(said)
        await trio.testing.wait_all_tasks_blocked()
        assert fake_media.audio == []
        await fake_media.grant(3 * FRAME)
        await trio.testing.wait_all_tasks_blocked()
        assert fake_media.said == said[: 3 * FRAME]
        assert call.get_send_audio_buffer_size() == 7 * FRAME
        assert call.statistics().sent_bytes == 3 * FRAME
        assert call.statistics().queued_bytes == 7 * FRAME


async def test_an_open_request_is_filled_when_audio_comes(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        await fake_media.grant(2 * FRAME)
        await trio.testing.wait_all_tasks_blocked()
        assert call.statistics().credit_bytes == 2 * FRAME
        call.send_audio_nowait(frames(1)[0])
        await trio.testing.wait_all_tasks_blocked()
        assert fake_media.audio == [frames(1)[0]]
        assert call.statistics().credit_bytes == FRAME


async def test_requests_for_other_channels_get_nothing(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        await call.send_audio(frames(1)[0])
        await fake_media.send(
            '{"type":"buffer_request","data":{"requested_bytes":960,"channelId":1}}'
        )
        await trio.testing.wait_all_tasks_blocked()
        assert fake_media.audio == []


async def test_send_audio_waits_for_room_in_the_order_of_the_senders(
    fake_media: FakeMedia,
) -> None:
    said = frames(6)
    async with (
        fake_media.open_answered_call(send_buffer_bytes=2 * FRAME) as call,
        trio.open_nursery() as nursery,
    ):
        for frame in said:
            nursery.start_soon(call.send_audio, frame)
            await trio.testing.wait_all_tasks_blocked()
        assert call.get_send_audio_buffer_size() == 2 * FRAME
        with pytest.raises(BufferFullError, match="waiting"):
            call.send_audio_nowait(frames(1)[0])
        for _ in said:
            await fake_media.grant(FRAME)
    assert fake_media.audio == said


async def test_send_audio_nowait_queues_all_or_nothing(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call(send_buffer_bytes=2 * FRAME) as call:
        call.send_audio_nowait(frames(1)[0])
        with pytest.raises(BufferFullError, match="960 of 1920 bytes are in use"):
            call.send_audio_nowait(b"".join(frames(2)))
        assert call.get_send_audio_buffer_size() == FRAME


@pytest.mark.parametrize("pcm", [b"\1", bytes(961)])
async def test_half_a_sample_is_refused(fake_media: FakeMedia, pcm: bytes) -> None:
    async with fake_media.open_answered_call() as call:
        with pytest.raises(ValueError, match="even"):
            await call.send_audio(pcm)
        with pytest.raises(ValueError, match="even"):
            call.send_audio_nowait(pcm)
        with pytest.raises(TypeError, match="PCM"):
            await call.send_audio("hello")  # type: ignore[arg-type]
        assert call.get_send_audio_buffer_size() == 0


async def test_a_frame_larger_than_the_queue_is_sent_all_the_same(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call(send_buffer_bytes=FRAME) as call:
        await fake_media.grant(100 * FRAME, frame_bytes=50 * FRAME)
        await call.send_audio(frames(1)[0])
        await trio.testing.wait_all_tasks_blocked()
    assert fake_media.audio == [frames(1)[0]]


async def test_wait_audio_sent_waits_for_what_was_queued_before_it(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call, trio.open_nursery() as nursery:
        await call.wait_audio_sent()
        await call.send_audio(frames(1)[0])
        is_sent = trio.Event()

        async def wait() -> None:
            await call.wait_audio_sent()
            is_sent.set()

        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        await call.send_audio(frames(1)[0])
        assert not is_sent.is_set()
        await fake_media.grant(FRAME)
        await is_sent.wait()
        assert call.get_send_audio_buffer_size() == FRAME


async def test_clearing_drops_the_queue_and_lets_waiters_go(
    fake_media: FakeMedia,
) -> None:
    async with fake_media.open_answered_call() as call, trio.open_nursery() as nursery:
        await call.send_audio(b"".join(frames(5)))
        nursery.start_soon(call.wait_audio_sent)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(fake_media.accept, "agent.interrupt")
        assert await call.clear_send_audio_buffer() == 5 * FRAME
        assert call.get_send_audio_buffer_size() == 0


async def test_clearing_does_not_wait_behind_a_ringing_connect(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call, trio.open_nursery() as nursery:
        nursery.start_soon(call.connect)
        connect = await fake_media.receive_command("call.connect")
        await call.send_audio(frames(1)[0])
        await fake_media.while_accepting(call.clear_send_audio_buffer, "agent.interrupt")
        await fake_media.succeed(connect)
        await trio.testing.wait_all_tasks_blocked()
        assert call.state is CallState.CONNECTED


async def test_sending_and_waiting_are_checkpoints(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        with trio.testing.assert_checkpoints():
            await call.send_audio(frames(1)[0])
        await fake_media.grant(FRAME)
        with trio.testing.assert_checkpoints():
            await call.wait_audio_sent()
        with trio.testing.assert_checkpoints():
            await call.wait_audio_sent()
        with trio.testing.assert_no_checkpoints():
            call.send_audio_nowait(frames(1)[0])
