import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_calls.audio import Match, find, level_dbfs, mix, noise, silence, to_pcm, to_samples, tone

pytestmark = pytest.mark.slow

RATE = 24000
NEEDLE = noise(0.5, RATE, seed=1)


def quieter(pcm: bytes, gain: float) -> bytes:
    return to_pcm(np.rint(to_samples(pcm) * gain).astype(np.int16))


def test_the_level_of_known_signals() -> None:
    assert level_dbfs(b"\x00\x80" * 100) == 0.0
    assert level_dbfs(tone(1000.0, 1.0, RATE, amplitude=1.0)) == pytest.approx(-3.01, abs=0.01)
    assert level_dbfs(tone(1000.0, 1.0, RATE, amplitude=0.1)) == pytest.approx(-23.01, abs=0.01)


@pytest.mark.parametrize("pcm", [b"", silence(0.1, RATE)])
def test_the_level_of_silence_is_minus_infinity(pcm: bytes) -> None:
    assert level_dbfs(pcm) == -math.inf


def test_a_signal_is_found_in_itself() -> None:
    match = find(NEEDLE, NEEDLE)
    assert match.correlation == pytest.approx(1.0)
    assert match.offset_samples == 0


@given(
    delay_samples=st.integers(0, RATE),
    trailing_samples=st.integers(0, RATE),
    gain=st.floats(0.05, 3.0),
)
def test_a_delayed_and_attenuated_signal_is_found(
    delay_samples: int, trailing_samples: int, gain: float
) -> None:
    haystack = bytes(2 * delay_samples) + quieter(NEEDLE, gain) + bytes(2 * trailing_samples)
    match = find(NEEDLE, haystack)
    assert match.correlation > 0.999
    assert match.offset_samples == delay_samples


def test_a_signal_is_found_under_noise_as_loud_as_itself() -> None:
    delayed = silence(0.3, RATE) + NEEDLE + silence(0.2, RATE)
    over_it = noise(1.0, RATE, seed=2)
    match = find(NEEDLE, to_pcm(mix(to_samples(delayed), to_samples(over_it))))
    assert match.correlation == pytest.approx(math.sqrt(0.5), abs=0.03)
    assert match.offset_samples == round(0.3 * RATE)


def test_a_loud_stretch_does_not_hide_a_quiet_signal() -> None:
    loud = noise(1.0, RATE, seed=2, amplitude=1.0)
    match = find(NEEDLE, loud + quieter(NEEDLE, 0.1) + loud)
    assert match.correlation > 0.999
    assert match.offset_samples == RATE


@given(seed=st.integers(2, 10_000))
def test_other_noise_does_not_resemble(seed: int) -> None:
    assert find(NEEDLE, noise(2.0, RATE, seed=seed)).correlation < 0.1


def test_a_signal_upside_down_is_its_opposite() -> None:
    negated = to_pcm(-to_samples(NEEDLE))
    assert find(NEEDLE, negated).correlation == pytest.approx(-1.0)


@pytest.mark.parametrize("haystack", [b"", silence(0.1, RATE), silence(2.0, RATE)])
def test_silence_matches_nothing(haystack: bytes) -> None:
    assert find(NEEDLE, haystack) == Match(correlation=0.0, offset_samples=0)


@pytest.mark.parametrize("needle", [b"", silence(0.1, RATE), silence(2.0, RATE)])
def test_nothing_matches_silence(needle: bytes) -> None:
    assert find(needle, NEEDLE) == Match(correlation=0.0, offset_samples=0)


def test_the_noise_floor_of_a_signal_does_not_resemble_it() -> None:
    floor = quieter(NEEDLE, 0.03)
    assert find(NEEDLE, floor) == Match(correlation=0.0, offset_samples=0)


def test_the_beginning_of_a_signal_resembles_it_by_its_energy() -> None:
    match = find(NEEDLE, NEEDLE[: len(NEEDLE) // 2])
    assert match.correlation == pytest.approx(math.sqrt(0.5), abs=0.02)
    assert match.offset_samples == 0


@given(
    st.lists(st.integers(-32768, 32767), max_size=40),
    st.lists(st.integers(-32768, 32767), max_size=40),
)
def test_a_correlation_is_bounded_and_its_offset_inside(
    needle: list[int], haystack: list[int]
) -> None:
    match = find(
        to_pcm(np.array(needle, dtype=np.int16)), to_pcm(np.array(haystack, dtype=np.int16))
    )
    assert -1.0 <= match.correlation <= 1.0
    assert 0 <= match.offset_samples <= max(0, len(haystack) - len(needle))


@given(
    st.lists(st.integers(-32768, 32767), min_size=1, max_size=8),
    st.lists(st.integers(-32768, 32767), min_size=8, max_size=40),
)
def test_the_best_window_is_the_one_that_a_plain_search_finds(
    needle: list[int], haystack: list[int]
) -> None:
    energy = sum(value**2 for value in needle)
    best = 0.0 if energy == 0 else -1.0
    for start in range(len(haystack) - len(needle) + 1):
        window = haystack[start : start + len(needle)]
        window_energy = sum(value**2 for value in window)
        product = sum(a * b for a, b in zip(needle, window, strict=True))
        silent = energy == 0 or window_energy < energy * 1e-3
        best = max(best, 0.0 if silent else product / math.sqrt(energy * window_energy))
    found = find(
        to_pcm(np.array(needle, dtype=np.int16)), to_pcm(np.array(haystack, dtype=np.int16))
    )
    assert found.correlation == pytest.approx(best, abs=1e-9)


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="1 bytes"):
        level_dbfs(b"a")
    with pytest.raises(ValueError, match="1 bytes"):
        find(b"a", NEEDLE)
    with pytest.raises(ValueError, match="1 bytes"):
        find(NEEDLE, b"a")
