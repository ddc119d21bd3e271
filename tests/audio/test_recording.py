"""WAV files of any kind become the one sample format."""

import sys
import wave
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.wav_files import fmt, plain
from trio_calls.audio import level_dbfs, noise, read_wav, to_samples, tone
from trio_calls.audio._recording import Recording, read_recording


def write(path: Path, data: bytes, *, channels: int = 1, width: int = 2, rate: int = 24000) -> Path:
    with wave.open(str(path), "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(width)
        writer.setframerate(rate)
        writer.writeframes(data)
    return path


def peak_hz(pcm: bytes, rate: int) -> float:
    samples = to_samples(pcm)
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * rate / samples.size)


def test_its_own_format_comes_back_unchanged(tmp_path: Path) -> None:
    pcm = noise(0.1, 24000, 1, amplitude=1)
    assert read_recording(write(tmp_path / "a.wav", pcm)).to_pcm(24000) == pcm


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100, 48000])
@pytest.mark.parametrize("wanted", [8000, 24000])
def test_pitch_loudness_and_duration_survive(rate: int, wanted: int, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(1000, 1, rate), rate=rate)
    pcm = read_recording(path).to_pcm(wanted)
    assert read_wav(path, wanted) == pcm
    assert len(pcm) == pytest.approx(2 * wanted, abs=4)
    assert peak_hz(pcm, wanted) == pytest.approx(1000, abs=2)
    assert level_dbfs(pcm) == pytest.approx(level_dbfs(tone(1000, 1, rate)), abs=0.2)


def test_what_the_lower_rate_cannot_carry_is_filtered_out() -> None:
    above = to_samples(tone(6000, 1, 48000)) / 32768
    assert level_dbfs(Recording(above, 48000).to_pcm(8000)[1000:-1000]) < -80


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_every_width_of_samples(width: int, tmp_path: Path) -> None:
    full = 2 ** (8 * width - 1)
    values = [0, full // 2, -full // 2, -full]
    offset = 128 if width == 1 else 0
    data = b"".join(
        (value + offset).to_bytes(width, "little", signed=width > 1) for value in values
    )
    recording = read_recording(write(tmp_path / "a.wav", data, width=width))
    assert list(recording.samples) == [0, 0.5, -0.5, -1]
    assert list(to_samples(recording.to_pcm(24000))) == [0, 16384, -16384, -32768]


def test_channels_are_mixed_down(tmp_path: Path) -> None:
    data = np.array([[1000, 3000], [-32768, -32768]], "<i2").tobytes()
    recording = read_recording(write(tmp_path / "a.wav", data, channels=2))
    assert list(to_samples(recording.to_pcm(24000))) == [2000, -32768]
    assert list(to_samples(read_wav(tmp_path / "a.wav", 24000))) == [2000, -32768]


def test_what_is_too_loud_is_clipped() -> None:
    samples = Recording(np.array([1.5, -1.5, 1.0]), 8000).to_pcm(8000)
    assert list(to_samples(samples)) == [32767, -32768, 32767]


@given(cut=st.integers(0, 1000), flips=st.lists(st.tuples(st.integers(0, 43), st.integers(0, 255))))
def test_a_damaged_file_is_read_or_a_value_error(
    cut: int, flips: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = write(tmp_path_factory.getbasetemp() / "damaged.wav", noise(0.01, 24000, 1))
    data = bytearray(path.read_bytes())
    for position, value in flips:
        data[position] = value
    path.write_bytes(bytes(data[: len(data) - cut]))
    # Whether it can be read depends on the damage; nothing but a ValueError may come of it.
    with suppress(ValueError):
        assert read_recording(path).samples.ndim == 1


def test_without_soxr_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "soxr", None)
    recording = Recording(np.zeros(100), 44100)
    assert recording.to_pcm(44100) == bytes(200)
    with pytest.raises(ModuleNotFoundError, match="install the extra 'voice' of trio-calls"):
        recording.to_pcm(24000)


@pytest.mark.parametrize(("width", "rate"), [(2, 44100), (1, 8000)])
def test_a_file_is_named_and_its_conversion_told(
    width: int, rate: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "soxr", None)
    path = write(tmp_path / "other rate.wav", bytes(20 * width), channels=2, width=width, rate=rate)
    advice = r"install the extra 'voice' of trio-calls\. To convert it: sox '.*other rate\.wav'"
    with pytest.raises(ValueError, match=advice) as error:
        read_wav(path, 24000)
    assert f"has 2 channel(s) of {8 * width}-bit samples at {rate} Hz" in str(error.value)
    assert "-r 24000 -c 1 -b 16" in str(error.value)
    assert len(read_wav(path, rate)) == 20


@pytest.mark.parametrize("rate", [1, 999, 768_001, 2**31 - 1])
def test_a_rate_that_cannot_be_is_named(rate: int, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(plain(bytes(100), fmt(rate=rate)))
    with pytest.raises(
        ValueError, match=rf"a\.wav is at {rate} Hz, which cannot be resampled\. To"
    ):
        read_wav(path, 24000)
    assert read_wav(path, rate) == bytes(100)


@pytest.mark.parametrize("wanted", [0, -8000, 768_001, 24000.0])
def test_no_rate_is_no_rate_to_convert_to(wanted: int, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", bytes(100), rate=16000)
    with pytest.raises(ValueError, match="a sample rate is an integer from 1000 to 768000, not"):
        read_wav(path, wanted)


def test_a_file_of_one_sample_is_not_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", b"\x01\x02", rate=48000)
    assert read_wav(path, 8000) == b"\x01\x02"
