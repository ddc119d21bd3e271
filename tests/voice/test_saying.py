"""What is said is heard, and the agent knows how much of it."""

from __future__ import annotations

import array
import functools
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trio
import trio.lowlevel

from tests.support.phone_calls import speech
from tests.support.voice_agents import FRAME, RATE, answered, seconds_of, sounds
from tests.support.wires import on_one_wire
from trio_calls import AgentMode, WSSCallStateError, serve_calls
from trio_calls.audio import tone, write_wav
from trio_calls.call.active_call import ActiveCall
from trio_calls.simulator import Simulator, answers, jitter
from trio_calls.testing import heard
from trio_calls.voice import (
    EmptySpeechError,
    Speech,
    SpeechEnding,
    SpeechOutcome,
    SpeechPiece,
    open_voice,
)

FRAME_SECONDS = 0.02


async def test_say_returns_when_the_caller_has_heard_it(simulator: Simulator) -> None:
    pcm = speech(1, 1.0)
    async with answered(simulator) as scene:
        started_at = trio.current_time()
        outcome = await scene.voice.say(pcm)
        assert sounds(scene.simulated.caller.heard) == pcm
        assert outcome == SpeechOutcome(SpeechEnding.HEARD, 1.0, 1.0)
        # A frame until it is pulled, and 60 ms more than playing has to take.
        assert 1.0 <= trio.current_time() - started_at <= 1.1


@pytest.mark.parametrize("frames", [0, 1, 2, 3, 4, 7, 20, 48, 49, 50])
async def test_a_cancelled_say_falls_silent_at_once(simulator: Simulator, frames: int) -> None:
    async with answered(simulator) as scene:
        said = scene.voice.speech(speech(1, 1.0))
        with trio.move_on_after((frames + 0.5) * FRAME_SECONDS) as scope:
            await said.say()
        assert scope.cancelled_caught
        heard_by_then = len(sounds(scene.simulated.caller.heard))
        await trio.sleep(0.5)
        heard = sounds(scene.simulated.caller.heard)
        # The frame that is on its way to the telephone at that moment.
        assert len(heard) - heard_by_then <= FRAME
        assert heard == speech(1, 1.0)[: len(heard)]
        assert said.outcome is not None
        is_all = said.outcome.heard_seconds == 1.0
        assert said.outcome.ending is (SpeechEnding.HEARD if is_all else SpeechEnding.INTERRUPTED)
        assert abs(said.outcome.heard_seconds - seconds_of(heard)) <= FRAME_SECONDS + 1e-6
        assert said.outcome.seconds == 1.0
        assert scene.call.get_send_audio_buffer_size() == 0


@pytest.mark.parametrize("frames", range(0, 30))
async def test_a_hangup_ends_it_quietly(simulator: Simulator, frames: int) -> None:
    async with answered(simulator) as scene:
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def hang_up() -> None:
                await trio.sleep((frames + 0.5) * FRAME_SECONDS)
                scene.simulated.caller.hang_up()

            outcome = await scene.voice.say(speech(1, 0.5))
        heard = seconds_of(sounds(scene.simulated.caller.heard))
        assert abs(outcome.heard_seconds - heard) <= FRAME_SECONDS + 1e-6
        assert outcome.ending is (SpeechEnding.HEARD if heard == 0.5 else SpeechEnding.CALL_OVER)


async def test_on_a_call_that_is_over_nothing_is_said(simulator: Simulator) -> None:
    async with answered(simulator) as scene:
        scene.simulated.caller.hang_up()
        await scene.call.wait_disconnected()
        started_at = trio.current_time()
        outcome = await scene.voice.say(speech(1, 60))
        assert outcome.ending is SpeechEnding.CALL_OVER
        assert outcome.heard_seconds == 0
        assert trio.current_time() == started_at


