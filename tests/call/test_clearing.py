"""Nothing that was said before the queue is cleared is heard after it."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from tests.support.peers.one_call import FRAME, FakeMedia, frames
from trio_calls import ActiveCall

LONG = b"".join(frames(20))


async def clear(fake_media: FakeMedia, call: ActiveCall) -> int:
    dropped = []

    async def run() -> None:
        dropped.append(await call.clear_send_audio_buffer())

    await fake_media.while_accepting(run, "agent.interrupt")
    return dropped[0]


async def test_speech_in_line_is_dropped_and_counted(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call(send_buffer_bytes=2 * FRAME) as call:
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(call.send_audio, LONG)
                await trio.testing.wait_all_tasks_blocked()
            await fake_media.grant(FRAME)
            await trio.testing.wait_all_tasks_blocked()
            assert await clear(fake_media, call) == 59 * FRAME
            # The senders have returned, or this block would not end.
        await call.send_audio(frames(1, 7)[0])
        await fake_media.grant(10 * FRAME)
        await trio.testing.wait_all_tasks_blocked()
    assert fake_media.said == LONG[:FRAME] + frames(1, 7)[0]


async def test_a_sender_in_line_returns_when_the_clear_does(fake_media: FakeMedia) -> None:
    async with (
        fake_media.open_answered_call(send_buffer_bytes=FRAME) as call,
        trio.open_nursery() as nursery,
    ):
        has_returned = trio.Event()

        async def send() -> None:
            await call.send_audio(LONG)
            has_returned.set()

        nursery.start_soon(send)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(call.clear_send_audio_buffer)
        interrupt = await fake_media.receive_command("agent.interrupt")
        await trio.testing.wait_all_tasks_blocked()
        assert not has_returned.is_set()
        await fake_media.succeed(interrupt)
        await has_returned.wait()


@pytest.mark.parametrize("has_credit", [False, True])
@pytest.mark.parametrize("clears_first", [False, True])
async def test_a_speaker_cancelled_in_the_same_breath_says_no_more(
    fake_media: FakeMedia, clears_first: bool, has_credit: bool
) -> None:
    async def speak(call: ActiveCall) -> None:
        while True:
            await call.send_audio(LONG)

    async with fake_media.open_answered_call(send_buffer_bytes=2 * FRAME) as call:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(speak, call)
            await trio.testing.wait_all_tasks_blocked()
            if has_credit:
                await fake_media.grant(FRAME)
            if clears_first:
                await clear(fake_media, call)
                nursery.cancel_scope.cancel()
            else:
                nursery.cancel_scope.cancel()
                with trio.CancelScope(shield=True):
                    await clear(fake_media, call)
        count = len(fake_media.audio)
        await fake_media.grant(10 * FRAME)
        await trio.testing.wait_all_tasks_blocked()
        assert len(fake_media.audio) == count
        assert call.get_send_audio_buffer_size() == 0
