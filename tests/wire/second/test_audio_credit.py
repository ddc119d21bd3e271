"""How much the agent may send, by figures that count from the beginning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_calls.wire.media_wire import Credit
from trio_calls.wire.second.audio_credit import AudioCredit

FRAME = 320

flows = st.tuples(st.integers(0, 10_000), st.integers(0, 600))


def new_credit(sample_rate: int = 8000) -> AudioCredit:
    """The account of a track whose exchange has said how long frames are to be."""
    credit = AudioCredit(sample_rate)
    credit.use_frames(FRAME)
    return credit


def granted_by(credit: AudioCredit, drained_ms: int, window_ms: int) -> int:
    """What may be sent beyond what was allowed before, by a word about audio that was sent."""
    told = credit.update(drained_ms, window_ms, 2**24)
    assert told is not None
    return told.requested_bytes


@pytest.mark.parametrize(("sample_rate", "bytes_per_ms"), [(8000, 16), (16000, 32), (24000, 48)])
def test_the_window_is_beyond_what_is_done_with(sample_rate: int, bytes_per_ms: int) -> None:
    credit = new_credit(sample_rate)
    sent_bytes = 30 * bytes_per_ms
    assert credit.update(0, 60, 0) == Credit(60 * bytes_per_ms, FRAME, 0)
    assert credit.update(30, 60, sent_bytes) == Credit(sent_bytes, FRAME, sent_bytes)
    assert credit.update(30, 60, sent_bytes) == Credit(0, FRAME, sent_bytes)
    assert credit.allowed_bytes == 90 * bytes_per_ms
    assert credit.drained_bytes == sent_bytes


def test_a_wider_window_is_more_to_send() -> None:
    credit = new_credit()
    credit.update(20, 60, 320)
    assert credit.update(20, 100, 320) == Credit(40 * 16, FRAME, 320)


def test_what_was_allowed_stays_allowed() -> None:
    credit = new_credit()
    credit.update(40, 60, 640)
    assert credit.update(40, 0, 640) == credit.update(0, 60, 640) == Credit(0, FRAME, 640)
    assert (credit.allowed_bytes, credit.drained_bytes) == (1600, 640)


def test_what_was_not_sent_is_not_done_with() -> None:
    """And a figure that came too early says nothing of what is sent later."""
    credit = new_credit()
    assert credit.update(100, 60, 320) == Credit(160 * 16, FRAME, 320)
    assert credit.update(50, 60, 2560) == Credit(0, FRAME, 800)


def test_frames_are_told_before_credit_is_of_use() -> None:
    credit = AudioCredit(8000)
    assert credit.update(0, 60, 0) is None
    assert credit.update(20, 60, 320) is None
    assert credit.use_frames(FRAME) == Credit(80 * 16, FRAME, 320)
    assert credit.use_frames(2 * FRAME) == Credit(0, 2 * FRAME, 320)


@pytest.mark.slow
@given(st.lists(flows, max_size=20), st.data())
def test_a_lost_message_is_made_up_for_by_the_next(
    flows: list[tuple[int, int]], data: st.DataObject
) -> None:
    whole, holed = new_credit(24000), new_credit(24000)
    ordered = sorted(flows)
    last = (10_000, 600)
    granted = sum(granted_by(whole, *flow) for flow in [*ordered, last])
    kept = [flow for flow in ordered if data.draw(st.booleans())]
    assert sum(granted_by(holed, *flow) for flow in [*kept, last]) == granted
    assert whole.allowed_bytes == holed.allowed_bytes == granted
    assert whole.drained_bytes == holed.drained_bytes
