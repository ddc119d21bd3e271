"""What an agent hears."""

import gc

import numpy as np
import pytest
import trio
import trio.testing

from tests.support.peers.one_call import FRAME, FakeMedia, frames
from tests.support.transports import on_one_transport
from tests.support.wires import on_the_first_wire, on_the_second_wire
from trio_calls import (
    AudioMode,
    CallState,
    WSSCallStateError,
)
from trio_calls.audio import to_pcm
from trio_calls.call.received_audio import MAX_UNCLAIMED_CHANNELS, AudioStream


async def collect(stream: AudioStream) -> list[bytes]:
    return [frame async for frame in stream]


async def test_every_stream_sees_every_frame_and_ends_with_the_call(fake_media: FakeMedia) -> None:
    sent = frames(20)
    async with fake_media.open_answered_call() as call:
        streams = [call.audio_stream(), call.audio_stream()]
        for frame in sent:
            await fake_media.speak(frame)
        await fake_media.terminate()
        for stream in streams:
            assert await collect(stream) == sent


async def test_early_frames_wait_for_the_first_stream_only(
    fake_media: FakeMedia,
) -> None:
    sent = frames(4)
    async with fake_media.open_answered_call() as call:
        for frame in sent[:2]:
            await fake_media.speak(frame)
        await trio.testing.wait_all_tasks_blocked()
        first, second = call.audio_stream(), call.audio_stream()
        for frame in sent[2:]:
            await fake_media.speak(frame)
        await fake_media.terminate()
        assert await collect(first) == sent
        assert await collect(second) == sent[2:]


async def test_a_handler_keeps_up_with_audio_that_comes_in_one_breath(
    fake_media: FakeMedia, nursery: trio.Nursery
) -> None:
    sent = frames(500)
    async with fake_media.open_answered_call(receive_buffer_seconds=1) as call:
        nursery.start_soon(fake_media.speak, *sent)
        heard = []
        async for frame in call.audio_stream():
            await call.send_audio(frame)
            heard.append(frame)
            if len(heard) == len(sent):
                break
        assert heard == sent
        assert call.statistics().dropped_frames == 0


@on_the_first_wire  # on the second one a message is a frame
@on_one_transport
async def test_answers_to_audio_of_one_breath_are_sent_together(
    fake_media: FakeMedia, nursery: trio.Nursery
) -> None:
    sent = frames(500)
    async with fake_media.open_answered_call() as call:
        await fake_media.grant(len(sent) * FRAME)
        nursery.start_soon(fake_media.speak, *sent)
        stream = call.audio_stream()
        for _ in sent:
            await call.send_audio(await anext(stream))
        await call.wait_audio_sent()
        await trio.testing.wait_all_tasks_blocked()
    assert fake_media.said == b"".join(sent)
    assert len(fake_media.audio) < len(sent) / 10


async def test_what_came_before_a_hangup_is_delivered_after_it(fake_media: FakeMedia) -> None:
    sent = frames(3)
    async with fake_media.open_answered_call() as call:
        for frame in sent:
            await fake_media.speak(frame)
        await fake_media.terminate()
        await call.wait_disconnected()
        assert await collect(call.audio_stream()) == sent
        assert await collect(call.audio_stream()) == []


async def test_a_slow_reader_loses_the_oldest_and_delays_nobody(fake_media: FakeMedia) -> None:
    sent = frames(10)
    async with fake_media.open_answered_call(receive_buffer_seconds=0.1) as call:
        slow, quick = call.audio_stream(), call.audio_stream()
        heard = []
        for frame in sent:
            await fake_media.speak(frame)
            heard.append(await anext(quick))
        await fake_media.while_accepting(call.connect, "call.connect")
        await fake_media.terminate()
        assert heard == sent
        assert await collect(slow) == sent[-5:]
        assert call.statistics().dropped_frames == 5
        assert call.statistics().received_frames == 10
        assert call.statistics().received_bytes == 10 * FRAME


async def test_a_buffer_shorter_than_a_frame_holds_one(fake_media: FakeMedia) -> None:
    sent = frames(5)
    async with fake_media.open_answered_call(receive_buffer_seconds=0.01) as call:
        await fake_media.speak(sent[0])
        await trio.testing.wait_all_tasks_blocked()
        slow, quick = call.audio_stream(), call.audio_stream()
        assert await anext(slow) == sent[0]
        heard = []
        for frame in sent[1:]:
            await fake_media.speak(frame)
            heard.append(await anext(quick))
        await fake_media.terminate()
        assert heard == sent[1:]
        assert await collect(slow) == sent[-1:]
        assert call.statistics().dropped_frames == 3


