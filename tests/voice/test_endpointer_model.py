"""Any probabilities in any windows, against a model that takes one sample at a time."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.endpointing_model import SlowEndpointer
from trio_calls.voice import Endpointing
from trio_calls.voice._endpointing import Endpointer, SpeechBegan, SpeechEnded

pytestmark = pytest.mark.pure

#: The lowest that there is, so that a second has few samples.
RATE: Final = 1000

milliseconds = st.integers(0, 30).map(lambda number: number / RATE)


@st.composite
def settings(draw: st.DrawFn) -> Endpointing:
    stop, start = sorted([draw(st.floats(0.01, 1)), draw(st.floats(0.01, 1))])
    hangover, prefix, min_speech = (draw(milliseconds) for _ in range(3))
    return Endpointing(
        start_probability=start,
        stop_probability=stop,
        min_speech_seconds=min_speech,
        hangover_seconds=hangover,
        prefix_seconds=prefix,
        pause_seconds=hangover + draw(milliseconds),
        max_seconds=prefix + min_speech + 0.001 + 3 * draw(milliseconds),
    )


#: A stretch of the stream: what the detector says of it, and its length in samples.
stretches = st.lists(
    st.tuples(st.sampled_from([0.0, 0.2, 0.4, 0.6, 0.8, 1.0]), st.integers(0, 40)), max_size=30
)
Events = list[SpeechBegan | SpeechEnded]


def cut(endpointer: Endpointer, stream: list[tuple[float, int]]) -> Events:
    events: Events = []
    for probability, samples in stream:
        events += endpointer.feed(probability, samples)
    return [*events, *endpointer.finish()]


@given(chosen=settings(), stream=stretches)
@example(Endpointing(max_seconds=0.4), [(1.0, 1000)])
@example(Endpointing(max_seconds=0.4), [(1.0, 400)])
def test_it_does_what_the_slow_model_does(
    chosen: Endpointing, stream: list[tuple[float, int]]
) -> None:
    model = SlowEndpointer(chosen, RATE)
    for probability, samples in stream:
        for _ in range(samples):
            model.feed(probability)
    model.finish()
    assert cut(Endpointer(chosen, RATE), stream) == model.events


@given(chosen=settings(), stream=stretches, data=st.data())
def test_windows_make_no_difference(
    chosen: Endpointing, stream: list[tuple[float, int]], data: st.DataObject
) -> None:
    smaller = [
        (probability, part)
        for probability, samples in stream
        for at in [data.draw(st.integers(0, samples))]
        for part in (at, samples - at)
    ]
    assert cut(Endpointer(chosen, RATE), smaller) == cut(Endpointer(chosen, RATE), stream)


@given(chosen=settings(), stream=stretches)
def test_each_sample_is_in_one_utterance_or_in_none(
    chosen: Endpointing, stream: list[tuple[float, int]]
) -> None:
    endpointer = Endpointer(chosen, RATE)
    position = 0
    for event in cut(endpointer, stream):
        if isinstance(event, SpeechBegan):
            # Not before the end of the one before, which is the position here.
            assert position <= event.start <= event.noticed
            start = event.start
        else:
            assert event.start == start < event.speech_end <= event.end <= endpointer.position
            assert event.end - event.start <= round(chosen.max_seconds * RATE)
            position = event.end
    assert not endpointer.is_open


@given(chosen=settings(), stream=stretches)
def test_no_audio_is_needed_that_was_said_not_to_be(
    chosen: Endpointing, stream: list[tuple[float, int]]
) -> None:
    endpointer = Endpointer(chosen, RATE)
    needed_from = 0
    for probability, samples in stream:
        for event in endpointer.feed(probability, samples):
            assert event.start >= needed_from
        assert needed_from <= endpointer.needed_from <= endpointer.position
        needed_from = endpointer.needed_from