async def test_a_pending_call_has_no_voice_yet(simulator: Simulator) -> None:
    refused: list[WSSCallStateError] = []

    async def handle_call(call: ActiveCall) -> None:
        async with open_voice(call) as voice:
            with pytest.raises(WSSCallStateError, match=r"^say\(\)") as caught:
                await voice.say(speech(1))
            refused.append(caught.value)
            await call.answer()
            assert (await voice.say(speech(1))).ending is SpeechEnding.HEARD

    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, handle_call, simulator.config)
        call = simulator.place_call()
        await call.wait_ended()
        nursery.cancel_scope.cancel()
    assert refused
    assert sounds(call.caller.heard) == speech(1)


async def test_speeches_follow_one_another(simulator: Simulator) -> None:
    outcomes: list[SpeechOutcome] = []
    async with answered(simulator) as scene:

        async def say(seed: int) -> None:
            outcomes.append(await scene.voice.say(speech(seed, 0.3)))

        async with trio.open_nursery() as nursery:
            for seed in range(3):
                nursery.start_soon(say, seed)
                await trio.sleep(0.01)
        heard = sounds(scene.simulated.caller.heard)
    assert heard == speech(0, 0.3) + speech(1, 0.3) + speech(2, 0.3)
    assert outcomes == [SpeechOutcome(SpeechEnding.HEARD, 0.3, 0.3)] * 3


async def test_one_that_waits_is_left_when_another_is_cancelled(simulator: Simulator) -> None:
    async with answered(simulator) as scene, trio.open_nursery() as nursery:
        first = scene.voice.speech(speech(1, 1.0))
        with trio.move_on_after(0.31):
            nursery.start_soon(first.say)
            await trio.sleep(0.01)
            await scene.voice.say(speech(2, 0.3))
        await trio.sleep(2)
        assert sounds(scene.simulated.caller.heard) == speech(1, 1.0)
        assert first.outcome == SpeechOutcome(SpeechEnding.HEARD, 1.0, 1.0)


async def test_it_comes_after_what_was_sent_before(simulator: Simulator) -> None:
    async with answered(simulator) as scene:
        await scene.call.send_audio(speech(7, 0.5))
        said = scene.voice.speech(speech(1, 0.2))
        outcome = await said.say()
        assert sounds(scene.simulated.caller.heard) == speech(7, 0.5) + speech(1, 0.2)
        assert outcome == SpeechOutcome(SpeechEnding.HEARD, 0.2, 0.2)


@pytest.mark.parametrize(
    ("mode", "jitter_seconds"),
    [*((mode, 0) for mode in (None, *AgentMode)), (None, 0.05), (AgentMode.WHISPER, 0.3)],
)
async def test_heard_means_heard(
    simulator: Simulator, mode: AgentMode | None, jitter_seconds: float
) -> None:
    async with answered(simulator, answers(after_seconds=0.1)) as scene:
        call = scene.simulated
        if mode is not None:
            await scene.call.connect()
        if mode is AgentMode.WHISPER:
            await scene.call.whisper()
        if mode is AgentMode.SPY:
            await scene.call.spy()
        # What comes late can only be told from what has come in time.
        await scene.voice.say(speech(2, 0.1))
        if jitter_seconds:
            simulator.inject(jitter(seconds=jitter_seconds))
        said = scene.voice.speech(speech(1, 2.0))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(said.say)
            while said.outcome is None:
                # In SPY nobody hears the agent, but the exchange plays what it says to nobody.
                heard = seconds_of(sounds(call.agent_said)) - 0.1
                assert abs(said.heard_seconds - heard) <= FRAME_SECONDS + 1e-6
                await trio.sleep(0.0137)
        assert said.outcome == SpeechOutcome(SpeechEnding.HEARD, 2.0, 2.0)


