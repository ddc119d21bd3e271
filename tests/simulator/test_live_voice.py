"""What is spoken live: even where it comes unevenly, and never late."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_calls.simulator.phones.live_voice import MAX_FRAMES, START_FRAMES, LiveVoice

pytestmark = pytest.mark.pure

FRAME = 4


def frame(number: int) -> bytes:
    return bytes([number, 1]) * (FRAME // 2)


def test_it_starts_with_a_small_cushion() -> None:
    voice = LiveVoice(FRAME)
    voice.put(frame(1))
    assert voice.take_frame() is None
    voice.put(frame(2))
    assert [voice.take_frame() for _ in range(2)] == [frame(1), frame(2)]
    assert voice.gaps == 0


def test_a_gap_lasts_until_the_cushion_is_back() -> None:
    voice = LiveVoice(FRAME)
    voice.put(frame(1) + frame(2))
    assert [voice.take_frame() for _ in range(3)] == [frame(1), frame(2), None]
    assert voice.gaps == 1
    voice.put(frame(3))
    assert voice.take_frame() is None
    voice.put(frame(4))
    assert voice.take_frame() == frame(3)
    assert voice.gaps == 1


def test_nobody_who_is_silent_has_gaps() -> None:
    voice = LiveVoice(FRAME)
    assert [voice.take_frame() for _ in range(9)] == [None] * 9
    assert voice.gaps == 0


def test_what_is_too_old_is_not_said() -> None:
    voice = LiveVoice(FRAME)
    voice.put(b"".join(map(frame, range(MAX_FRAMES + 3))))
    assert voice.take_frame() == frame(3)
    assert voice.dropped_bytes == 3 * FRAME


@given(st.lists(st.one_of(st.none(), st.integers(0, 3 * FRAME // 2)), max_size=200))
def test_samples_are_kept_whole_and_in_order(steps: list[int | None]) -> None:
    voice = LiveVoice(FRAME)
    said = heard = b""
    for step in steps:
        if step is None:
            heard += voice.take_frame() or b""
        else:
            # Samples that count up, each of two bytes.
            begin = len(said) // 2
            piece = b"".join(n.to_bytes(2, "little") for n in range(begin, begin + step))
            said += piece
            voice.put(piece)
    numbers = [int.from_bytes(heard[i : i + 2], "little") for i in range(0, len(heard), 2)]
    assert numbers == sorted(set(numbers))
    waiting = len(said) - len(heard) - voice.dropped_bytes
    assert 0 <= waiting <= MAX_FRAMES * FRAME
    assert MAX_FRAMES > START_FRAMES
