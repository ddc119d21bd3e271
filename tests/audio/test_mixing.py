from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from trio_calls.audio import mix

SAMPLE = st.integers(-32768, 32767)


def samples(*values: int) -> NDArray[np.int16]:
    return np.array(values, dtype=np.int16)


def test_a_mix_is_the_sum() -> None:
    mixed = mix(samples(1, -2, 300), samples(10, 20, -30), samples(0, 0, 1))
    assert mixed.tolist() == [11, 18, 271]
    assert mixed.dtype == np.int16


def test_too_loud_a_mix_saturates() -> None:
    mixed = mix(samples(32767, -32768), samples(1, -1))
    assert mixed.tolist() == [32767, -32768]


def test_what_saturates_on_the_way_may_come_back() -> None:
    assert mix(samples(32767), samples(32767), samples(-32767)).tolist() == [32767]


@given(st.lists(st.tuples(SAMPLE, SAMPLE, SAMPLE)))
def test_a_mix_is_the_clipped_sum_in_any_order(triples: list[tuple[int, int, int]]) -> None:
    signals = [np.array([triple[i] for triple in triples], dtype=np.int16) for i in range(3)]
    expected = [max(-32768, min(32767, sum(triple))) for triple in triples]
    assert mix(*signals).tolist() == expected
    assert mix(*reversed(signals)).tolist() == expected


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int32, np.uint16])
def test_signals_of_other_items_are_refused(kind: Any) -> None:
    with pytest.raises(TypeError, match=f"int16, not of {kind.__name__}"):
        mix(samples(1, 2), samples(1, 2).astype(kind))


def test_the_mix_of_one_is_a_copy() -> None:
    signal = samples(1, 2)
    mixed = mix(signal)
    mixed[0] = 9
    assert signal.tolist() == [1, 2]


def test_nothing_to_mix_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        mix()


@pytest.mark.parametrize("other", [samples(1), samples()])
def test_unequal_lengths_are_refused(other: NDArray[np.int16]) -> None:
    with pytest.raises(ValueError, match="one length"):
        mix(samples(1, 2), other)