@pytest.mark.parametrize("command", ["connect", "clear"])
async def test_what_a_command_drops_counts_as_interrupted(
    simulator: Simulator, command: str
) -> None:
    async with answered(simulator, answers(after_seconds=1.01)) as scene:
        music = scene.voice.speech(speech(1, 5.0))
        async with trio.open_nursery() as nursery:
            if command == "connect":
                nursery.start_soon(scene.call.connect)
            await trio.lowlevel.checkpoint()
            nursery.start_soon(music.say)
            if command == "clear":
                await trio.sleep(1.01)
                await scene.call.clear_send_audio_buffer()
        assert music.outcome is not None
        assert music.outcome.ending is SpeechEnding.INTERRUPTED
        heard = seconds_of(sounds(scene.simulated.caller.heard))
        assert 0.9 < heard < 1.1
        assert abs(music.outcome.heard_seconds - heard) <= FRAME_SECONDS + 1e-6


class TestStreams:
    """Synthesizers that give speech as it is made."""

    async def test_it_is_said_as_it_comes(self, simulator: Simulator) -> None:
        async def synthesize() -> AsyncIterator[bytes]:
            for seed in range(4):
                await trio.sleep(0.05)
                yield speech(seed, 0.2)

        async with answered(simulator) as scene:
            started_at = trio.current_time()
            outcome = await scene.voice.say(synthesize())
            assert trio.current_time() - started_at < 0.95
            heard = sounds(scene.simulated.caller.heard)
        assert heard == b"".join(speech(seed, 0.2) for seed in range(4))
        assert outcome == SpeechOutcome(SpeechEnding.HEARD, 0.8, 0.8)

    @pytest.mark.parametrize("size", [1, 333, 960, 961])
    async def test_it_may_be_cut_anywhere(self, simulator: Simulator, size: int) -> None:
        pcm = speech(1, 0.1)

        async def synthesize() -> AsyncIterator[bytes]:
            for start in range(0, len(pcm), size):
                yield pcm[start : start + size]

        async with answered(simulator) as scene:
            await scene.voice.say(synthesize())
            assert sounds(scene.simulated.caller.heard) == pcm

    async def test_so_may_views_of_it(self, simulator: Simulator) -> None:
        pcm = speech(1, 0.1)

        async def synthesize() -> AsyncIterator[memoryview | array.array[int]]:
            yield memoryview(pcm)[:101]
            yield memoryview(pcm)[101:960]
            yield array.array("h", pcm[960:])

        async with answered(simulator) as scene:
            await scene.voice.say(synthesize())
            assert sounds(scene.simulated.caller.heard) == pcm

    async def test_one_that_fails_drops_the_rest(self, simulator: Simulator) -> None:
        async def synthesize() -> AsyncIterator[bytes]:
            yield speech(1, 2.0)
            await trio.sleep(0.5)
            raise ConnectionError("the synthesizer is gone")

        async with answered(simulator) as scene:
            said = scene.voice.speech(synthesize())
            with pytest.raises(ConnectionError, match="the synthesizer is gone"):
                await said.say()
            await trio.sleep(1)
            heard = seconds_of(sounds(scene.simulated.caller.heard))
            assert said.outcome is not None
            assert said.outcome.ending is SpeechEnding.INTERRUPTED
            assert said.outcome.heard_seconds == pytest.approx(heard, abs=0.021)
            assert 0.4 < heard < 0.6
            # The call goes on, and the agent with it.
            assert (await scene.voice.say(speech(2, 0.1))).ending is SpeechEnding.HEARD

    async def test_one_that_never_ends_is_closed_by_a_hangup(self, simulator: Simulator) -> None:
        closed: list[str] = []

        async def synthesize() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield speech(1, 1.0)
            finally:
                closed.append("closed")

        async with answered(simulator) as scene, trio.open_nursery() as nursery:

            @nursery.start_soon
            async def hang_up() -> None:
                await trio.sleep(30.01)
                scene.simulated.caller.hang_up()

            outcome = await scene.voice.say(synthesize())
            assert outcome.ending is SpeechEnding.CALL_OVER
            assert outcome.heard_seconds == pytest.approx(30, abs=0.021)
            # It is asked about 2 s ahead, for pieces of 1 s.
            assert outcome.seconds <= 30 + 2 + 2
        assert closed == ["closed"]

    @pytest.mark.parametrize("seconds", [0.1, 1.0])
    async def test_a_cancelled_one_is_closed(self, simulator: Simulator, seconds: float) -> None:
        closed: list[str] = []

        async def synthesize() -> AsyncIterator[bytes]:
            try:
                yield speech(1, 0.3)
                await trio.sleep_forever()
            finally:
                closed.append("closed")

        async with answered(simulator) as scene:
            with trio.move_on_after(seconds):
                await scene.voice.say(synthesize())
        assert closed == ["closed"]

    async def test_music_does_not_hold_up_a_connect(self, simulator: Simulator) -> None:
        async def play() -> AsyncIterator[bytes]:
            while True:
                yield speech(1, 0.5)

        async with answered(simulator, answers(after_seconds=3)) as scene:
            music = scene.voice.speech(play())
            async with trio.open_nursery() as nursery:
                nursery.start_soon(music.say)
                await trio.sleep(10)
                began_at = trio.current_time()
                await scene.call.connect()
                # What was ahead, and the ringing.
                assert trio.current_time() - began_at < 2 + 0.5 + 3 + 0.2
            assert music.outcome is not None
            assert music.outcome.ending is SpeechEnding.INTERRUPTED
            await scene.voice.say(speech(2, 0.5))
            assert sounds(scene.simulated.callee.heard) == speech(2, 0.5)

    async def test_one_without_audio_is_refused(self, simulator: Simulator) -> None:
        async def synthesize() -> AsyncIterator[bytes]:
            yield b""

        async with answered(simulator) as scene:
            with pytest.raises(EmptySpeechError, match="gave no audio"):
                await scene.voice.say(synthesize())

    @pytest.mark.parametrize("piece", ["text", (b"", "text"), None])
    async def test_pieces_that_are_no_audio(self, simulator: Simulator, piece: object) -> None:
        async def synthesize() -> AsyncIterator[Any]:
            yield piece

        async with answered(simulator) as scene:
            with pytest.raises(TypeError, match="stream of speech must yield PCM, or SpeechPiece"):
                await scene.voice.say(synthesize())

    async def test_half_a_sample_at_the_end_is_refused(self, simulator: Simulator) -> None:
        async def synthesize() -> AsyncIterator[bytes]:
            yield speech(1, 0.1) + b"\0"

        async with answered(simulator) as scene:
            with pytest.raises(ValueError, match="half a sample"):
                await scene.voice.say(synthesize())

    async def test_a_channel_of_trio_is_a_stream(self, simulator: Simulator) -> None:
        send, receive = trio.open_memory_channel[bytes](math.inf)
        async with answered(simulator) as scene, send:
            send.send_nowait(speech(1, 0.1))
            await send.aclose()
            await scene.voice.say(receive)
            assert sounds(scene.simulated.caller.heard) == speech(1, 0.1)


