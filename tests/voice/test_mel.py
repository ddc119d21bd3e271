"""What a model that was trained with Whisper's ears is shown."""

from __future__ import annotations

import numpy as np
import pytest

from trio_calls.audio import noise, silence, to_pcm, to_samples, tone
from trio_calls.voice._mel import log_mel
from trio_calls.voice._turn_model import features

pytestmark = pytest.mark.pure

RATE = 16000


def sweep() -> bytes:
    """Make 3 s that rise from 100 Hz to 7 kHz."""
    seconds = np.arange(3 * RATE) / RATE
    wave = 8000 * np.sin(2 * np.pi * (100 + 1150 * seconds) * seconds)
    return to_pcm(np.rint(wave).astype(np.int16))


@pytest.mark.parametrize(
    ("band", "frame", "value"),
    [
        *((0, 0, -0.07173), (40, 250, -0.21850), (2, 499, 0.60474), (2, 500, 1.62066)),
        *((2, 510, 0.43264), (10, 525, 0.16783), (25, 600, -0.21850), (70, 750, 0.12640)),
        *((78, 799, 0.73521), (79, 799, 0.63962), (0, 799, 0.06035)),
    ],
)
def test_it_is_what_transformers_shows(band: int, frame: int, value: float) -> None:
    # By WhisperFeatureExtractor(chunk_length=8) of transformers 5.24, with do_normalize=True, of
    # the sweep with 5 s of silence in front. All 64,000 values are within 2e-7.
    assert features(sweep())[band, frame] == pytest.approx(value, abs=1e-5)


def test_a_sweep_climbs_through_all_bands() -> None:
    loudest = features(sweep())[:, 500:].argmax(axis=0)
    assert loudest[0] == 2
    assert loudest[-1] == 76
    assert (np.diff(loudest) >= 0).all()


def test_ten_times_as_loud_is_half_a_step_more() -> None:
    samples = to_samples(noise(1, RATE, seed=1, amplitude=0.05)) / 32768
    assert log_mel(10 * samples) - log_mel(samples) == pytest.approx(0.5, abs=1e-5)


@pytest.mark.parametrize("hops", [2, 15, 16, 17, 800])
def test_there_is_one_column_for_each_hop(hops: int) -> None:
    samples = to_samples(noise(8, RATE, seed=1))[: 160 * hops] / 32768
    assert log_mel(samples).shape == (80, hops)


def test_the_end_of_the_audio_is_the_end_of_the_picture() -> None:
    pcm = noise(3, RATE, seed=1)
    assert features(pcm) == pytest.approx(features(silence(5, RATE) + pcm))
    long = noise(20, RATE, seed=2)
    assert features(long) == pytest.approx(features(long[-2 * 8 * RATE :]))


def test_how_loud_somebody_speaks_makes_no_difference() -> None:
    loud, soft = (features(tone(300, 8, RATE, amplitude)) for amplitude in (0.8, 0.08))
    # But for the noise of rounding it to 16 bits.
    assert soft.max() == pytest.approx(loud.max(), abs=1e-3)


@pytest.mark.parametrize("pcm", [b"", silence(8, RATE)])
def test_silence_is_even(pcm: bytes) -> None:
    assert (features(pcm) == np.float32(-1.5)).all()
