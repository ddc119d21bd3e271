from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_calls.simulator.phones.jitter_buffer import JITTER_FRAMES, CreditExceeded, JitterBuffer

pytestmark = pytest.mark.pure

FRAME = 320


def pcm(count: int, value: int = 1) -> bytes:
    return bytes([value]) * count


def test_the_first_grant_is_the_whole_buffer() -> None:
    buffer = JitterBuffer(FRAME)
    assert buffer.grant() == JITTER_FRAMES * FRAME
    assert buffer.grant() == 0


def test_what_is_played_makes_room_for_whole_frames() -> None:
    buffer = JitterBuffer(FRAME)
    buffer.grant()
    buffer.put(pcm(FRAME))
    assert buffer.grant() == 0
    assert buffer.take_frame() == pcm(FRAME)
    assert buffer.grant() == FRAME


def test_less_than_a_frame_waits_for_more() -> None:
    buffer = JitterBuffer(FRAME)
    buffer.grant()
    buffer.put(pcm(FRAME + 2, 1))
    assert buffer.take_frame() == pcm(FRAME, 1)
    assert buffer.take_frame() is None
    buffer.put(pcm(FRAME - 2, 2))
    assert buffer.take_frame() == pcm(2, 1) + pcm(FRAME - 2, 2)


def test_audio_beyond_the_credit_is_refused_whole() -> None:
    buffer = JitterBuffer(FRAME)
    with pytest.raises(CreditExceeded):
        buffer.put(pcm(2))
    credit = buffer.grant()
    with pytest.raises(CreditExceeded):
        buffer.put(pcm(credit + 2))
    assert len(buffer) == 0
    assert buffer.credit_bytes == credit
    buffer.put(pcm(credit))
    assert buffer.credit_bytes == 0


def test_clearing_drops_what_waits_but_not_what_was_asked_for() -> None:
    buffer = JitterBuffer(FRAME)
    buffer.grant()
    buffer.put(pcm(2 * FRAME))
    buffer.clear()
    assert buffer.take_frame() is None
    buffer.put(pcm(FRAME))
    assert buffer.grant() == 2 * FRAME


def test_playing_out_fills_the_last_frame_and_takes_no_more() -> None:
    buffer = JitterBuffer(FRAME)
    buffer.grant()
    buffer.put(pcm(FRAME + 4))
    buffer.play_out()
    assert buffer.grant() == 0
    buffer.put(pcm(FRAME, 2))
    assert buffer.take_frame() == pcm(FRAME)
    assert buffer.take_frame() == pcm(4) + bytes(FRAME - 4)
    assert buffer.take_frame() is None
    assert len(buffer) == 0


@given(st.lists(st.integers(0, 4 * FRAME // 2).map(lambda samples: 2 * samples)))
def test_never_more_than_the_target_is_held_and_asked_for(sizes: list[int]) -> None:
    buffer = JitterBuffer(FRAME)
    came, played = bytearray(), bytearray()
    for number, size in enumerate(sizes):
        buffer.grant()
        assert len(buffer) + buffer.credit_bytes <= JITTER_FRAMES * FRAME
        assert JITTER_FRAMES * FRAME - len(buffer) - buffer.credit_bytes < FRAME
        speech = pcm(min(size, buffer.credit_bytes), number % 251)
        buffer.put(speech)
        came += speech
        played += buffer.take_frame() or b""
    buffer.play_out()
    while frame := buffer.take_frame():
        played += frame
    assert len(played) % FRAME == 0
    assert played.rstrip(b"\0") == came.rstrip(b"\0")
