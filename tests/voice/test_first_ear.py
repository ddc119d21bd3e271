"""The first ear tells any sound from the noise of the line."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.support.phone_calls import speech
from trio_calls.audio import noise, silence, tone
from trio_calls.voice._first_ear import FirstEar

pytestmark = pytest.mark.pure

RATES = [8000, 16000, 24000, 48000]


def heard(ear: FirstEar, pcm: bytes) -> list[bool]:
    """Feed audio, and tell for each frame whether it was a sound."""
    size = ear.window_samples * 2
    return [ear.feed(pcm[start : start + size]) for start in range(0, len(pcm) - size + 1, size)]


def first(sounds: list[bool]) -> int:
    return sounds.index(True)


@pytest.mark.parametrize("rate", RATES)
def test_silence_is_no_sound(rate: int) -> None:
    assert not any(heard(FirstEar(rate), silence(2, rate)))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("dbfs", [-70, -55, -45])
def test_the_noise_of_a_line_is_no_sound(rate: int, dbfs: float) -> None:
    amplitude = 10 ** (dbfs / 20) * 3**0.5
    assert not any(heard(FirstEar(rate), noise(3, rate, 1, amplitude=amplitude)))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("before", ["silence", "noise"])
def test_a_sound_is_heard_in_its_first_frame(rate: int, before: str) -> None:
    ear = FirstEar(rate)
    quiet = silence(1, rate) if before == "silence" else noise(1, rate, 1, amplitude=0.003)
    heard(ear, quiet)
    # As loud as somebody who speaks softly: -36 dBFS.
    assert first(heard(ear, noise(0.1, rate, 2, amplitude=0.028))) == 0


def test_speech_is_heard_at_once() -> None:
    ear = FirstEar(24000)
    heard(ear, silence(1, 24000))
    assert first(heard(ear, speech(1, 0.5))) <= 1


def windows_of(sounds: list[bool]) -> Iterator[int]:
    return (index for index, is_sound in enumerate(sounds) if is_sound)


@pytest.mark.parametrize("rate", RATES)
def test_it_gets_used_to_a_tone_within_half_a_second(rate: int) -> None:
    ear = FirstEar(rate)
    heard(ear, silence(1, rate))
    sounds = heard(ear, tone(440, 3, rate, amplitude=0.1))
    assert max(windows_of(sounds)) < 25


@pytest.mark.parametrize("offset", [-3000, 3000])
def test_an_offset_is_no_sound(offset: int) -> None:
    pcm = np.full(16000, offset, "<i2").tobytes()
    assert sum(heard(FirstEar(16000), pcm)) <= 25


def test_after_a_pause_a_sound_is_one_again() -> None:
    ear = FirstEar(16000)
    for number in range(5):
        heard(ear, silence(0.5, 16000))
        assert heard(ear, noise(0.1, 16000, number, amplitude=0.3))[0]
