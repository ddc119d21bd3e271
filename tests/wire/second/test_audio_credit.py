"""How much the agent may send, by figures that count from the beginning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_calls.wire.second.audio_credit import AudioCredit

flows = st.tuples(st.integers(0, 10_000), st.integers(0, 600))


@pytest.mark.parametrize(("sample_rate", "bytes_per_ms"), [(8000, 16), (16000, 32), (24000, 48)])
def test_the_window_is_beyond_what_is_done_with(sample_rate: int, bytes_per_ms: int) -> None:
    credit = AudioCredit(sample_rate)
    assert credit.update(0, 60) == 60 * bytes_per_ms
    assert credit.update(30, 60) == 30 * bytes_per_ms
    assert credit.update(30, 60) == 0
    assert credit.allowed_bytes == 90 * bytes_per_ms
    assert credit.drained_bytes == 30 * bytes_per_ms


def test_a_wider_window_is_more_to_send() -> None:
    credit = AudioCredit(8000)
    credit.update(20, 60)
    assert credit.update(20, 100) == 40 * 16


def test_what_was_allowed_stays_allowed() -> None:
    credit = AudioCredit(8000)
    credit.update(40, 60)
    assert credit.update(40, 0) == credit.update(0, 60) == 0
    assert (credit.allowed_bytes, credit.drained_bytes) == (1600, 640)


@pytest.mark.slow
@given(st.lists(flows, max_size=20), st.data())
def test_a_lost_message_is_made_up_for_by_the_next(
    flows: list[tuple[int, int]], data: st.DataObject
) -> None:
    whole, holed = AudioCredit(24000), AudioCredit(24000)
    ordered = sorted(flows)
    last = (10_000, 600)
    granted = sum(whole.update(*flow) for flow in [*ordered, last])
    kept = [flow for flow in ordered if data.draw(st.booleans())]
    assert sum(holed.update(*flow) for flow in [*kept, last]) == granted
    assert whole.allowed_bytes == holed.allowed_bytes == granted
    assert whole.drained_bytes == holed.drained_bytes
