"""The end of what is said, where it is less than a frame."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from tests.support.peers.one_call import FRAME, FakeMedia, frames
from tests.support.wires import as_it_is_sent, on_the_first_wire
from trio_calls.config import WireName

SPEECH = b"".join(frames(3))


@pytest.mark.parametrize("tail", [2, 500, FRAME - 2])
async def test_a_tail_waits_for_a_frame_and_goes_out(
    fake_media: FakeMedia, wire: WireName, tail: int
) -> None:
    said = SPEECH[: 2 * FRAME + tail]
    async with fake_media.open_answered_call() as call:
        await fake_media.grant(10 * FRAME)
        await trio.testing.wait_all_tasks_blocked()
        await call.send_audio(said)
        await trio.sleep(0.019)
        assert fake_media.said == said[: 2 * FRAME]
        await trio.sleep(0.002)
        assert fake_media.said == as_it_is_sent(said, wire)


async def test_a_tail_that_is_continued_in_time_is_none(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        await fake_media.grant(10 * FRAME)
        await trio.testing.wait_all_tasks_blocked()
        for start in range(0, len(SPEECH), FRAME // 2):
            await call.send_audio(SPEECH[start : start + FRAME // 2])
            await trio.sleep(0.01)
        await trio.sleep(1)
    assert fake_media.said == SPEECH


async def test_crumbs_do_not_put_a_tail_off_for_ever(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        await fake_media.grant(10 * FRAME)
        await trio.testing.wait_all_tasks_blocked()
        for number in range(4):
            await call.send_audio(SPEECH[10 * number : 10 * number + 10])
            await trio.sleep(0.008)
        await trio.testing.wait_all_tasks_blocked()
        assert fake_media.said[:30] == SPEECH[:30]


async def test_a_tail_goes_out_at_once_when_credit_comes_late(
    fake_media: FakeMedia, wire: WireName
) -> None:
    async with fake_media.open_answered_call() as call:
        await call.send_audio(SPEECH[:100])
        await trio.sleep(1)
        await fake_media.grant(10 * FRAME)
        await trio.testing.wait_all_tasks_blocked()
        assert fake_media.said == as_it_is_sent(SPEECH[:100], wire)


async def test_a_tail_before_a_sender_in_line_is_none(fake_media: FakeMedia) -> None:
    said = [SPEECH[: FRAME + 100], SPEECH[FRAME + 100 :]]
    async with (
        fake_media.open_answered_call(send_buffer_bytes=2 * FRAME) as call,
        trio.open_nursery() as nursery,
    ):
        for pcm in said:
            nursery.start_soon(call.send_audio, pcm)
            await trio.testing.wait_all_tasks_blocked()
        for _ in range(3):
            await trio.sleep(1)
            await fake_media.grant(FRAME)
    assert fake_media.said == SPEECH


@on_the_first_wire  # on the second one the exchange tells of each frame, and wakes up for it
async def test_nobody_wakes_up_for_whole_frames(
    fake_media: FakeMedia, autojump_clock: trio.testing.MockClock
) -> None:
    async with fake_media.open_answered_call() as call:
        await fake_media.grant(10 * FRAME)
        await call.send_audio(SPEECH)
        await trio.testing.wait_all_tasks_blocked()
        wakes = trio.lowlevel.current_statistics().seconds_to_next_deadline
        # Only the heartbeat is due.
        assert wakes > 1


async def test_a_cleared_tail_is_not_sent(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        await fake_media.grant(10 * FRAME)
        await call.send_audio(SPEECH[:100])
        await fake_media.while_accepting(call.clear_send_audio_buffer, "agent.interrupt")
        await trio.sleep(1)
        assert fake_media.audio == []
