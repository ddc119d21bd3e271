"""What somebody says comes as utterances, or while they say it."""

from __future__ import annotations

import functools

import pytest
import trio

from tests.support.phone_calls import speech
from tests.support.voice_agents import RATE, Scene, answered, loudness
from tests.support.wires import on_one_wire
from trio_calls import WSSCallStateError, serve_calls
from trio_calls.audio import silence
from trio_calls.call.active_call import ActiveCall
from trio_calls.simulator import Simulator, answers
from trio_calls.voice import (
    DetectorError,
    Endpointing,
    EndReason,
    FunctionDetector,
    LevelDetector,
    ListenerTooSlowError,
    SpeechEnd,
    SpeechFrame,
    SpeechStart,
    Utterance,
    open_voice,
)

PREFIX = silence(0.3, RATE)

listening = functools.partial(answered, detector=loudness)


def without_silence(utterance: Utterance) -> bytes:
    return utterance.pcm.strip(b"\0")


async def say(scene: Scene, *pieces: bytes, pause: float = 1.5) -> None:
    for piece in pieces:
        await trio.sleep(pause)
        await scene.simulated.caller.say(piece)


async def test_what_the_caller_says_comes_as_utterances(simulator: Simulator) -> None:
    async with listening(simulator) as scene, trio.open_nursery() as nursery:
        utterances = scene.voice.utterances()
        nursery.start_soon(say, scene, speech(1, 0.5), speech(2, 1.2))
        first, second = await anext(utterances), await anext(utterances)
        assert first.pcm.startswith(PREFIX + speech(1, 0.5))
        assert second.pcm.startswith(PREFIX + speech(2, 1.2))
        assert first.speech_end_seconds - first.start_seconds == pytest.approx(0.3 + 0.5)
        assert first.end_seconds - first.speech_end_seconds == pytest.approx(0.7)
        assert first.reason is EndReason.PAUSE
        assert second.start_seconds - first.start_seconds == pytest.approx(0.5 + 1.5, abs=0.021)


async def test_it_comes_as_soon_as_the_pause_is_long_enough(simulator: Simulator) -> None:
    async with listening(simulator, endpointing=Endpointing(pause_seconds=0.4)) as scene:
        utterances = scene.voice.utterances()
        await scene.simulated.caller.say(speech(1, 0.5))
        said_at = trio.current_time()
        await anext(utterances)
        assert 0.4 <= trio.current_time() - said_at <= 0.44


async def test_its_times_are_those_of_the_call(simulator: Simulator) -> None:
    async with listening(simulator) as scene:
        opened_at = trio.current_time()
        utterances = scene.voice.utterances()
        await trio.sleep(2)
        began_at = trio.current_time()
        await scene.simulated.caller.say(speech(1, 0.5))
        utterance = await anext(utterances)
        assert utterance.start_seconds + 0.3 == pytest.approx(began_at - opened_at, abs=0.021)


@pytest.mark.parametrize("seconds", [1, 3, 9, 30])
async def test_so_they_are_for_who_listens_late(simulator: Simulator, seconds: float) -> None:
    async with listening(simulator) as scene:
        opened_at = trio.current_time()
        await trio.sleep(seconds)
        await scene.simulated.caller.say(speech(1, 1.0))
        # What came before anybody listened waits for the first who does.
        utterances = scene.voice.utterances()
        first = await anext(utterances)
        assert first.start_seconds + 0.3 == pytest.approx(seconds, abs=0.041)
        await trio.sleep(2)
        began_at = trio.current_time()
        await scene.simulated.caller.say(speech(2, 0.5))
        second = await anext(utterances)
        assert second.start_seconds + 0.3 == pytest.approx(began_at - opened_at, abs=0.041)


async def test_a_hangup_ends_it(simulator: Simulator) -> None:
    async with listening(simulator) as scene, trio.open_nursery() as nursery:

        @nursery.start_soon
        async def talk_and_hang_up() -> None:
            await scene.simulated.caller.say(speech(1, 0.5))
            scene.simulated.caller.hang_up()

        heard = [utterance async for utterance in scene.voice.utterances()]
        assert [without_silence(utterance) for utterance in heard] == [speech(1, 0.5).strip(b"\0")]
        assert heard[0].reason is EndReason.STREAM_OVER


@pytest.mark.parametrize("frames", range(1, 40))
async def test_a_hangup_at_any_frame_loses_nothing(simulator: Simulator, frames: int) -> None:
    pcm = speech(1, 0.4)
    async with listening(simulator) as scene, trio.open_nursery() as nursery:

        @nursery.start_soon
        async def talk_and_hang_up() -> None:
            await trio.sleep(0.105)
            scene.simulated.caller.say_nowait(pcm)
            await trio.sleep((frames + 0.5) * 0.02)
            scene.simulated.caller.hang_up()

        heard = [utterance async for utterance in scene.voice.utterances()]
    said = scene.simulated.caller.said.strip(b"\0")
    if len(said) < 0.055 * RATE * 2:
        assert heard == []  # too short for speech
    else:
        assert [utterance.pcm.strip(b"\0") for utterance in heard] == [said]


