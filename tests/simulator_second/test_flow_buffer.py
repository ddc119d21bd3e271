"""The account of an agent's audio that counts from the beginning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_calls.simulator.phones.flow_buffer import FRAME_MS, WINDOW_MS, FlowBuffer
from trio_calls.simulator.phones.jitter_buffer import CreditExceeded

pytestmark = pytest.mark.pure

FRAME = 320
BYTES_PER_MS = 16

steps = st.lists(
    st.integers(1, 2 * FRAME).map(lambda samples: 2 * samples)
    | st.sampled_from(["tick", "tick", "interrupt"]),
    max_size=40,
)


@given(steps)
def test_the_account_adds_up(steps: list[int | str]) -> None:
    buffer = FlowBuffer(FRAME)
    came = dropped = 0
    played = bytearray()
    for number, step in enumerate(steps, 1):
        drained_ms, allowed_ms = buffer.drained_ms, buffer.allowed_ms
        granted = buffer.grant()
        assert (buffer.allowed_ms - allowed_ms) * BYTES_PER_MS == granted
        assert buffer.allowed_ms == buffer.drained_ms + WINDOW_MS
        assert buffer.drained_ms >= drained_ms
        assert came + buffer.credit_bytes == buffer.allowed_ms * BYTES_PER_MS
        if step == "tick":
            played += (buffer.take_frame() or b"").rstrip(b"\0")
        elif step == "interrupt":
            dropped += len(buffer)
            buffer.clear()
        elif isinstance(step, int):
            pcm = bytes((number, number)) * (step // 2)
            if step <= buffer.credit_bytes:
                buffer.put(pcm)
                came += step
            else:
                with pytest.raises(CreditExceeded):
                    buffer.put(pcm)
        assert came == len(played) + dropped + len(buffer)


def test_playing_out_allows_nothing_more_and_plays_all() -> None:
    buffer = FlowBuffer(FRAME)
    assert buffer.grant() == WINDOW_MS * BYTES_PER_MS
    buffer.put(b"\1\1" * (FRAME // 2 + 1))
    buffer.play_out()
    assert buffer.take_frame() == b"\1" * FRAME
    assert buffer.grant() == 0
    assert (buffer.drained_ms, buffer.allowed_ms) == (FRAME_MS, WINDOW_MS)
    assert buffer.take_frame() == b"\1\1".ljust(FRAME, b"\0")
    assert buffer.take_frame() is None


def test_what_another_connection_left_does_not_count() -> None:
    buffer = FlowBuffer(FRAME)
    buffer.grant()
    buffer.put(b"\1\1" * FRAME)
    buffer.forget_credit()
    assert buffer.grant() == (WINDOW_MS - 2 * FRAME_MS) * BYTES_PER_MS
    buffer.take_frame()
    buffer.take_frame()
    assert buffer.grant() == 2 * FRAME
    assert (buffer.drained_ms, buffer.allowed_ms) == (0, WINDOW_MS)