async def test_a_stream_that_was_let_go_of_is_not_filled(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call(receive_buffer_seconds=0.1) as call:
        stream = call.audio_stream()
        await fake_media.speak(frames(1)[0])
        await anext(stream)
        del stream
        gc.collect()
        for frame in frames(20):
            await fake_media.speak(frame)
        await trio.testing.wait_all_tasks_blocked()
        assert call.statistics().dropped_frames == 0


async def test_cancelling_a_reader_loses_no_frame(fake_media: FakeMedia) -> None:
    sent = frames(5)
    async with fake_media.open_answered_call() as call:
        stream = call.audio_stream()
        with trio.move_on_after(1):
            await anext(stream)
        for frame in sent:
            await fake_media.speak(frame)
        await trio.testing.wait_all_tasks_blocked()
        with trio.CancelScope() as scope:
            scope.cancel()
            await anext(stream)
        await fake_media.terminate()
        assert await collect(stream) == sent


async def test_bad_audio_is_dropped_whole_and_counted(fake_media: FakeMedia) -> None:
    sent = frames(2)
    async with fake_media.open_answered_call() as call:
        await fake_media.speak(sent[0])
        for message in (b"", b"\0", b"\0\1", b"\0\1\2\3", b"\1" + sent[0]):
            await fake_media.send(message)
        await fake_media.speak(sent[1])
        await fake_media.terminate()
        assert await collect(call.audio_stream()) == sent
        assert call.statistics().invalid_messages == 5


async def test_single_legs_come_on_channels_of_their_own(fake_media: FakeMedia) -> None:
    caller, callee = frames(1, seed=1)[0], frames(1, seed=2)[0]
    async with fake_media.open_answered_call(audio_mode=AudioMode.ISOLATED) as call:
        await fake_media.speak(caller, channel=1)
        await fake_media.speak(callee, channel=2)
        await fake_media.terminate()
        assert await collect(call.audio_stream(1)) == [caller]
        assert await collect(call.audio_stream(2)) == [callee]
        assert await collect(call.audio_stream(3)) == []


@on_the_first_wire
async def test_the_exchange_mixes_single_legs_itself(fake_media: FakeMedia) -> None:
    mixed, caller = frames(1, seed=1)[0], frames(1, seed=2)[0]
    async with fake_media.open_answered_call(audio_mode=AudioMode.ISOLATED) as call:
        await fake_media.speak(mixed)
        await fake_media.speak(caller, channel=1)
        await fake_media.terminate()
        assert await collect(call.audio_stream()) == [mixed]


@on_the_second_wire
async def test_or_they_are_mixed_here(fake_media: FakeMedia) -> None:
    caller, callee = (to_pcm(np.full(FRAME // 2, level, np.int16)) for level in (1000, 200))
    async with fake_media.open_answered_call(audio_mode=AudioMode.ISOLATED) as call:
        stream = call.audio_stream()
        for _ in range(3):
            await fake_media.speak(caller, channel=1)
            await fake_media.speak(callee, channel=2)
        await fake_media.terminate()
        # The callee is waited for from the second frame on.
        levels = [int(np.frombuffer(pcm, "<i2")[0]) for pcm in await collect(stream)]
        assert levels == [1000, 1200, 1200]


async def test_channels_that_nobody_listens_to_are_bounded(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call(audio_mode=AudioMode.ISOLATED) as call:
        for channel in range(MAX_UNCLAIMED_CHANNELS + 3):
            await fake_media.speak(frames(1)[0], channel=channel)
        await trio.testing.wait_all_tasks_blocked()
        assert call.statistics().dropped_frames == 3


async def test_mixed_audio_has_one_channel(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        with pytest.raises(ValueError, match="channel 0 only"):
            call.audio_stream(1)


async def test_a_pending_call_has_no_audio_either_way(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call:
        with pytest.raises(WSSCallStateError, match=r"audio_stream\(\) is not allowed in PENDING"):
            call.audio_stream()
        with pytest.raises(WSSCallStateError, match=r"send_audio\(\)"):
            await call.send_audio(bytes(2))
        with pytest.raises(WSSCallStateError, match=r"send_audio_nowait\(\)"):
            call.send_audio_nowait(bytes(2))
        with pytest.raises(WSSCallStateError, match=r"clear_send_audio_buffer\(\)"):
            await call.clear_send_audio_buffer()


async def test_a_reader_that_does_not_read_holds_up_no_command(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        call.audio_stream()
        for frame in frames(1000):
            await fake_media.speak(frame)
        await fake_media.while_accepting(call.connect, "call.connect")
        assert call.state is CallState.CONNECTED
        assert call.statistics().received_frames == 1000


async def test_every_frame_is_a_checkpoint_and_so_is_the_end(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        stream = call.audio_stream()
        await fake_media.speak(frames(1)[0])
        await fake_media.terminate()
        await call.wait_disconnected()
        with trio.testing.assert_checkpoints():
            await anext(stream)
        with trio.testing.assert_checkpoints(), pytest.raises(StopAsyncIteration):
            await anext(stream)