async def test_what_is_in_progress_comes_whole(simulator: Simulator) -> None:
    async with listening(simulator) as scene, trio.open_nursery() as nursery:
        scene.voice.utterances()  # starts to listen, and is dropped
        nursery.start_soon(say, scene, speech(1, 1.0))
        await trio.sleep(2)
        utterance = await anext(scene.voice.utterances())
        assert utterance.pcm.startswith(PREFIX + speech(1, 1.0))


async def test_everybody_who_listens_gets_everything(simulator: Simulator) -> None:
    async with listening(simulator) as scene, trio.open_nursery() as nursery:
        one, two = scene.voice.utterances(), scene.voice.utterances()
        nursery.start_soon(say, scene, speech(1, 0.5))
        assert await anext(one) == await anext(two)


async def test_a_leg_can_be_listened_to(simulator: Simulator) -> None:
    async with listening(
        simulator, answers(after_seconds=0.1), settings={"audio_mode": "isolated"}
    ) as scene:
        caller = scene.voice.utterances(channel=1)
        callee = scene.voice.utterances(channel=2)
        both = scene.voice.utterances()
        await scene.call.connect()
        await trio.sleep(1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(scene.simulated.caller.say, speech(1, 0.5))
            nursery.start_soon(scene.simulated.callee.say, speech(2, 0.5))
        assert without_silence(await anext(caller)) == speech(1, 0.5).strip(b"\0")
        assert without_silence(await anext(callee)) == speech(2, 0.5).strip(b"\0")
        assert len(without_silence(await anext(both))) == len(speech(1, 0.5))


@on_one_wire
async def test_who_does_not_take_them_is_told(simulator: Simulator) -> None:
    async with listening(simulator, endpointing=Endpointing(max_seconds=30)) as scene:
        utterances = scene.voice.utterances()
        await scene.simulated.caller.say(speech(1, 144))
        await trio.sleep(2)
        with pytest.raises(ListenerTooSlowError, match="1 utterance"):
            await anext(utterances)
        rest = [await anext(utterances) for _ in range(4)]
        assert [utterance.reason for utterance in rest] == [
            *[EndReason.LENGTH] * 3,
            EndReason.PAUSE,
        ]


async def test_a_pending_call_cannot_be_listened_to(simulator: Simulator) -> None:
    async def handle_call(call: ActiveCall) -> None:
        async with open_voice(call) as voice:
            with pytest.raises(WSSCallStateError, match=r"^utterances\(\)"):
                voice.utterances()
            await call.answer()
            voice.utterances()

    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, handle_call, simulator.config)
        await simulator.place_call().wait_ended()
        nursery.cancel_scope.cancel()


class TestSpeechEvents:
    """For recognizers that take a stream."""

    @pytest.mark.parametrize("frame_seconds", [0.01, 0.02, 0.032, 0.1])
    async def test_frames_come_while_the_caller_speaks(
        self, simulator: Simulator, frame_seconds: float
    ) -> None:
        async with listening(simulator) as scene, trio.open_nursery() as nursery:
            events = scene.voice.speech_events(frame_seconds=frame_seconds)
            nursery.start_soon(say, scene, speech(1, 0.5))
            assert isinstance(await anext(events), SpeechStart)
            # The caller is still speaking.
            assert scene.simulated.caller.said.rstrip(b"\0")[-2:] != speech(1, 0.5)[-2:]
            pcm = bytearray()
            async for event in events:
                if isinstance(event, SpeechEnd):
                    assert event.reason is EndReason.PAUSE
                    break
                assert isinstance(event, SpeechFrame)
                assert len(event.pcm) == round(frame_seconds * RATE) * 2
                pcm += event.pcm
            assert pcm.startswith(PREFIX + speech(1, 0.5))

    async def test_the_next_one_follows(self, simulator: Simulator) -> None:
        async with listening(simulator) as scene, trio.open_nursery() as nursery:
            nursery.start_soon(say, scene, speech(1, 0.5), speech(2, 0.5))
            said: list[bytearray] = []
            async for event in scene.voice.speech_events():
                match event:
                    case SpeechStart():
                        said.append(bytearray())
                    case SpeechFrame(pcm=pcm):
                        said[-1] += pcm
                    case SpeechEnd() if len(said) == 2:
                        break
            assert [pcm[: len(PREFIX) + 24000] for pcm in said] == [
                PREFIX + speech(1, 0.5),
                PREFIX + speech(2, 0.5),
            ]

    @on_one_wire
    async def test_who_is_slower_than_speech_is_told(self, simulator: Simulator) -> None:
        async with listening(simulator) as scene:
            events = scene.voice.speech_events()
            await scene.simulated.caller.say(speech(1, 15))
            await trio.sleep(2)
            with pytest.raises(ListenerTooSlowError, match="10 s of speech"):
                await anext(events)
            # The next utterance comes whole, and the call has gone on.
            async with trio.open_nursery() as nursery:
                nursery.start_soon(scene.simulated.caller.say, speech(2, 0.5))
                assert isinstance(await anext(events), SpeechStart)

    async def test_who_comes_late_hears_all_of_it(self, simulator: Simulator) -> None:
        async with listening(simulator) as scene, trio.open_nursery() as nursery:
            scene.voice.utterances()  # starts to listen
            nursery.start_soon(scene.simulated.caller.say, speech(1, 20))
            await trio.sleep(15)
            pcm = bytearray()
            async for event in scene.voice.speech_events():
                if isinstance(event, SpeechEnd):
                    break
                if isinstance(event, SpeechFrame):
                    pcm += event.pcm
            assert speech(1, 20) in pcm

    @pytest.mark.parametrize("seconds", [0, 2, -1, float("nan"), True, "1"])
    async def test_frames_of_no_size(self, simulator: Simulator, seconds: object) -> None:
        async with listening(simulator) as scene:
            with pytest.raises(ValueError, match="frame_seconds must be"):
                scene.voice.speech_events(frame_seconds=seconds)  # type: ignore[arg-type]


