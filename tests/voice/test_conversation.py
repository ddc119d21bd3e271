"""A model that hears and speaks in streams holds a conversation."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

import pytest
import trio

from tests.support.phone_calls import speech
from tests.support.voice_agents import RATE, answered, loudness, sounds
from trio_calls.simulator import Simulator
from trio_calls.voice import (
    DetectorError,
    FunctionDetector,
    ListenerTooSlowError,
    SpeechEnd,
    SpeechEnding,
    SpeechEvent,
    SpeechFrame,
    SpeechOutcome,
    SpeechStart,
    Voice,
    converse,
)


class Backwards:
    """Hears a sentence, and says it backwards, half a second at a time."""

    def __init__(self, sample_rate: int = RATE) -> None:
        self.sample_rate: Final = sample_rate
        self.outcomes: list[SpeechOutcome] = []
        self.open_streams = 0
        self._sentence = bytearray()
        self._send, self._receive = trio.open_memory_channel[bytes](10)

    async def hear(self, event: SpeechEvent, /) -> None:
        match event:
            case SpeechStart():
                self._sentence.clear()
            case SpeechFrame(pcm=pcm):
                assert len(pcm) == self.sample_rate // 50 * 2
                self._sentence += pcm
            case SpeechEnd():
                await self._send.send(bytes(self._sentence).strip(b"\0"))

    async def answers(self) -> AsyncGenerator[AsyncGenerator[bytes, None], None]:
        self.open_streams += 1
        try:
            async for sentence in self._receive:
                yield self._said_backwards(sentence)
        finally:
            self.open_streams -= 1

    async def was_heard(self, outcome: SpeechOutcome, /) -> None:
        self.outcomes.append(outcome)

    async def _said_backwards(self, sentence: bytes) -> AsyncGenerator[bytes, None]:
        backwards = backward(sentence)
        for start in range(0, len(backwards), RATE):
            await trio.sleep(0.1)
            yield backwards[start : start + RATE]


def backward(pcm: bytes) -> bytes:
    return b"".join(pcm[at : at + 2] for at in range(len(pcm) - 2, -1, -2))


async def test_it_answers_what_it_has_heard(simulator: Simulator) -> None:
    model = Backwards()
    async with answered(simulator, detector=loudness) as scene, trio.open_nursery() as nursery:
        nursery.start_soon(converse, scene.voice, model)
        for seed in range(2):
            said = speech(seed, 0.8).strip(b"\0")
            await scene.simulated.caller.say(said)
            heard_before = len(scene.simulated.caller.heard)
            await trio.sleep(2.5)
            heard = scene.simulated.caller.heard[heard_before:]
            assert backward(said) in heard
        nursery.cancel_scope.cancel()
    assert [outcome.ending for outcome in model.outcomes] == [SpeechEnding.HEARD] * 2
    assert model.open_streams == 0


async def test_it_is_interrupted_and_told_what_was_heard(simulator: Simulator) -> None:
    model = Backwards()
    async with answered(simulator, detector=loudness) as scene, trio.open_nursery() as nursery:
        nursery.start_soon(converse, scene.voice, model)
        await scene.simulated.caller.say(speech(1, 3.0))
        await trio.sleep(2)
        await scene.simulated.caller.say(speech(2, 0.8))
        await trio.sleep(3)
        nursery.cancel_scope.cancel()
        first, second = model.outcomes
        assert first.ending is SpeechEnding.INTERRUPTED
        assert 0.8 < first.heard_seconds < 1.4
        assert second.ending is SpeechEnding.HEARD
        assert backward(speech(2, 0.8).strip(b"\0")) in scene.simulated.caller.heard


async def test_a_hangup_ends_it(simulator: Simulator) -> None:
    model = Backwards()
    async with answered(simulator, detector=loudness) as scene, trio.open_nursery() as nursery:
        nursery.start_soon(converse, scene.voice, model)
        await scene.simulated.caller.say(speech(1, 1.0))
        await trio.sleep(1.2)
        scene.simulated.caller.hang_up()
    assert model.open_streams == 0


async def test_a_model_that_has_nothing_more_to_say_ends_it(simulator: Simulator) -> None:
    class Laconic(Backwards):
        async def answers(self) -> AsyncGenerator[AsyncGenerator[bytes, None], None]:
            async def greeting() -> AsyncGenerator[bytes, None]:
                yield speech(5, 0.2)

            yield greeting()

    async with answered(simulator, detector=loudness) as scene:
        await converse(scene.voice, Laconic())
        assert sounds(scene.simulated.caller.heard) == speech(5, 0.2)


@pytest.mark.parametrize("method", ["hear", "answers", "was_heard"])
async def test_what_it_raises_comes_out_as_it_is(simulator: Simulator, method: str) -> None:
    class Broken(Backwards):
        async def hear(self, event: SpeechEvent, /) -> None:
            if method == "hear":
                raise ConnectionError("the model is gone")
            await super().hear(event)

        async def answers(self) -> AsyncGenerator[AsyncGenerator[bytes, None], None]:
            if method == "answers":
                raise ConnectionError("the model is gone")
            async with aclosing(super().answers()) as answers:
                async for answer in answers:
                    yield answer

        async def was_heard(self, outcome: SpeechOutcome, /) -> None:
            raise ConnectionError("the model is gone")

    async def talk(voice: Voice) -> None:
        with pytest.raises(ConnectionError, match="the model is gone"):
            await converse(voice, Broken())

    async with answered(simulator, detector=loudness) as scene, trio.open_nursery() as nursery:
        nursery.start_soon(talk, scene.voice)
        await trio.sleep(0.1)
        await scene.simulated.caller.say(speech(1, 0.3))
        await trio.sleep(2)
        assert not nursery.child_tasks
        # The call goes on.
        assert (await scene.voice.say(speech(2, 0.1))).ending is SpeechEnding.HEARD


async def test_a_detector_that_fails_ends_it(simulator: Simulator) -> None:
    def fail(pcm: bytes) -> float:
        raise OSError("no model")

    async with answered(simulator, detector=lambda: FunctionDetector(fail, RATE)) as scene:
        with pytest.raises(DetectorError, match="no model"):
            await converse(scene.voice, Backwards())


async def test_a_model_that_hears_no_more_is_told(simulator: Simulator) -> None:
    class Deaf(Backwards):
        async def hear(self, event: SpeechEvent, /) -> None:
            await trio.sleep_forever()

    async with answered(simulator, detector=loudness) as scene, trio.open_nursery() as nursery:
        nursery.start_soon(scene.simulated.caller.say, speech(1, 15))
        with trio.fail_after(11), pytest.raises(ListenerTooSlowError, match="10 s of speech"):
            await converse(scene.voice, Deaf())


async def test_a_hangup_tells_what_was_heard_of_an_answer(simulator: Simulator) -> None:
    class Talkative(Backwards):
        async def answers(self) -> AsyncGenerator[bytes, None]:  # type: ignore[override]
            yield speech(1, 10.0)

        async def was_heard(self, outcome: SpeechOutcome, /) -> None:
            await trio.lowlevel.checkpoint()
            await super().was_heard(outcome)

    model = Talkative()
    async with answered(simulator, detector=loudness) as scene, trio.open_nursery() as nursery:
        nursery.start_soon(converse, scene.voice, model)
        await trio.sleep(2)
        scene.simulated.caller.hang_up()
    (outcome,) = model.outcomes
    assert outcome.ending is SpeechEnding.CALL_OVER
    assert outcome.heard_seconds == pytest.approx(2, abs=0.041)


async def test_a_model_has_its_own_rate(simulator: Simulator) -> None:
    model = Backwards(sample_rate=16_000)
    async with answered(simulator, detector=loudness) as scene, trio.open_nursery() as nursery:
        nursery.start_soon(converse, scene.voice, model)
        await scene.simulated.caller.say(speech(1, 0.8))
        await trio.sleep(3)
        nursery.cancel_scope.cancel()
        assert 0.75 < len(sounds(scene.simulated.caller.heard)) / 2 / RATE < 0.9
