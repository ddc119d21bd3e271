"""Streams of audio are converted to another sample rate as they come."""

import sys
from collections.abc import Iterable
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_calls.audio import Resampler, level_dbfs, noise, silence, to_pcm, to_samples, tone
from trio_calls.audio._resampling import Quality

QUALITIES = get_args(Quality)
RATES = [8000, 11025, 16000, 24000, 44100, 48000]
FRAME_SECONDS = 0.02


def converted(chunks: Iterable[bytes], from_rate: int, to_rate: int, quality: Quality) -> bytes:
    resampler = Resampler(from_rate, to_rate, quality)
    return b"".join([*map(resampler.feed, chunks), resampler.finish()])


def frames(pcm: bytes, rate: int) -> list[bytes]:
    size = 2 * round(rate * FRAME_SECONDS)
    return [pcm[start : start + size] for start in range(0, len(pcm), size)]


def peak_hz(pcm: bytes, rate: int) -> float:
    samples = to_samples(pcm)
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * rate / samples.size)


def greatest_delay_seconds(from_rate: int, to_rate: int, quality: Quality) -> float:
    """Return how much of the audio is held back at most, once it has begun to come."""
    resampler = Resampler(from_rate, to_rate, quality)
    fed = returned = 0
    delays = []
    for frame in frames(noise(2, from_rate, 1), from_rate):
        fed += len(frame) // 2
        returned += len(resampler.feed(frame)) // 2
        delays.append(fed / from_rate - returned / to_rate)
    return max(delays[20:])


@given(
    count=st.integers(0, 3000),
    sizes=st.lists(st.integers(0, 700), min_size=1, max_size=9),
    from_rate=st.sampled_from(RATES),
    to_rate=st.sampled_from(RATES),
    quality=st.sampled_from(QUALITIES),
)
def test_however_it_is_cut_the_result_is_the_same(
    count: int, sizes: list[int], from_rate: int, to_rate: int, quality: Quality
) -> None:
    pcm = noise(count / from_rate, from_rate, 1, amplitude=1)
    edges = np.cumsum(sizes) * 2
    chunks = [pcm[a:b] for a, b in zip([0, *edges], [*edges, len(pcm)], strict=True)]
    whole = converted([pcm], from_rate, to_rate, quality)
    assert converted(chunks, from_rate, to_rate, quality) == whole
    assert 0 <= len(whole) / 2 - count * to_rate / from_rate < 1


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("from_rate", RATES)
@pytest.mark.parametrize("to_rate", RATES)
def test_pitch_loudness_and_place_survive(from_rate: int, to_rate: int, quality: Quality) -> None:
    spoken = tone(1000, 1, from_rate)
    pcm = silence(0.5, from_rate) + spoken
    heard = converted(frames(pcm, from_rate), from_rate, to_rate, quality)
    begin = int(np.argmax(np.abs(to_samples(heard)) > 4000))
    assert begin / to_rate == pytest.approx(0.5, abs=0.0005)
    assert peak_hz(heard, to_rate) == pytest.approx(1000, abs=2)
    assert level_dbfs(heard[2 * begin :]) == pytest.approx(level_dbfs(spoken), abs=0.2)


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize(("from_rate", "to_rate"), [(8000, 24000), (24000, 16000)])
def test_silence_stays_silent(from_rate: int, to_rate: int, quality: Quality) -> None:
    heard = converted(frames(bytes(2 * from_rate), from_rate), from_rate, to_rate, quality)
    assert heard == bytes(2 * to_rate)


@pytest.mark.parametrize("quality", QUALITIES)
def test_what_is_too_loud_is_clipped(quality: Quality) -> None:
    loudest = to_pcm(np.repeat(np.array([32767, -32768] * 20, np.int16), 200))
    samples = to_samples(converted([loudest], 16000, 24000, quality)).reshape(-1, 300)[:, 20:-20]
    assert (samples[::2] > 20000).all()
    assert (samples[1::2] < -20000).all()


@pytest.mark.parametrize("quality", ["recording", "live"])
def test_what_the_lower_rate_cannot_carry_is_filtered(quality: Quality) -> None:
    above = converted([tone(6000, 1, 48000)], 48000, 8000, quality)
    assert level_dbfs(above[1000:-1000]) < -80


@pytest.mark.parametrize(
    ("from_rate", "to_rate", "samples"),
    [
        (8000, 16000, 240),
        (16000, 24000, 240),
        (24000, 16000, 240),
        (16000, 8000, 240),
        (24000, 8000, 600),
        (48000, 16000, 600),
        (48000, 8000, 1320),
    ],
)
def test_live_holds_back_the_same_few_samples(from_rate: int, to_rate: int, samples: int) -> None:
    delay = greatest_delay_seconds(from_rate, to_rate, "live")
    assert delay == pytest.approx(samples / from_rate, abs=1 / to_rate)


@pytest.mark.parametrize("from_rate", RATES)
@pytest.mark.parametrize("to_rate", RATES)
def test_instant_holds_back_next_to_nothing(from_rate: int, to_rate: int) -> None:
    assert greatest_delay_seconds(from_rate, to_rate, "instant") <= 0.0003


@pytest.mark.parametrize(
    ("from_rate", "to_rate", "seconds"),
    [(8000, 16000, 0.115), (16000, 24000, 0.037), (24000, 48000, 0.039)],
)
def test_recording_holds_back_no_more_than_is_told(
    from_rate: int, to_rate: int, seconds: float
) -> None:
    for rates in ((from_rate, to_rate), (to_rate, from_rate)):
        assert greatest_delay_seconds(*rates, "recording") <= seconds


def test_live_returns_the_same_amount_with_every_frame() -> None:
    resampler = Resampler(24000, 16000)
    sizes = [len(resampler.feed(frame)) for frame in frames(noise(1, 24000, 1), 24000)]
    assert set(sizes[1:]) == {640}


def test_the_same_rate_passes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "soxr", None)
    pcm = noise(0.1, 24000, 1)
    resampler = Resampler(24000, 24000)
    assert resampler.feed(pcm) == pcm
    assert resampler.finish() == b""


@pytest.mark.parametrize("to_rate", [8000, 16000])
def test_half_a_sample_is_refused_and_nothing_is_taken(to_rate: int) -> None:
    resampler = Resampler(8000, to_rate)
    with pytest.raises(ValueError, match="3 bytes are not an even number"):
        resampler.feed(b"abc")
    assert resampler.finish() == b""


@pytest.mark.parametrize("to_rate", [8000, 16000])
def test_a_finished_stream_is_used_up(to_rate: int) -> None:
    resampler = Resampler(8000, to_rate)
    resampler.feed(bytes(320))
    resampler.finish()
    with pytest.raises(ValueError, match="finished"):
        resampler.feed(bytes(320))
    with pytest.raises(ValueError, match="finished"):
        resampler.finish()


@pytest.mark.parametrize("rate", [0, -8000, 999, 768_001, 24000.0, None])
def test_a_rate_that_is_none_is_refused(rate: int) -> None:
    for rates in ((rate, 8000), (8000, rate)):
        with pytest.raises(ValueError, match="a sample rate is an integer from 1000 to 768000"):
            Resampler(*rates)


def test_a_quality_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"quality must be one of .*'live'.*, not 'HQ'"):
        Resampler(8000, 16000, "HQ")  # type: ignore[arg-type]


def test_without_soxr_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "soxr", None)
    with pytest.raises(ModuleNotFoundError, match=r"install the extra 'voice' of trio-calls"):
        Resampler(8000, 16000)
