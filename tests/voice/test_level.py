"""Speech told by its level, in quiet and in noise, from what is no speech."""

import numpy as np
import pytest

from tests.support.sounds import (
    SPEECH_NAMES,
    mixed,
    probabilities,
    seconds_of_speech,
    share_of_speech,
    speech,
    through_a_telephone,
)
from trio_calls.audio import noise, silence, to_pcm, to_samples, tone
from trio_calls.voice import LevelDetector

pytestmark = pytest.mark.pure

RATES = [8000, 16000]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", SPEECH_NAMES)
async def test_recorded_speech_is_speech(name: str, rate: int) -> None:
    told = await probabilities(LevelDetector(rate), speech(name, rate))
    assert share_of_speech(told) > 0.65


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", SPEECH_NAMES)
async def test_so_it_is_over_a_telephone_in_noise(name: str, rate: int) -> None:
    clean = through_a_telephone(speech(name, rate), rate)
    hiss = noise(len(clean) / 2 / rate, rate, seed=1, amplitude=0.01)
    told = await probabilities(LevelDetector(rate), mixed(clean, hiss))
    assert share_of_speech(told) > 0.5


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 24000, 48000])
async def test_silence_and_a_quiet_line_are_no_speech(rate: int) -> None:
    line = silence(1, rate) + noise(1, rate, seed=1, amplitude=0.001) + silence(1, rate)
    assert max(await probabilities(LevelDetector(rate), line)) < 0.1


@pytest.mark.parametrize("amplitude", [0.001, 0.01, 0.02])
async def test_a_stream_may_begin_in_noise(amplitude: float) -> None:
    told = await probabilities(LevelDetector(), noise(10, 16000, seed=1, amplitude=amplitude))
    assert max(told) < 0.35


@pytest.mark.parametrize("amplitude", [0.05, 0.3])
async def test_it_gets_used_to_loud_noise_at_once(amplitude: float) -> None:
    detector = LevelDetector()
    told = await probabilities(detector, noise(10, 16000, seed=1, amplitude=amplitude))
    assert seconds_of_speech(detector, told) <= 0.5
    assert max(told[25:]) < 0.35


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("frequency", [350, 425, 440, 1000, 3000])
async def test_and_to_a_steady_tone(frequency: float, before: float) -> None:
    detector = LevelDetector()
    told = await probabilities(detector, silence(before, 16000) + tone(frequency, 3, 16000))
    assert seconds_of_speech(detector, told) <= 0.4
    assert max(told[-100:]) < 0.1


async def test_a_stream_may_begin_in_the_middle_of_a_word() -> None:
    said = speech("not_available", 16000)
    told = await probabilities(LevelDetector(), said[32 * 200 :])
    assert min(told[:5]) > 0.5


async def test_speech_after_a_tone_is_speech_again() -> None:
    said = speech("greeting", 16000)
    alone = await probabilities(LevelDetector(), said)
    detector = LevelDetector()
    await probabilities(detector, tone(440, 3, 16000) + silence(0.5, 16000))
    assert share_of_speech(await probabilities(detector, said)) > 0.9 * share_of_speech(alone)


async def test_speech_between_digital_silence_is_told_to_the_window() -> None:
    said = noise(0.2, 16000, seed=3, amplitude=0.3)
    told = await probabilities(LevelDetector(), (said + silence(0.2, 16000)) * 5)
    assert [probability > 0.5 for probability in told] == ([True] * 10 + [False] * 10) * 5


async def test_a_lost_packet_does_not_make_noise_speech() -> None:
    hiss = noise(0.2, 16000, seed=1, amplitude=0.02)
    told = await probabilities(LevelDetector(), (hiss + silence(0.02, 16000)) * 20)
    assert max(told) < 0.5


@pytest.mark.parametrize("offset", [-8000, 300, 8000])
async def test_a_constant_offset_changes_nothing(offset: int) -> None:
    said = to_samples(speech("greeting", 16000)) // 2
    shifted = to_pcm((said + offset).astype(np.int16))
    plain = await probabilities(LevelDetector(), to_pcm(said))
    assert await probabilities(LevelDetector(), shifted) == pytest.approx(plain, abs=0.05)


async def test_the_probability_grows_with_the_level() -> None:
    def of(amplitude: float) -> float:
        detector = LevelDetector()
        detector.feed(silence(0.02, 16000))
        return detector.feed(tone(1000, 0.02, 16000, amplitude))

    told = [of(amplitude) for amplitude in (0, 0.001, 0.003, 0.004, 0.006, 0.01, 0.1, 1)]
    assert told == sorted(told)
    assert 0 <= told[0] < 0.05
    assert 0.95 < told[-1] <= 1


async def test_what_counts_as_speech_can_be_set() -> None:
    line = silence(0.1, 16000) + tone(1000, 0.02, 16000, 0.01)
    (strict, loose) = [
        (await probabilities(LevelDetector(speech_db=speech_db), line))[-1] for speech_db in (25, 5)
    ]
    assert strict < 0.5 < loose


@pytest.mark.parametrize("speech_db", [2, 41, float("nan"), "10", None, True])
def test_but_only_to_what_makes_sense(speech_db: float) -> None:
    with pytest.raises(ValueError, match="speech_db must be a number of dB from 3 to 40"):
        LevelDetector(speech_db=speech_db)
