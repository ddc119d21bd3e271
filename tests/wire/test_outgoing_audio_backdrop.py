"""A backdrop answers what nothing said answers, and has no place in what is said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.test_outgoing_audio import drain
from trio_calls.audio import noise, to_pcm, to_samples
from trio_calls.audio._backdrop import Backdrop
from trio_calls.wire.media_wire import Credit
from trio_calls.wire.outgoing_audio import OutgoingAudio

RATE = 24_000
FRAME_BYTES = 960
SPEECH = noise(0.2, RATE, 1)
FLAT = to_pcm(np.full(RATE, 1000, np.int16))
NO_END = 10**6


def outgoing(speech: bytes = b"", gain: float = 0.5) -> OutgoingAudio:
    audio = OutgoingAudio(2**20)
    audio.put(speech)
    audio.begin_backdrop(Backdrop(FLAT, RATE, gain))
    return audio


def fill(audio: OutgoingAudio, most_bytes: int = NO_END) -> list[bytes]:
    return audio.fill(most_bytes)


def test_it_answers_all_that_was_asked_for() -> None:
    audio = outgoing()
    audio.grant(Credit(10 * FRAME_BYTES))
    assert drain(audio) == []
    assert sum(len(message) for message in fill(audio)) == 10 * FRAME_BYTES
    assert audio.credit_bytes == 0
    assert audio.filled_bytes == 10 * FRAME_BYTES


def test_nothing_goes_out_unasked() -> None:
    assert fill(outgoing()) == []


def test_it_has_no_place_in_what_is_said() -> None:
    audio = outgoing(SPEECH)
    end = audio.mark()
    audio.grant(Credit(2 * len(SPEECH)))
    drain(audio)
    fill(audio)
    assert audio.sent_position == end.position == len(SPEECH) == audio.sent_bytes
    assert audio.filled_bytes == len(SPEECH)


def test_no_more_than_it_is_told() -> None:
    audio = outgoing()
    audio.grant(Credit(100 * FRAME_BYTES))
    assert sum(len(message) for message in fill(audio, 3 * FRAME_BYTES + 2)) == 4 * FRAME_BYTES
    assert fill(audio, 0) == []


def test_messages_are_whole_frames_and_not_too_long() -> None:
    audio = outgoing()
    audio.grant(Credit(1_000_001, frame_bytes=1000))
    sizes = [len(message) for message in fill(audio)]
    assert sum(sizes) == 1_000_000
    assert all(size % 1000 == 0 and size <= 2**16 for size in sizes)


def test_the_rest_of_a_request_is_answered_too() -> None:
    audio = outgoing()
    audio.grant(Credit(FRAME_BYTES + 10))
    assert sum(len(message) for message in fill(audio)) == FRAME_BYTES + 10


def test_it_fades_out_and_is_gone() -> None:
    audio = outgoing()
    audio.grant(Credit(100 * FRAME_BYTES))
    fill(audio, 5 * FRAME_BYTES)
    audio.end_backdrop()
    last = b"".join(fill(audio))
    # 50 ms are two frames and a half.
    assert len(last) == 3 * FRAME_BYTES
    assert to_samples(last)[-1] == 0
    assert audio.backdrop is None
    assert audio.credit_bytes == 92 * FRAME_BYTES


def test_one_that_was_never_heard_is_gone_at_once() -> None:
    audio = outgoing()
    audio.end_backdrop()
    assert audio.backdrop is None
    audio.end_backdrop()


def test_what_is_said_while_it_fades_out_has_it_under() -> None:
    audio = outgoing()
    audio.grant(Credit(100 * FRAME_BYTES))
    fill(audio, 5 * FRAME_BYTES)
    audio.end_backdrop()
    audio.put(SPEECH)
    said = to_samples(b"".join(drain(audio))).astype(int) - to_samples(SPEECH)
    assert said[0] == 500
    assert (np.diff(said) <= 0).all()
    assert said[-1] == 0


def test_what_could_be_sent_as_it_is_goes_through_the_queue() -> None:
    audio = outgoing()
    audio.grant(Credit(10 * FRAME_BYTES))
    assert not audio.spend(SPEECH[:FRAME_BYTES])


def test_what_is_held_back_leaves_it_alone() -> None:
    audio = outgoing(SPEECH)
    audio.pause(240)
    audio.grant(Credit(10 * FRAME_BYTES))
    assert len(b"".join(drain(audio))) == FRAME_BYTES
    assert len(b"".join(fill(audio))) == 9 * FRAME_BYTES


@pytest.mark.parametrize("gain", [0.0, 1.0])
@given(
    moments=st.lists(
        st.tuples(st.sampled_from(["put", "grant", "flush", "fill"]), st.integers(1, 2000)),
        max_size=30,
    )
)
def test_all_that_is_said_is_in_what_goes_out(gain: float, moments: list[tuple[str, int]]) -> None:
    """Whatever comes in which order: the speech is whole, in order, with the backdrop added."""
    audio, plain = outgoing(gain=gain), OutgoingAudio(2**20)
    known = Backdrop(FLAT, RATE, gain)
    spoken = 0
    for kind, size in moments:
        if kind == "put":
            pcm = (SPEECH * 10)[spoken : spoken + 2 * size]
            spoken += len(pcm)
            for one in (audio, plain):
                one.put(pcm)
        elif kind == "flush":
            audio.flush()
            plain.flush()
        else:
            for one in (audio, plain):
                one.grant(Credit(2 * size))
        said = drain(audio)
        assert said == [known.under(message) for message in drain(plain)]
        if not audio.has_tail:
            filled = fill(audio, size)
            assert filled == [known.alone(len(message)) for message in filled]
            # What it has answered is no longer asked for.
            _use_credit(plain, sum(len(message) for message in filled))
        assert audio.credit_bytes == plain.credit_bytes
        assert audio.sent_position == plain.sent_position
        assert audio.sent_bytes == plain.sent_bytes


def _use_credit(audio: OutgoingAudio, size: int) -> None:
    audio.begin_backdrop(Backdrop(FLAT, RATE, 0))
    left = audio.credit_bytes - size
    while audio.credit_bytes > left:
        audio.fill(1)
    audio.backdrop = None
