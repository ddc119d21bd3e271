"""What an exchange of the second wire may say, and hardly ever does: the call goes on with it."""

from __future__ import annotations

import struct
from functools import partial

import pytest
import trio
import trio.testing

from tests.support.peers.media_words import MS, SecondWords
from tests.support.peers.one_call import FRAME, FakeMedia, frames
from tests.support.wires import on_the_second_wire
from trio_calls import AgentMode, CallState
from trio_calls.audio import noise
from trio_calls.voice import SpeechEnding, open_voice
from trio_calls.wire.first.media import BufferRequest
from trio_calls.wire.message import Message
from trio_calls.wire.second.audio_reader import MAX_SILENCE_MS
from trio_calls.wire.second.media import Config, Flow

pytestmark = on_the_second_wire

SILENCE, END_OF_TURN, EXTENSIONS = 0x01, 0x02, 0x80

SPEECH = b"".join(frames(10))
PCM = SPEECH[:FRAME]


class WithoutConfig(SecondWords):
    """Says nothing of the length of frames."""

    greeting = ()  # type: ignore[misc]


class WithoutClock(SecondWords):
    """Says nothing of what was played."""

    played = None  # type: ignore[assignment]


class InWholeFrames(SecondWords):
    """Says of no less than a frame that it was played."""

    def played(self, pcm_bytes: int) -> Message:
        return super().played(pcm_bytes - pcm_bytes % FRAME)


def audio(flags: int, payload: bytes, *, sequence: int = 0, clock_ms: int = 0) -> bytes:
    return struct.pack(">BBHI", 0, flags, sequence, clock_ms) + payload


def silence(milliseconds: int) -> bytes:
    return audio(SILENCE, struct.pack(">I", milliseconds))


@pytest.mark.parametrize(
    "numbers",
    [[(0, 0), (0, 0)], [(7, 9), (3, 2)], [(65_535, 2**32 - 20), (0, 0)], [(0, 1), (9, 0)]],
)
async def test_numbers_and_times_that_jump_lose_nothing(
    fake_media: FakeMedia, numbers: list[tuple[int, int]]
) -> None:
    said = frames(len(numbers))
    async with fake_media.open_answered_call() as call:
        stream = call.audio_stream()
        for pcm, (sequence, clock_ms) in zip(said, numbers, strict=True):
            await fake_media.send(audio(0, pcm, sequence=sequence, clock_ms=clock_ms))
        assert [await anext(stream) for _ in said] == said
        assert call.statistics().invalid_messages == 0


@pytest.mark.parametrize(
    ("message", "pcm"),
    [
        (audio(END_OF_TURN, PCM), PCM),
        (audio(EXTENSIONS, b"\0" + PCM), PCM),
        (audio(EXTENSIONS, b"\2\1\0" + PCM), PCM),
        (audio(EXTENSIONS, b"\6\1\1\7\2\1\7" + PCM), PCM),
        (audio(EXTENSIONS | END_OF_TURN, b"\xff\1\xfd" + bytes(253) + PCM), PCM),
        (audio(0, bytes(2)), bytes(2)),
        (silence(1), bytes(MS)),
        (silence(20), bytes(FRAME)),
        (audio(SILENCE | EXTENSIONS | END_OF_TURN, b"\0\0\0\0\2"), bytes(2 * MS)),
        (silence(MAX_SILENCE_MS), bytes(MAX_SILENCE_MS * MS)),
        (silence(MAX_SILENCE_MS + 1), bytes(MAX_SILENCE_MS * MS)),
        (silence(2**32 - 1), bytes(MAX_SILENCE_MS * MS)),
        # Nothing is to be heard of these.
        (audio(END_OF_TURN, b""), b""),
        (audio(END_OF_TURN | EXTENSIONS, b"\2\1\0"), b""),
        (silence(0), b""),
    ],
    ids=range(15),
)
async def test_every_form_of_audio_is_heard(
    fake_media: FakeMedia, message: bytes, pcm: bytes
) -> None:
    async with fake_media.open_answered_call() as call:
        stream = call.audio_stream()
        await fake_media.send(message)
        await fake_media.speak(SPEECH)
        await fake_media.terminate()
        assert b"".join([heard async for heard in stream]) == pcm + SPEECH
        assert call.statistics().invalid_messages == 0


