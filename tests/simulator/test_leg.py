from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_calls.simulator import PhoneHungUp, PhoneState
from trio_calls.simulator.phones.leg import Leg

pytestmark = pytest.mark.pure

FRAME = 320


def make_leg() -> Leg:
    return Leg("+65 9111 0000", PhoneState.CALLING)


def test_silence_is_no_frame() -> None:
    assert make_leg().take_frame(FRAME) is None


def test_the_last_frame_of_speech_is_filled_up_with_silence() -> None:
    leg = make_leg()
    utterance = leg.queue(b"\1" * (FRAME + 2))
    assert leg.take_frame(FRAME) == b"\1" * FRAME
    assert not utterance.over.is_set()
    assert leg.take_frame(FRAME) == b"\1\1" + bytes(FRAME - 2)
    assert utterance.over.is_set()
    assert utterance.was_said
    assert leg.take_frame(FRAME) is None


@given(st.lists(st.integers(0, FRAME).map(lambda samples: 2 * samples)))
def test_one_utterance_follows_another_without_a_gap(sizes: list[int]) -> None:
    leg = make_leg()
    speech = [bytes([number % 255 + 1]) * size for number, size in enumerate(sizes)]
    utterances = [leg.queue(pcm) for pcm in speech]
    said = bytearray()
    while frame := leg.take_frame(FRAME):
        said += frame
    whole = b"".join(speech)
    assert said == whole + bytes(-len(whole) % FRAME)
    assert all(utterance.over.is_set() and utterance.was_said for utterance in utterances)


def test_a_dropped_utterance_is_not_said_and_the_next_one_is() -> None:
    leg = make_leg()
    dropped = leg.queue(b"\1" * FRAME)
    leg.queue(b"\2" * FRAME)
    leg.drop(dropped)
    leg.drop(dropped)
    assert leg.take_frame(FRAME) == b"\2" * FRAME
    assert leg.take_frame(FRAME) is None


def test_hanging_up_ends_every_utterance_unsaid() -> None:
    leg = make_leg()
    utterance = leg.queue(b"\1" * FRAME)
    leg.end()
    assert utterance.over.is_set()
    assert not utterance.was_said
    assert leg.take_frame(FRAME) is None
    with pytest.raises(PhoneHungUp):
        leg.queue(b"\1\1")


def test_half_a_sample_is_not_queued() -> None:
    leg = make_leg()
    with pytest.raises(ValueError, match="3 bytes"):
        leg.queue(b"\1\1\1")
    assert leg.take_frame(FRAME) is None
