"""Float, mu-law and A-law, which soundfile decodes; and what is said where it is not installed."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.wav_files import UNKNOWN_LENGTH, extensible, fmt, plain
from trio_calls.audio import noise, read_wav, to_samples
from trio_calls.audio._recording import read_recording
from trio_calls.audio._wav_content import parse_wav

PCM = noise(0.05, 24000, seed=1)
SAMPLES = to_samples(PCM) / 32768
FLOAT, A_LAW, MU_LAW = 3, 6, 7


@pytest.fixture
def soundfile() -> Any:
    return pytest.importorskip("soundfile", reason="needs the extra 'audio'")


needs_soundfile = pytest.mark.usefixtures("soundfile")


def written(path: Path, data: bytes, header: bytes, size: int | None = None) -> Path:
    path.write_bytes(plain(data, header, size=size))
    return path


@needs_soundfile
@pytest.mark.parametrize("size", [None, 0, UNKNOWN_LENGTH, 0x7FFFF000])
@pytest.mark.parametrize("header", [fmt, extensible])
@pytest.mark.parametrize("bits", [32, 64])
def test_float_is_read_to_the_bit(
    tmp_path: Path, size: int | None, header: Callable[..., bytes], bits: int
) -> None:
    data = SAMPLES.astype(f"<f{bits // 8}").tobytes()
    path = written(tmp_path / "a.wav", data, header(coding=FLOAT, bits=bits), size)
    assert read_wav(path, 24000) == PCM
    assert np.array_equal(read_recording(path).samples, SAMPLES)


@needs_soundfile
@pytest.mark.parametrize("size", [None, 0, UNKNOWN_LENGTH])
@pytest.mark.parametrize(
    ("coding", "loudest", "zero"), [(MU_LAW, 32124, b"\xff"), (A_LAW, 32256, b"\xd5")]
)
def test_telephone_codings(
    tmp_path: Path, size: int | None, coding: int, loudest: int, zero: bytes
) -> None:
    every = bytes(range(256))
    path = written(tmp_path / "a.wav", 2 * zero + every, fmt(coding=coding, bits=8), size)
    samples = to_samples(read_wav(path, 24000)).astype(int)
    assert abs(samples[0]) <= 8
    assert samples.max() == loudest
    assert samples.min() == -loudest
    assert len(samples) == 258


@needs_soundfile
def test_channels_of_float_are_mixed_down(tmp_path: Path) -> None:
    data = np.array([[0.5, 0.25], [-1, 1]], "<f4").tobytes()
    path = written(tmp_path / "a.wav", data, fmt(coding=FLOAT, bits=32, channels=2))
    assert list(read_recording(path).samples) == [0.375, 0]


@needs_soundfile
def test_float_that_is_too_loud_is_clipped(tmp_path: Path) -> None:
    data = np.array([2, -2], "<f4").tobytes()
    path = written(tmp_path / "a.wav", data, fmt(coding=FLOAT, bits=32))
    assert list(to_samples(read_wav(path, 24000))) == [32767, -32768]


@needs_soundfile
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_float_that_is_no_number_is_refused(tmp_path: Path, value: float) -> None:
    data = np.array([0, value], "<f4").tobytes()
    path = written(tmp_path / "a.wav", data, fmt(coding=FLOAT, bits=32))
    with pytest.raises(ValueError, match="has samples that are no numbers"):
        read_wav(path, 24000)


@pytest.mark.parametrize(
    "subtype",
    [
        "PCM_U8",
        "PCM_16",
        "PCM_24",
        "PCM_32",
        "FLOAT",
        "DOUBLE",
        "ULAW",
        "ALAW",
        "IMA_ADPCM",
        "MS_ADPCM",
        "GSM610",
    ],
)
@pytest.mark.parametrize("container", ["WAV", "WAVEX", "RF64"])
def test_what_soundfile_writes_is_read_alike(
    tmp_path: Path, soundfile: Any, subtype: str, container: str
) -> None:
    if not soundfile.check_format(container, subtype):
        pytest.skip("soundfile writes no such file")
    file = io.BytesIO()
    soundfile.write(file, SAMPLES, 24000, subtype=subtype, format=container)
    (tmp_path / "a.wav").write_bytes(file.getvalue())
    expected, _ = soundfile.read(io.BytesIO(file.getvalue()), dtype="float64")
    assert np.array_equal(read_recording(tmp_path / "a.wav").samples, expected)


@needs_soundfile
def test_a_damaged_file_of_another_coding_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "a.wav", bytes(100), fmt(coding=0x31, bits=0, channels=9))
    with pytest.raises(
        ValueError, match=r"a\.wav has GSM 6\.10 samples that cannot be read: [^<]*$"
    ):
        read_recording(path)


@pytest.mark.parametrize(
    ("coding", "bits", "name"),
    [(FLOAT, 32, "32-bit float"), (A_LAW, 8, "A-law"), (MU_LAW, 8, "mu-law")],
)
def test_without_soundfile_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, coding: int, bits: int, name: str
) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    path = written(tmp_path / "a.wav", bytes(96), fmt(coding=coding, bits=bits))
    advice = f"a.wav has {name} samples, which are read with soundfile: install the extra 'audio'"
    with pytest.raises(ValueError, match=advice):
        read_recording(path)
    with pytest.raises(ValueError, match=rf"{advice} of trio-calls\. To convert it: sox "):
        read_wav(path, 24000)
    assert parse_wav(path.read_bytes()).channels == 1
