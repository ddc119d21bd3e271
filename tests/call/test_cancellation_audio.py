"""What is said and heard, cancelled at every moment: nothing is lost, nothing is halved."""

from __future__ import annotations

import pytest
import trio

from tests.support.cancellation import Stage, at_every_moment, quiet
from tests.support.peers.one_call import FRAME
from tests.support.phone_calls import A, D, speech
from tests.support.wires import as_it_is_sent, on_wires_and_transports
from trio_calls.audio import FRAME_SECONDS

pytestmark = [on_wires_and_transports, pytest.mark.slow]

#: The queue holds so much: less than the exchange asks for ahead, so that senders soon wait.
QUEUE_BYTES = 2 * FRAME

#: Frames of a piece that is longer than the queue.
LONG = 4.5


class Pieces:
    """Makes pieces of speech that all sound different."""

    def __init__(self) -> None:
        self._pcm = speech(1, seconds=60)
        self._position = 0

    def next(self, frames: float = 1.5) -> bytes:
        begin = self._position
        self._position += int(frames * FRAME)
        return self._pcm[begin : self._position]


@at_every_moment(send_buffer_bytes=QUEUE_BYTES)
async def test_send_audio_queues_whole_frames_or_all_of_it(stage: Stage) -> None:
    pieces = Pieces()
    sent_before = 0
    async with stage.call() as (call, _):
        await call.answer()
        for attempt in stage.attempts():
            first, piece, rival = pieces.next(), pieces.next(LONG), pieces.next()
            async with trio.open_nursery() as nursery:
                await call.send_audio(first)
                nursery.start_soon(call.send_audio, rival)
                await quiet()
                with attempt.watch() as scope:
                    await call.send_audio(piece)
            await call.wait_audio_sent()
            sent = stage.wires[-1].audio[sent_before:]
            sent_before += len(sent)
            assert sent.startswith(first + rival)
            said = sent[len(first + rival) :]
            if said != as_it_is_sent(piece, stage.config.wire):
                assert scope.cancelled_caught
                assert len(said) % FRAME == 0
                assert piece.startswith(said)
        assert call.state is A
        assert call.statistics().credit_bytes == stage.wires[-1].open_credit_bytes


@at_every_moment()
async def test_wait_audio_sent_leaves_the_audio_on_its_way(stage: Stage) -> None:
    pieces = Pieces()
    queued = b""
    async with stage.call() as (call, _):
        await call.answer()
        for attempt in stage.attempts():
            piece = pieces.next(frames=2)
            await call.send_audio(piece)
            with attempt.watch() as scope:
                await call.wait_audio_sent()
            if not scope.cancelled_caught:
                assert call.get_send_audio_buffer_size() == 0
            await call.wait_audio_sent()
            queued += piece
            assert stage.wires[-1].audio == queued
        assert call.state is A
        assert call.statistics().credit_bytes == stage.wires[-1].open_credit_bytes


@at_every_moment()
async def test_clear_send_audio_buffer_leaves_an_empty_queue(stage: Stage) -> None:
    pieces = Pieces()
    async with stage.call() as (call, phones):
        await call.answer()
        for attempt in stage.attempts():
            # Half a frame waits although there is credit; of six, some wait for credit.
            await call.send_audio(pieces.next(frames=6 if attempt.number % 2 else 0.5))
            with attempt.watch() as scope:
                await call.clear_send_audio_buffer()
            assert call.get_send_audio_buffer_size() == 0
            await quiet()
            assert call.state is A
            assert scope.cancelled_caught or stage.wires[-1].commands[-1] == "agent.interrupt"
            assert call.statistics().credit_bytes == stage.wires[-1].open_credit_bytes
        last = pieces.next().ljust(2 * FRAME, b"\0")
        await call.send_audio(last)
        await call.wait_audio_sent()
        await trio.sleep(5 * FRAME_SECONDS)
        assert last in phones.agent_said


@at_every_moment()
async def test_a_stream_loses_no_frame(stage: Stage) -> None:
    async with stage.call() as (call, phones):
        await call.answer()
        stream = call.audio_stream()
        heard = []
        phones.caller.say_nowait(speech(2, seconds=3))
        for attempt in stage.attempts():
            with attempt.watch():
                for _ in range(3):
                    heard.append(await anext(stream))
        await trio.sleep(10 * FRAME_SECONDS)
        phones.caller.hang_up()
        heard += [frame async for frame in stream]
        assert b"".join(heard) == phones.agent_heard
        assert phones.agent_heard.startswith(speech(2, seconds=3)[:FRAME])


@at_every_moment()
async def test_wait_disconnected_changes_nothing(stage: Stage) -> None:
    for attempt in stage.attempts():
        async with stage.call() as (call, phones), trio.open_nursery() as nursery:
            await call.answer()

            @nursery.start_soon
            async def hang_up() -> None:
                await trio.sleep(FRAME_SECONDS)
                phones.caller.hang_up()

            with attempt.watch() as scope:
                await call.wait_disconnected()
            if not scope.cancelled_caught:
                assert call.state is D
            await quiet()
            assert call.state is phones.agent_states[-1]
