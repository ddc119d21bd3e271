"""A backdrop goes out no faster than it plays, however much is asked for."""

from __future__ import annotations

import numpy as np
import pytest
import trio

from tests.support.peers.media_words import MS
from tests.support.peers.one_call import FRAME, FakeMedia, frames
from tests.support.wires import on_the_first_wire
from trio_calls.audio import FRAME_SECONDS, to_pcm
from trio_calls.audio._backdrop import Backdrop
from trio_calls.call.active_call import playout_of
from trio_calls.call.media_writer import BACKDROP_SECONDS

SECOND = 50 * FRAME


def backdrop() -> Backdrop:
    return Backdrop(to_pcm(np.full(24_000, 1000, np.int16)), 24_000, 1.0)


@pytest.mark.parametrize("frame_ms", [20, 21, 100])
async def test_an_exchange_that_asks_for_a_lot(fake_media: FakeMedia, frame_ms: int) -> None:
    await hear_no_faster_than_it_plays(fake_media, frame_ms * MS)


@on_the_first_wire
@pytest.mark.parametrize("frame_bytes", [2, 1000])
async def test_a_frame_may_be_any_number_of_samples(
    fake_media: FakeMedia, frame_bytes: int
) -> None:
    await hear_no_faster_than_it_plays(fake_media, frame_bytes)


async def hear_no_faster_than_it_plays(fake_media: FakeMedia, frame_bytes: int) -> None:
    async with fake_media.open_answered_call() as call:
        playout_of(call).begin_backdrop(backdrop())
        await fake_media.grant(100 * SECOND, frame_bytes)
        for second in range(1, 5):
            await trio.sleep(1)
            ahead = len(fake_media.said) - second * SECOND
            assert 0 <= ahead <= BACKDROP_SECONDS * SECOND + 2 * frame_bytes
        # It is not cut into crumbs, and nobody wakes up for them.
        assert len(fake_media.audio) <= 4 / FRAME_SECONDS + 10


async def test_speech_is_not_far_behind_it(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        playout_of(call).begin_backdrop(backdrop())
        await fake_media.grant(100 * SECOND)
        await trio.sleep(1)
        began_at = trio.current_time()
        await call.send_audio(b"".join(frames(50)))
        await fake_media.while_accepting(call.close, "call.close")
        assert trio.current_time() - began_at <= 1 + 2 * BACKDROP_SECONDS


async def test_an_exchange_that_asks_for_a_little(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        playout_of(call).begin_backdrop(backdrop())
        for number in range(100):
            await fake_media.grant(FRAME)
            await trio.sleep(0.001)
            # Whatever our clock says: it asks as it plays.
            assert len(fake_media.said) == (number + 1) * FRAME


async def test_a_tail_is_not_torn_from_what_follows(fake_media: FakeMedia) -> None:
    pcm = b"".join(frames(10))
    async with fake_media.open_answered_call() as call:
        playout_of(call).begin_backdrop(backdrop())
        await trio.sleep(0.5)
        await call.send_audio(pcm[:1000])
        await fake_media.grant(3 * FRAME)
        await trio.sleep(0.01)
        assert len(fake_media.said) == FRAME
        await call.send_audio(pcm[1000:])
        await fake_media.grant(10 * FRAME)
        await trio.sleep(0.1)
        assert len(fake_media.said) == 13 * FRAME
        assert call.statistics().sent_bytes == len(pcm)
