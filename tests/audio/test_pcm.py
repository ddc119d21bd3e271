from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_calls.audio import (
    duration_seconds,
    frame_bytes,
    silence,
    to_pcm,
    to_samples,
)


@pytest.mark.parametrize(("sample_rate", "size"), [(8000, 320), (16000, 640), (24000, 960)])
def test_a_frame_is_twenty_milliseconds(sample_rate: int, size: int) -> None:
    assert frame_bytes(sample_rate) == size
    assert duration_seconds(size, sample_rate) == 0.02


def test_a_frame_of_any_rate_is_whole_samples() -> None:
    assert frame_bytes(11025) == 440


def test_samples_are_little_endian() -> None:
    samples = to_samples(b"\x01\x00\x00\x80\xff\x7f\xff\xff")
    assert samples.tolist() == [1, -32768, 32767, -1]


def test_samples_share_the_memory_of_the_audio() -> None:
    samples = to_samples(b"\x01\x00")
    assert not samples.flags.owndata
    assert not samples.flags.writeable


@given(st.lists(st.integers(-32768, 32767)))
def test_samples_survive_a_round_trip(values: list[int]) -> None:
    samples = np.array(values, dtype=np.int16)
    assert to_samples(to_pcm(samples)).tolist() == values


def test_samples_of_a_slice_are_its_own() -> None:
    assert to_pcm(np.arange(6, dtype=np.int16)[::2]) == b"\x00\x00\x02\x00\x04\x00"


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="3 bytes"):
        to_samples(b"abc")
    with pytest.raises(ValueError, match="961 bytes"):
        duration_seconds(961, 24000)


def test_numbers_that_might_not_fit_are_refused() -> None:
    wide: Any = np.array([40000], dtype=np.int32)
    with pytest.raises(TypeError):
        to_pcm(wide)


def test_silence_is_zeros_of_the_asked_duration() -> None:
    assert silence(0.02, 24000) == b"\x00" * 960
    assert silence(0.0, 24000) == b""


def test_negative_silence_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        silence(-1.0, 24000)