async def test_silences_of_weeks_cost_what_the_buffer_holds(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call(receive_buffer_seconds=12) as call:
        stream = call.audio_stream()
        for _ in range(1000):
            await fake_media.send(silence(2**32 - 1))
        await fake_media.speak(PCM)
        await fake_media.terminate()
        heard = [pcm async for pcm in stream]
        assert [len(pcm) for pcm in heard] == [5000 * MS, 5000 * MS, FRAME]
        assert heard[-1] == PCM
        assert call.statistics().dropped_frames == 998


async def test_a_window_that_shrinks_takes_nothing_back(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        await fake_media.grant(100 * MS)
        for drained_ms, window_ms in ((0, 99), (50, 49), (0, 60), (0, 0)):
            await fake_media.send(Flow(drained_ms=drained_ms, window_ms=window_ms))
        await trio.testing.wait_all_tasks_blocked()
        await call.send_audio(SPEECH)
        await trio.testing.wait_all_tasks_blocked()
        assert fake_media.said == SPEECH[: 100 * MS]


async def test_a_clock_that_goes_backwards_takes_nothing_back(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        await fake_media.grant(len(SPEECH))
        await call.send_audio(SPEECH)
        await trio.sleep(1)
        # All of it was played.
        await fake_media.send(Flow(drained_ms=0, window_ms=0))
        await trio.testing.wait_all_tasks_blocked()
        began = trio.current_time()
        await fake_media.while_accepting(call.close, "call.close")
        assert trio.current_time() - began <= 0.05


async def test_what_was_never_said_cannot_have_been_played(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        await fake_media.grant(10 * len(SPEECH))
        await fake_media.send(Flow(drained_ms=10_000_000, window_ms=0))
        await call.send_audio(SPEECH)
        await trio.testing.wait_all_tasks_blocked()
        assert fake_media.said == SPEECH
        await fake_media.while_accepting(call.connect, "call.connect")
        assert call.statistics().invalid_messages == 0


async def test_windows_of_other_tracks_are_nobodys(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        await fake_media.send(Flow(track=1, drained_ms=0, window_ms=1000))
        await call.send_audio(SPEECH)
        await trio.testing.wait_all_tasks_blocked()
        assert fake_media.said == b""
        assert call.statistics().invalid_messages == 0


async def test_nothing_is_said_while_no_frame_has_a_length(fake_media: FakeMedia) -> None:
    fake_media.exchange.media_words = WithoutConfig
    async with fake_media.open_answered_call() as call:
        await fake_media.grant(len(SPEECH))
        await call.send_audio(SPEECH)
        await trio.sleep(10)
        assert fake_media.said == b""
        assert call.get_send_audio_buffer_size() == len(SPEECH)
        await fake_media.send(Config(20))
        await trio.testing.wait_all_tasks_blocked()
        assert fake_media.audio == frames(10)


async def test_who_never_says_it_is_left_all_the_same(fake_media: FakeMedia) -> None:
    fake_media.exchange.media_words = WithoutConfig
    async with fake_media.open_answered_call() as call:
        await call.send_audio(noise(1, 24000, 1))
        began = trio.current_time()
        await fake_media.while_accepting(call.close, "call.close")
        assert trio.current_time() - began == pytest.approx(3)
        assert call.state is CallState.DISCONNECTED


async def test_so_is_who_never_says_what_was_played(fake_media: FakeMedia) -> None:
    fake_media.exchange.media_words = WithoutClock
    async with fake_media.open_answered_call() as call:
        await fake_media.grant(50 * FRAME)
        await call.send_audio(noise(1, 24000, 1))
        began = trio.current_time()
        await fake_media.while_accepting(call.close, "call.close")
        assert trio.current_time() - began == pytest.approx(3)
        assert len(fake_media.said) == 50 * FRAME


async def test_or_made_to_drop_it_before_others_hear_it(fake_media: FakeMedia) -> None:
    fake_media.exchange.media_words = WithoutClock
    async with fake_media.open_call() as call:
        await fake_media.while_accepting(call.connect, "call.connect")
        await fake_media.grant(100 * FRAME)
        await call.send_audio(noise(1, 24000, 1))
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call.whisper)
            await fake_media.accept("agent.interrupt")
            assert trio.current_time() - began == pytest.approx(3)
            await fake_media.accept("agent.whisper")
        assert call.mode is AgentMode.WHISPER


async def test_of_the_end_of_a_speech_it_may_say_nothing(fake_media: FakeMedia) -> None:
    fake_media.exchange.media_words = InWholeFrames
    async with fake_media.open_answered_call() as call, open_voice(call) as voice:
        await fake_media.grant(10 * FRAME)
        with trio.fail_after(3):
            outcome = await voice.say(SPEECH[: 7 * FRAME + 10 * MS])
        assert outcome.ending is SpeechEnding.HEARD
        assert fake_media.said == SPEECH[: 7 * FRAME + 10 * MS]


async def test_what_it_should_have_played_long_ago_is_dropped(fake_media: FakeMedia) -> None:
    fake_media.exchange.media_words = WithoutClock
    async with fake_media.open_call() as call:
        await fake_media.while_accepting(call.connect, "call.connect")
        await fake_media.grant(100 * FRAME)
        await call.send_audio(noise(1, 24000, 1))
        await trio.sleep(10)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: call.whisper(flush=False))
            await fake_media.accept("agent.interrupt")
            await fake_media.accept("agent.whisper")


async def test_what_it_has_played_is_known_when_that_matters(fake_media: FakeMedia) -> None:
    """There was credit enough, so that nobody has looked at what it said."""
    async with fake_media.open_call() as call:
        await fake_media.while_accepting(call.connect, "call.connect")
        await fake_media.grant(100 * FRAME)
        await call.send_audio(noise(1, 24000, 1))
        await trio.sleep(2)
        await fake_media.while_accepting(partial(call.whisper, flush=False), "agent.whisper")
        assert [command.command for command in fake_media.commands] == [
            "call.connect",
            "agent.whisper",
        ]


async def test_all_that_it_has_allowed_may_be_sent(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        for _ in range(5):
            await fake_media.grant(10 * FRAME)
        await trio.testing.wait_all_tasks_blocked()
        assert call.statistics().credit_bytes == 50 * FRAME
        await fake_media.grant(10 * FRAME)
        await trio.testing.wait_all_tasks_blocked()
        said = noise(1.2, 24000, 1)
        await call.send_audio(said)
        await trio.testing.wait_all_tasks_blocked()
        assert fake_media.said == said
        assert call.statistics().credit_bytes == 0


async def test_what_was_allowed_before_goes_out_in_frames_of_now(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        await fake_media.grant(100 * MS)
        await fake_media.grant(0, frame_bytes=50 * MS)
        await fake_media.grant(0, frame_bytes=10 * MS)
        await trio.testing.wait_all_tasks_blocked()
        await call.send_audio(SPEECH[:FRAME])
        await call.send_audio(SPEECH[FRAME:])
        await trio.testing.wait_all_tasks_blocked()
        assert [len(pcm) // MS for pcm in fake_media.audio] == [10] * 10
        assert fake_media.said == SPEECH[: 100 * MS]


async def test_words_of_the_first_wire_say_nothing(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        await fake_media.send(BufferRequest(10 * FRAME))
        await call.send_audio(SPEECH)
        await trio.testing.wait_all_tasks_blocked()
        assert fake_media.said == b""
        assert call.statistics().invalid_messages == 0


async def test_frames_may_get_another_length(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        await call.send_audio(SPEECH)
        for milliseconds in (10, 50, 20, 1, 19):
            await fake_media.grant(milliseconds * MS, frame_bytes=milliseconds * MS)
            await trio.testing.wait_all_tasks_blocked()
        assert [len(pcm) // MS for pcm in fake_media.audio] == [10, 50, 20, 1, 19]
        assert fake_media.said == SPEECH[: 100 * MS]