class TestTexts:
    """The text of what was heard."""

    async def test_all_of_it(self, simulator: Simulator) -> None:
        async with answered(simulator) as scene:
            outcome = await scene.voice.say(speech(1, 0.2), text="Good morning.")
        assert (outcome.heard_text, outcome.is_text_estimated) == ("Good morning.", False)

    async def test_words_that_were_heard(self, simulator: Simulator) -> None:
        async with answered(simulator) as scene:
            said = scene.voice.speech(speech(1, 1.0), text="one two three four")
            with trio.move_on_after(0.61):
                await said.say()
        assert said.outcome is not None
        assert said.heard_text == "one two"
        assert said.outcome.is_text_estimated

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [(0.005, ""), (0.25, "One. "), (0.45, "One. Two. "), (0.7, "One. Two. Three.")],
    )
    async def test_pieces_are_exact_at_their_ends(
        self, simulator: Simulator, seconds: float, text: str
    ) -> None:
        async def synthesize() -> AsyncIterator[SpeechPiece]:
            for number, words in enumerate(["One. ", "Two. ", "Three."]):
                yield SpeechPiece(speech(number, 0.2), words)

        async with answered(simulator) as scene:
            said = scene.voice.speech(synthesize())
            with trio.move_on_after(seconds):
                await said.say()
        assert said.heard_text == text

    @pytest.mark.parametrize("length", [100, 1000])
    async def test_a_stream_that_has_not_ended(self, simulator: Simulator, length: int) -> None:
        async def synthesize() -> AsyncIterator[bytes]:
            yield speech(1, 0.5)
            yield speech(2, 0.5)
            await trio.sleep_forever()

        async with answered(simulator) as scene:
            said = scene.voice.speech(synthesize(), text="word " * (length // 5))
            with trio.move_on_after(3):
                await said.say()
        assert said.outcome is not None
        assert said.outcome.heard_seconds == 1
        # A second of it was heard, and so 20 letters at the most.
        assert said.heard_text == "word word word word"
        assert said.outcome.is_text_estimated

    async def test_a_short_text_of_a_stream_that_has_not_ended(self, simulator: Simulator) -> None:
        async def synthesize() -> AsyncIterator[bytes]:
            yield speech(1, 1.0)
            await trio.sleep_forever()

        async with answered(simulator) as scene:
            said = scene.voice.speech(synthesize(), text="one two")
            with trio.move_on_after(3):
                await said.say()
        assert said.outcome is not None
        assert (said.heard_text, said.outcome.is_text_estimated) == ("one", True)

    async def test_text_that_comes_before_its_audio(self, simulator: Simulator) -> None:
        async def synthesize() -> AsyncIterator[SpeechPiece]:
            yield SpeechPiece(b"", "One. ")
            await trio.sleep(1)
            yield SpeechPiece(speech(1, 0.2), "Two.")
            yield SpeechPiece(b"", " ☎")

        async with answered(simulator) as scene, trio.open_nursery() as nursery:
            said = scene.voice.speech(synthesize())
            nursery.start_soon(said.say)
            await trio.sleep(0.5)
            assert said.heard_text == ""
            await trio.sleep(1)
            assert said.heard_text == "One. Two. ☎"


class TestPauses:
    """A pause is silence, at once and without loss."""

    @pytest.mark.parametrize("frames", range(12))
    async def test_all_of_it_is_heard(self, simulator: Simulator, frames: int) -> None:
        pcm = speech(1, 0.5)
        async with answered(simulator) as scene, trio.open_nursery() as nursery:
            said = scene.voice.speech(pcm)
            nursery.start_soon(said.say)
            await trio.sleep((frames + 0.3) * FRAME_SECONDS)
            scene.voice.pause()
            assert scene.voice.is_paused
            await trio.sleep(0.1)
            silent_from = len(scene.simulated.caller.heard)
            heard_seconds = said.heard_seconds
            await trio.sleep(10)
            assert not any(scene.simulated.caller.heard[silent_from:])
            assert said.heard_seconds == heard_seconds
            scene.voice.resume()
            await trio.sleep(1)
            assert said.outcome == SpeechOutcome(SpeechEnding.HEARD, 0.5, 0.5)
        heard = np.frombuffer(sounds(scene.simulated.caller.heard), "<i2").astype(int)
        if len(heard) == len(pcm) // 2:  # nothing had been pulled, or everything
            assert heard.astype("<i2").tobytes() == pcm
        else:
            # The frame that fades out, whose sound comes once more, fading in.
            at = round(heard_seconds * RATE)
            faded, heard = heard[at : at + 480], np.delete(heard, slice(at, at + 480))
            heard[at : at + 480] += faded
            assert abs(heard - np.frombuffer(pcm, "<i2")).max() <= 1

    async def test_leaving_the_block_ends_it(self, simulator: Simulator) -> None:
        async with answered(simulator) as scene:
            async with open_voice(scene.call) as other:
                other.pause()
                await scene.call.send_audio(speech(1, 0.2))
                await trio.sleep(1)
                assert not any(scene.simulated.caller.heard)
            await trio.sleep(1)
            assert len(sounds(scene.simulated.caller.heard)) == len(speech(1, 0.2))

    async def test_what_is_cancelled_in_one_is_not_heard_after_it(
        self, simulator: Simulator
    ) -> None:
        async with answered(simulator) as scene:
            with trio.move_on_after(1):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(scene.voice.say, speech(1, 2.0))
                    await trio.sleep(0.21)
                    scene.voice.pause()
                    await trio.sleep_forever()
            before = len(scene.simulated.caller.heard)
            scene.voice.resume()
            assert (await scene.voice.say(speech(2, 0.2))).heard_seconds == 0.2
            assert sounds(scene.simulated.caller.heard[before:]) == speech(2, 0.2)


@on_one_wire
class TestKindsOfAudio:
    """What may be said, and what may not."""

    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, "array", "numpy", "path"])
    async def test_it_is_said(self, simulator: Simulator, kind: object, tmp_path: Path) -> None:
        pcm = speech(1, 0.1)
        write_wav(tmp_path / "speech.wav", pcm, RATE)
        sources: dict[object, Any] = {
            bytes: pcm,
            bytearray: bytearray(pcm),
            memoryview: memoryview(pcm),
            "array": array.array("h", pcm),
            "numpy": np.frombuffer(pcm, np.int16),
            "path": tmp_path / "speech.wav",
        }
        async with answered(simulator) as scene:
            outcome = await scene.voice.say(sources[kind])
            assert sounds(scene.simulated.caller.heard) == pcm
        assert outcome.seconds == 0.1

    @pytest.mark.parametrize(
        ("source", "error", "words"),
        [
            ("hello", TypeError, "not text"),
            (None, TypeError, "not NoneType: there is no audio in it"),
            ([1, 2], TypeError, "not list: say each of its pieces"),
            (tone, TypeError, "not function: call it"),
            ((piece for piece in [b""]), TypeError, "not generator: an asynchronous generator"),
            (np.zeros(480, np.float32), TypeError, "floats"),
            (np.zeros((2, 480), np.int16), ValueError, "mono"),
            (b"\0", ValueError, "even"),
            (b"", EmptySpeechError, "no samples"),
        ],
    )
    async def test_it_is_refused(
        self, simulator: Simulator, source: object, error: type[Exception], words: str
    ) -> None:
        async with answered(simulator) as scene:
            with pytest.raises(error, match=words):
                scene.voice.speech(source)  # type: ignore[arg-type]

    async def test_a_coroutine_is_to_be_awaited(self, simulator: Simulator) -> None:
        async def synthesize() -> bytes:
            return b""

        async with answered(simulator) as scene:
            with pytest.raises(TypeError, match="not coroutine: await it"):
                scene.voice.speech(synthesize())  # type: ignore[arg-type]

    @pytest.mark.parametrize("rate", [0, -8000, 8000.0, True, "8000"])
    async def test_no_rate(self, simulator: Simulator, rate: object) -> None:
        async with answered(simulator) as scene:
            with pytest.raises(ValueError, match="sample_rate must be"):
                scene.voice.speech(speech(1), sample_rate=rate)  # type: ignore[arg-type]

    async def test_a_file_that_is_not_there(self, simulator: Simulator, tmp_path: Path) -> None:
        async with answered(simulator) as scene:
            with pytest.raises(FileNotFoundError):
                await scene.voice.say(tmp_path / "none.wav")
            assert (await scene.voice.say(speech(1, 0.1))).ending is SpeechEnding.HEARD

    async def test_each_speech_is_said_once(self, simulator: Simulator) -> None:
        async with answered(simulator) as scene:
            said = scene.voice.speech(speech(1, 0.1))
            await said.say()
            with pytest.raises(RuntimeError, match="said before"):
                await said.say()
            assert repr(said) == "<Speech HEARD 0.10 of 0.10 s>"
            assert isinstance(said, Speech)


