import numpy as np
import pytest

from trio_calls.audio import level_dbfs, noise, to_samples, tone


def test_a_tone_has_its_pitch() -> None:
    samples = to_samples(tone(440.0, 1.0, 24000))
    spectrum = np.abs(np.fft.rfft(samples))
    # One second of audio: bin k of the spectrum is k Hz.
    assert int(np.argmax(spectrum)) == 440


def test_a_tone_has_its_duration_and_amplitude() -> None:
    samples = to_samples(tone(1000.0, 0.5, 8000, amplitude=1.0))
    assert samples.size == 4000
    assert int(samples.max()) == 32767
    assert int(samples.min()) == -32767


def test_the_same_seed_gives_the_same_noise() -> None:
    assert noise(0.1, 24000, seed=1) == noise(0.1, 24000, seed=1)
    assert noise(0.1, 24000, seed=1) != noise(0.1, 24000, seed=2)


def test_noise_has_its_duration_and_amplitude() -> None:
    samples = to_samples(noise(1.0, 24000, seed=1, amplitude=0.5))
    assert samples.size == 24000
    assert 0.49 < int(np.abs(samples.astype(np.int32)).max()) / 32767 <= 0.5
    # Uniform noise has an RMS of its peak / sqrt(3).
    assert level_dbfs(samples.tobytes()) == pytest.approx(-10.8, abs=0.1)


@pytest.mark.parametrize("amplitude", [-0.1, 1.1, float("nan")])
def test_an_amplitude_that_would_wrap_is_refused(amplitude: float) -> None:
    with pytest.raises(ValueError, match="amplitude"):
        tone(440.0, 0.1, 24000, amplitude)
    with pytest.raises(ValueError, match="amplitude"):
        noise(0.1, 24000, seed=1, amplitude=amplitude)


def test_a_negative_duration_is_refused() -> None:
    with pytest.raises(ValueError, match="duration"):
        tone(440.0, -0.1, 24000)
    with pytest.raises(ValueError, match="duration"):
        noise(-0.1, 24000, seed=1)
