"""What is taken for audio, and what is not."""

from __future__ import annotations

import array
import ctypes
import mmap
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trio_calls.audio import (
    _as_bytes,
    find,
    level_dbfs,
    noise,
    read_wav,
    to_samples,
    write_wav,
)
from trio_calls.audio._as_bytes import as_bytes

SPEECH = noise(0.02, 24000, seed=1)
SAMPLES = np.frombuffer(SPEECH, np.int16)

little_endian = pytest.mark.skipif(sys.byteorder != "little", reason="arrays are big-endian here")


def mapped() -> mmap.mmap:
    memory = mmap.mmap(-1, len(SPEECH))
    memory.write(SPEECH)
    return memory


@little_endian
@pytest.mark.parametrize(
    "pcm",
    [
        SPEECH,
        bytearray(SPEECH),
        memoryview(SPEECH),
        memoryview(SPEECH).cast("b"),
        memoryview(SPEECH).cast("c"),
        memoryview(SPEECH).cast("h"),
        array.array("h", SPEECH),
        array.array("B", SPEECH),
        SAMPLES,
        SAMPLES.astype("<i2"),
        SAMPLES.data,
        np.frombuffer(SPEECH, np.uint8),
        (ctypes.c_int16 * len(SAMPLES)).from_buffer_copy(SPEECH),
        np.zeros(0, np.int16),
        b"",
    ],
    ids=lambda pcm: f"{type(pcm).__name__} {getattr(pcm, 'format', getattr(pcm, 'dtype', ''))}",
)
def test_bytes_and_samples_of_16_bits_are_taken(pcm: Any) -> None:
    taken = as_bytes(pcm)
    assert bytes(taken) == (SPEECH if len(pcm) else b"")
    assert len(taken) == len(bytes(taken))


def test_mapped_memory_is_taken() -> None:
    assert bytes(as_bytes(memoryview(mapped()))) == SPEECH


@pytest.mark.parametrize(
    "make",
    [
        lambda: SAMPLES.astype(np.float32),
        lambda: SAMPLES.astype(np.float64).data,
        lambda: SAMPLES.astype(np.float16),
        lambda: SAMPLES.astype(np.int32),
        lambda: SAMPLES.astype(np.int64),
        lambda: SAMPLES.astype(np.uint16),
        lambda: SAMPLES.astype(">i2"),
        lambda: SAMPLES.astype(object),
        lambda: SAMPLES.astype(bool),
        lambda: array.array("f", [0.5]),
        lambda: array.array("i", [5]),
        ctypes.c_int16.__ctype_be__ * 2,
        lambda: memoryview(SPEECH).cast("H"),
        lambda: "hello",
        lambda: [0, 1],
        lambda: 5,
        lambda: None,
    ],
)
def test_other_items_are_refused_with_advice(make: Callable[[], Any]) -> None:
    with pytest.raises(TypeError, match=r"audio must be .*16-bit"):
        as_bytes(make())


@pytest.mark.parametrize(
    ("make", "advice"),
    [
        (lambda: SAMPLES[::2], "gaps"),
        (lambda: SAMPLES[::-1], "gaps"),
        (lambda: SAMPLES.reshape(-1, 1), "mono"),
        (lambda: np.stack([SAMPLES, SAMPLES], axis=1), "mono"),
        (lambda: np.int16(5), "mono"),
        (lambda: np.zeros(3, np.uint8), "even"),
        (lambda: b"\1", "even"),
    ],
)
def test_other_shapes_are_refused_with_advice(make: Callable[[], Any], advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        as_bytes(make())


@pytest.mark.parametrize("function", [to_samples, level_dbfs, lambda pcm: find(pcm, pcm)])
def test_whatever_takes_audio_takes_samples(function: Callable[[Any], Any]) -> None:
    for pcm in (SAMPLES, SAMPLES.data, array.array("h", SPEECH)):
        assert str(function(pcm)) == str(function(SPEECH))
    with pytest.raises(TypeError, match="as in "):
        function(SAMPLES.astype(np.float32))


def test_samples_can_be_written(tmp_path: Path) -> None:
    write_wav(tmp_path / "samples.wav", SAMPLES[:-1], 24000)
    assert read_wav(tmp_path / "samples.wav", 24000) == SPEECH[:-2]
    with pytest.raises(TypeError, match="as in "):
        write_wav(tmp_path / "floats.wav", SAMPLES.astype(np.float32), 24000)
    assert not (tmp_path / "floats.wav").exists()


def test_only_the_wires_order_is_taken() -> None:
    assert ("h" in _as_bytes._SAMPLE_FORMATS) == (sys.byteorder == "little")
    assert ">h" not in _as_bytes._SAMPLE_FORMATS