@on_one_wire
class TestRates:
    """Speech at other rates than the call's."""

    @pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 48_000])
    @pytest.mark.parametrize("kind", ["pcm", "stream", "file"])
    async def test_it_is_heard_as_it_was_recorded(
        self, simulator: Simulator, kind: str, rate: int, tmp_path: Path
    ) -> None:
        recorded = tone(440, 1.0, rate)
        write_wav(tmp_path / "tone.wav", recorded, rate)

        async def synthesize() -> AsyncIterator[bytes]:
            for start in range(0, len(recorded), 1001):
                yield recorded[start : start + 1001]

        async with answered(simulator) as scene:
            match kind:
                case "pcm":
                    outcome = await scene.voice.say(recorded, sample_rate=rate)
                case "stream":
                    outcome = await scene.voice.say(synthesize(), sample_rate=rate)
                case _:
                    outcome = await scene.voice.say(tmp_path / "tone.wav")
            assert outcome.seconds == pytest.approx(1.0, abs=0.001)
            heard(scene.simulated.caller, tone(440, 0.9, RATE), min_correlation=0.99)

    @pytest.mark.parametrize("kind", ["pcm", "stream"])
    async def test_long_speech_is_converted_in_steps(self, simulator: Simulator, kind: str) -> None:
        recorded = tone(440, 60, 8000)

        async def synthesize() -> AsyncIterator[bytes]:
            yield recorded

        async with answered(simulator) as scene:
            source = recorded if kind == "pcm" else synthesize()
            turns = 0
            with trio.move_on_after(0.5):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(functools.partial(scene.voice.say, source, sample_rate=8000))
                    while scene.call.get_send_audio_buffer_size() == 0:
                        turns += 1
                        await trio.lowlevel.checkpoint()
                    nursery.cancel_scope.cancel()
            assert turns > 20


