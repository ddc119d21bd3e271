"""Speech that is longer than the queue, and senders that stand in line."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from tests.support.peers.one_call import FRAME, FakeMedia, frames
from trio_calls import ActiveCall

#: The queue of these calls holds two frames.
TWO_FRAMES = 2 * FRAME


async def pull(fake_media: FakeMedia, count: int) -> None:
    """Ask for so many frames, one after the other."""
    for _ in range(count):
        await fake_media.grant(FRAME)
        await trio.testing.wait_all_tasks_blocked()


@pytest.mark.parametrize("size", [FRAME + 2, 10 * FRAME, 10 * FRAME + 500, 100 * FRAME - 2])
@pytest.mark.parametrize("queue", [2, 102, FRAME - 2, FRAME, FRAME + 500, 5 * FRAME + 2])
async def test_speech_of_any_length_goes_out_whole(
    fake_media: FakeMedia, queue: int, size: int
) -> None:
    said = b"".join(frames(100))[:size]
    async with (
        fake_media.open_answered_call(send_buffer_bytes=queue) as call,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(call.send_audio, said)
        for _ in range(101):
            await fake_media.grant(FRAME)
            await trio.sleep(0.02)
            assert call.get_send_audio_buffer_size() <= queue
    assert fake_media.said.rstrip(b"\0") == said.rstrip(b"\0")


async def test_two_senders_never_interleave(fake_media: FakeMedia) -> None:
    said = [b"".join(frames(5, seed)) for seed in range(4)]
    async with (
        fake_media.open_answered_call(send_buffer_bytes=TWO_FRAMES) as call,
        trio.open_nursery() as nursery,
    ):
        for pcm in said:
            nursery.start_soon(call.send_audio, pcm)
            await trio.testing.wait_all_tasks_blocked()
        await pull(fake_media, 20)
    assert fake_media.said == b"".join(said)


async def test_the_second_sender_waits_until_the_first_is_queued(fake_media: FakeMedia) -> None:
    returned: list[int] = []

    async def send(call: ActiveCall, number: int) -> None:
        await call.send_audio(b"".join(frames(3, number)))
        returned.append(number)

    async with (
        fake_media.open_answered_call(send_buffer_bytes=TWO_FRAMES) as call,
        trio.open_nursery() as nursery,
    ):
        for number in range(2):
            nursery.start_soon(send, call, number)
            await trio.testing.wait_all_tasks_blocked()
        assert returned == []
        await pull(fake_media, 1)
        assert returned == [0]
        await pull(fake_media, 3)
        assert returned == [0, 1]


@pytest.mark.parametrize("pulled", [0, 1, 3])
async def test_a_cancelled_sender_has_queued_whole_frames(
    fake_media: FakeMedia, pulled: int
) -> None:
    first, second = b"".join(frames(6, 1)) + bytes(100), b"".join(frames(2, 2))
    async with (
        fake_media.open_answered_call(send_buffer_bytes=TWO_FRAMES + 500) as call,
        trio.open_nursery() as nursery,
    ):
        with trio.CancelScope() as scope:
            nursery.start_soon(pull, fake_media, pulled)
            nursery.start_soon(_cancel_when_quiet, scope)
            await call.send_audio(first)
        assert scope.cancelled_caught
        nursery.start_soon(call.send_audio, second)
        await pull(fake_media, 10)
    assert fake_media.said == first[: (2 + pulled) * FRAME] + second


async def _cancel_when_quiet(scope: trio.CancelScope) -> None:
    await trio.testing.wait_all_tasks_blocked(0.001)
    scope.cancel()


async def test_a_cancelled_sender_in_line_lets_those_behind_it_go(fake_media: FakeMedia) -> None:
    said = [b"".join(frames(2, seed)) for seed in range(3)]
    async with (
        fake_media.open_answered_call(send_buffer_bytes=TWO_FRAMES) as call,
        trio.open_nursery() as nursery,
    ):
        await call.send_audio(said[0])
        with trio.CancelScope() as scope:
            nursery.start_soon(call.send_audio, said[1])
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(_cancel_when_quiet, scope)
            await call.send_audio(frames(1, 9)[0])
        nursery.start_soon(call.send_audio, said[2])
        await pull(fake_media, 6)
    assert fake_media.said == b"".join(said)


async def test_senders_in_line_return_when_the_call_ends(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call(send_buffer_bytes=TWO_FRAMES) as call:
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(call.send_audio, bytes(4 * FRAME))
                await trio.testing.wait_all_tasks_blocked()
            await fake_media.terminate()
        assert call.statistics().unheard_bytes == 12 * FRAME
        assert call.statistics().queued_bytes == 0
        assert call.statistics().sent_bytes == 0
