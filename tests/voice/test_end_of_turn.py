"""A pause may be the end of a turn, or a thought: whoever knows is asked."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import attrs
import pytest
import trio

from tests.support.phone_calls import speech
from tests.support.voice_agents import RATE, answered, loudness
from tests.support.wires import on_one_wire
from trio_calls.simulator import Simulator
from trio_calls.voice import DetectorError, Endpointing, EndReason, open_voice

pytestmark = on_one_wire

PATIENT = Endpointing(pause_seconds=3.0)


@attrs.define
class Oracle:
    """Knows by a function of its own whether somebody has finished."""

    answer: Callable[[bytes], bool | Awaitable[bool]]
    sample_rate: int = RATE
    max_seconds: float = 8.0
    quiet_seconds: float = 0.25
    asked: list[bytes] = attrs.Factory(list)

    def is_over(self, pcm: bytes) -> bool | Awaitable[bool]:
        self.asked.append(pcm)
        return self.answer(pcm)


async def later_yes(pcm: bytes) -> bool:
    await trio.sleep(0.1)
    return True


@pytest.mark.parametrize(("answer", "delay"), [(lambda pcm: True, 0), (later_yes, 0.1)])
async def test_who_has_finished_need_not_wait(
    simulator: Simulator, answer: Callable[[bytes], bool], delay: float
) -> None:
    oracle = Oracle(answer)
    async with answered(
        simulator, detector=loudness, endpointing=PATIENT, end_of_turn=oracle
    ) as scene:
        utterances = scene.voice.utterances()
        await scene.simulated.caller.say(speech(1, 0.5))
        said_at = trio.current_time()
        utterance = await anext(utterances)
        assert utterance.reason is EndReason.TURN_OVER
        assert trio.current_time() - said_at == pytest.approx(0.25 + delay, abs=0.041)
        assert len(oracle.asked) == 1
        assert oracle.asked[0].rstrip(b"\0").endswith(speech(1, 0.5)[-960:].rstrip(b"\0"))


async def test_who_only_thinks_may_go_on(simulator: Simulator) -> None:
    oracle = Oracle(lambda pcm: False)
    async with answered(
        simulator, detector=loudness, endpointing=PATIENT, end_of_turn=oracle
    ) as scene:
        utterances = scene.voice.utterances()
        await scene.simulated.caller.say(speech(1, 0.5))
        await trio.sleep(2)
        await scene.simulated.caller.say(speech(2, 0.5))
        utterance = await anext(utterances)
        assert utterance.reason is EndReason.PAUSE
        assert utterance.end_seconds - utterance.start_seconds == pytest.approx(6.0, abs=0.35)
        # Once in each pause.
        assert len(oracle.asked) == 2


async def test_an_answer_that_comes_too_late_does_not_count(simulator: Simulator) -> None:
    cancelled: list[bool] = []

    async def slow(pcm: bytes) -> bool:
        try:
            await trio.sleep(1)
        except trio.Cancelled:
            cancelled.append(True)
            raise
        return True

    async with answered(
        simulator, detector=loudness, endpointing=PATIENT, end_of_turn=Oracle(slow)
    ) as scene:
        utterances = scene.voice.utterances()
        await scene.simulated.caller.say(speech(1, 0.5))
        await trio.sleep(0.6)
        await scene.simulated.caller.say(speech(2, 0.5))
        assert cancelled == [True]
        utterance = await anext(utterances)
        assert speech(1, 0.5) in utterance.pcm
        assert speech(2, 0.5) in utterance.pcm


async def test_it_is_given_the_end_at_its_own_rate(simulator: Simulator) -> None:
    oracle = Oracle(lambda pcm: True, sample_rate=16_000, max_seconds=2.0)
    async with answered(
        simulator, detector=loudness, endpointing=PATIENT, end_of_turn=oracle
    ) as scene:
        utterances = scene.voice.utterances()
        await scene.simulated.caller.say(speech(1, 5.0))
        await anext(utterances)
        assert len(oracle.asked[0]) == 2 * 16_000 * 2


async def test_the_next_utterance_follows(simulator: Simulator) -> None:
    oracle = Oracle(lambda pcm: True)
    async with answered(
        simulator, detector=loudness, endpointing=PATIENT, end_of_turn=oracle
    ) as scene:
        utterances = scene.voice.utterances()
        for seed in range(3):
            await scene.simulated.caller.say(speech(seed, 0.5))
            assert speech(seed, 0.5) in (await anext(utterances)).pcm


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda pcm: 1 / 0, "is_over.. failed: ZeroDivisionError"),
        (lambda pcm: 0.7, "must return True or False, not 0.7"),
    ],
)
async def test_one_that_fails(
    simulator: Simulator, answer: Callable[[bytes], bool], words: str
) -> None:
    async with answered(
        simulator, detector=loudness, endpointing=PATIENT, end_of_turn=Oracle(answer)
    ) as scene:
        utterances = scene.voice.utterances()
        await scene.simulated.caller.say(speech(1, 0.5))
        await trio.sleep(1)
        # What was said is there all the same.
        assert speech(1, 0.5) in (await anext(utterances)).pcm
        with pytest.raises(DetectorError, match=words):
            await anext(utterances)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"is_over": None}, "must have a method is_over"),
        ({"sample_rate": None}, "end_of_turn.sample_rate must be a whole number of Hz, not None"),
        ({"quiet_seconds": "1"}, "end_of_turn.quiet_seconds must be a number of seconds, not '1'"),
        ({"max_seconds": float("nan")}, "end_of_turn.max_seconds must be a number of seconds"),
    ],
)
async def test_what_cannot_tell_is_refused_at_once(
    simulator: Simulator, changed: dict[str, object], message: str
) -> None:
    members = {"sample_rate": RATE, "max_seconds": 8, "quiet_seconds": 0, "is_over": bool}
    oracle = SimpleNamespace(**(members | changed))
    async with answered(simulator) as scene:
        with pytest.raises(TypeError, match=message):
            await open_voice(scene.call, end_of_turn=oracle).__aenter__()


async def test_a_missing_extra_is_told_at_once(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "soxr", None)
    oracle = Oracle(lambda pcm: True, sample_rate=16000)
    async with answered(simulator) as scene:
        with pytest.raises(ModuleNotFoundError, match="install the extra 'voice'"):
            await open_voice(scene.call, end_of_turn=oracle).__aenter__()