class TestFailingDetectors:
    """A detector that fails is told of where somebody listens; the call goes on."""

    @staticmethod
    def failing_after(windows: int) -> object:
        fed = iter(range(windows))

        def detect(pcm: bytes) -> float:
            if next(fed, None) is None:
                raise RuntimeError("no model")
            return loudness_of(pcm)

        return lambda: FunctionDetector(detect, RATE)

    async def test_who_waits_for_an_utterance_is_told(self, simulator: Simulator) -> None:
        async with answered(simulator, detector=self.failing_after(10)) as scene:
            with pytest.raises(DetectorError, match="no model"):
                await anext(scene.voice.utterances())
            await scene.voice.say(speech(1, 0.1))

    async def test_who_waits_for_events_is_told(self, simulator: Simulator) -> None:
        async with answered(simulator, detector=self.failing_after(10)) as scene:
            with pytest.raises(DetectorError, match="no model"):
                await anext(scene.voice.speech_events())

    async def test_what_was_heard_before_comes_first(self, simulator: Simulator) -> None:
        async with answered(simulator, detector=self.failing_after(200)) as scene:
            utterances = scene.voice.utterances()
            await scene.simulated.caller.say(speech(1, 0.5))
            await trio.sleep(6)
            assert without_silence(await anext(utterances)) == speech(1, 0.5).strip(b"\0")
            with pytest.raises(DetectorError, match="no model"):
                await anext(utterances)

    @on_one_wire
    async def test_one_that_is_too_slow_is_told_of(self, simulator: Simulator) -> None:
        async def detect(pcm: bytes) -> float:
            await trio.sleep(0.03)
            return loudness_of(pcm)

        async with answered(simulator, detector=lambda: FunctionDetector(detect, RATE)) as scene:
            with (
                trio.fail_after(40),
                pytest.raises(DetectorError, match="FunctionDetector takes longer"),
            ):
                await anext(scene.voice.utterances())
            await scene.voice.say(speech(1, 0.1))

    async def test_an_interruptible_block_is_ended(self, simulator: Simulator) -> None:
        async with answered(simulator, detector=self.failing_after(10)) as scene:
            with pytest.raises(DetectorError, match="no model"):  # noqa: SIM117
                with scene.voice.until_interrupted():
                    await scene.voice.say(speech(1, 5))
            await trio.sleep(0.1)
            silent_from = len(scene.simulated.caller.heard)
            await trio.sleep(1)
            assert not any(scene.simulated.caller.heard[silent_from:])

    async def test_a_function_of_pcm_makes_no_detector(self, simulator: Simulator) -> None:
        async with answered(simulator, detector=loudness_of) as scene:
            with pytest.raises(DetectorError, match="loudness_of is called without arguments"):
                scene.voice.utterances()

    @pytest.mark.parametrize("detector", ["silero", LevelDetector(RATE)])
    async def test_a_detector_is_made_for_each_stream(
        self, simulator: Simulator, detector: object
    ) -> None:
        async with answered(simulator) as scene:
            with pytest.raises(TypeError, match="detector must be a class or a function"):
                await open_voice(scene.call, detector=detector).__aenter__()  # type: ignore[arg-type]

    async def test_a_factory_that_fails_is_told_of_at_once(self, simulator: Simulator) -> None:
        def make() -> FunctionDetector:
            raise OSError("no file")

        async with answered(simulator, detector=make) as scene:
            with pytest.raises(DetectorError, match="no file"):
                scene.voice.utterances()


def loudness_of(pcm: bytes) -> float:
    return float(any(pcm))