class TestEars:
    """Speech is heard by those who were to hear the agent when it was said."""

    async def test_a_mode_command_waits_for_the_sentence(self, simulator: Simulator) -> None:
        async with answered(simulator, answers(after_seconds=0.1)) as scene:
            await scene.call.connect()
            said = scene.voice.speech(speech(1, 30.0))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(said.say)
                await trio.sleep(1)
                await scene.call.whisper()
                assert said.heard_seconds == 30.0
                await scene.voice.say(speech(2, 0.5))
            assert sounds(scene.simulated.caller.heard) == speech(1, 30.0)
            assert sounds(scene.simulated.callee.heard) == speech(1, 30.0) + speech(2, 0.5)

    async def test_one_that_does_not_wait_drops_it(self, simulator: Simulator) -> None:
        async with answered(simulator, answers(after_seconds=0.1)) as scene:
            await scene.call.connect()
            said = scene.voice.speech(speech(1, 30.0))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(said.say)
                await trio.sleep(1.01)
                await scene.call.whisper(flush=False)
            assert said.outcome is not None
            assert said.outcome.ending is SpeechEnding.INTERRUPTED
            heard = sounds(scene.simulated.caller.heard)
            assert abs(said.outcome.heard_seconds - seconds_of(heard)) <= FRAME_SECONDS + 1e-6
            assert sounds(scene.simulated.callee.heard) == heard

    async def test_what_was_sent_before_the_voice_is_heard_first(
        self, simulator: Simulator
    ) -> None:
        outcomes: list[SpeechOutcome | None] = []

        async def handle_call(call: ActiveCall) -> None:
            await call.answer()
            await call.send_audio(speech(7, 0.06))
            await call.wait_audio_sent()
            async with open_voice(call) as voice:
                said = voice.speech(speech(1, 1.0))
                with trio.move_on_after(0.4):
                    await said.say()
                outcomes.append(said.outcome)
            await trio.sleep(0.2)

        async with trio.open_nursery() as nursery:
            await nursery.start(serve_calls, handle_call, simulator.config)
            call = simulator.place_call()
            await call.wait_ended()
            nursery.cancel_scope.cancel()
        heard_after = sounds(call.caller.heard)[len(speech(7, 0.06)) :]
        assert outcomes[0] is not None
        assert abs(outcomes[0].heard_seconds - seconds_of(heard_after)) <= FRAME_SECONDS + 1e-6
