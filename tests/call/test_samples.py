"""What is taken for audio, and what is not."""

from __future__ import annotations

import array
import ctypes
import mmap
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from trio_calls.audio import noise
from trio_calls.call import samples
from trio_calls.call.samples import as_bytes

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


def test_only_the_wires_order_is_taken() -> None:
    assert ("h" in samples._SAMPLE_FORMATS) == (sys.byteorder == "little")
    assert ">h" not in samples._SAMPLE_FORMATS
