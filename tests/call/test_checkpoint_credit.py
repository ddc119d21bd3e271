"""Whoever hears and answers lets others run once a frame, and nobody keeps them from running."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
import trio.testing

from tests.support.peers.one_call import FRAME, FakeMedia, frames
from trio_calls import ActiveCall

FRAMES = 100

#: The tasks of a test may be one turn apart at either end.
SLACK = 3


@asynccontextmanager
async def somebody_else(notes: list[str]) -> AsyncIterator[None]:
    """Note each turn of another task while the block runs."""

    async def run() -> None:
        while True:
            notes.append("somebody else")
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        yield
        nursery.cancel_scope.cancel()


async def echo(call: ActiveCall, frame_count: int, notes: list[str]) -> None:
    stream = call.audio_stream()
    for _ in range(frame_count):
        pcm = await anext(stream)
        await call.send_audio(pcm)
        notes.append("answer")


async def test_others_get_a_turn_for_each_frame_and_not_two(fake_media: FakeMedia) -> None:
    notes: list[str] = []
    async with fake_media.open_answered_call() as call:
        await fake_media.speak(*frames(FRAMES))
        await trio.testing.wait_all_tasks_blocked()
        async with somebody_else(notes):
            await echo(call, FRAMES, notes)
    assert abs(notes.count("somebody else") - FRAMES) <= SLACK


async def test_others_get_a_turn_with_each_unheard_sending(
    fake_media: FakeMedia,
) -> None:
    notes: list[str] = []
    async with fake_media.open_answered_call() as call:
        await fake_media.speak(frames(1)[0])
        # One frame is heard and answered; all else is said of the agent's own accord.
        await echo(call, 1, [])
        async with somebody_else(notes):
            for pcm in frames(FRAMES):
                await call.send_audio(pcm)
    assert abs(notes.count("somebody else") - FRAMES) <= SLACK


async def test_who_speaks_while_another_listens_keeps_nobody_waiting(
    fake_media: FakeMedia,
) -> None:
    notes: list[str] = []

    async def listen(call: ActiveCall) -> None:
        async for _ in call.audio_stream():
            pass

    async with fake_media.open_answered_call() as call, trio.open_nursery() as nursery:
        await fake_media.speak(*frames(FRAMES))
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(listen, call)
        async with somebody_else(notes):
            for pcm in frames(FRAMES):
                await call.send_audio(pcm)
                notes.append("speech")
        nursery.cancel_scope.cancel()
    runs = [list(run) for who, run in itertools.groupby(notes) if who == "speech"]
    # Two of each turn, and two turns may follow each other: Trio runs tasks in any order.
    assert max(len(run) for run in runs) <= 4


async def test_an_answer_that_gives_no_turn_can_be_cancelled(
    fake_media: FakeMedia,
) -> None:
    async with fake_media.open_answered_call() as call:
        await fake_media.speak(frames(1)[0])
        pcm = await anext(call.audio_stream())
        with trio.CancelScope() as scope:
            scope.cancel()
            await call.send_audio(pcm)
        assert scope.cancelled_caught
        assert call.get_send_audio_buffer_size() == 0


async def test_a_handler_keeps_up_with_what_comes_all_at_once(fake_media: FakeMedia) -> None:
    said = frames(FRAMES)
    async with (
        fake_media.open_answered_call(receive_buffer_seconds=0.06) as call,
        trio.open_nursery() as nursery,
    ):
        await fake_media.grant(FRAMES * FRAME)
        nursery.start_soon(echo, call, FRAMES, [])
        await trio.testing.wait_all_tasks_blocked()
        await fake_media.speak(*said)
        await trio.testing.wait_all_tasks_blocked()
        assert call.statistics().dropped_frames == 0
        assert fake_media.said == b"".join(said)
        nursery.cancel_scope.cancel()
