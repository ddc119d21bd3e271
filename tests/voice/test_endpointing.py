"""Utterances, cut out of a stream by what a detector says of it."""

from __future__ import annotations

from typing import Any, Final

import pytest

from trio_calls.voice import Endpointing, EndReason
from trio_calls.voice._endpointing import Endpointer, SpeechBegan, SpeechEnded

pytestmark = pytest.mark.pure

RATE: Final = 1000
QUIET: Final = 0.0
LOUD: Final = 1.0

Stretches = list[tuple[float, float]]


def events_of(endpointer: Endpointer, *stretches: tuple[float, int]) -> list[Any]:
    """Feed stretches of so many milliseconds, in windows of 20 ms, and return what happened."""
    events: list[Any] = []
    for probability, milliseconds in stretches:
        for _ in range(milliseconds // 20):
            events += endpointer.feed(probability, 20)
    return events


def endpointer(**settings: float) -> Endpointer:
    return Endpointer(Endpointing(**settings), RATE)


def test_an_utterance_is_from_before_its_sound_to_a_pause() -> None:
    events = events_of(endpointer(), (QUIET, 1000), (LOUD, 500), (QUIET, 1000))
    assert events == [
        SpeechBegan(start=700, noticed=1060),
        SpeechEnded(start=700, end=2200, speech_end=1500, reason=EndReason.PAUSE),
    ]


def test_it_does_not_begin_before_the_stream() -> None:
    assert events_of(endpointer(), (QUIET, 100), (LOUD, 500)) == [SpeechBegan(0, 160)]


def test_a_short_gap_is_within_an_utterance() -> None:
    events = events_of(endpointer(), (LOUD, 500), (QUIET, 680), (LOUD, 500), (QUIET, 700))
    assert events == [SpeechBegan(0, 60), SpeechEnded(0, 2380, 1680, EndReason.PAUSE)]


def test_a_click_is_no_utterance() -> None:
    assert events_of(endpointer(), (QUIET, 500), (LOUD, 40), (QUIET, 1000)) == []


def test_clicks_that_are_close_together_are() -> None:
    events = events_of(endpointer(), (LOUD, 40), (QUIET, 180), (LOUD, 40))
    assert events == [SpeechBegan(0, 240)]


def test_clicks_that_are_not_are_none() -> None:
    assert events_of(endpointer(), *[(LOUD, 40), (QUIET, 200)] * 10) == []


def test_a_click_does_not_prolong_an_utterance() -> None:
    events = events_of(endpointer(), (LOUD, 500), (QUIET, 300), (LOUD, 40), (QUIET, 400))
    assert events == [SpeechBegan(0, 60), SpeechEnded(0, 1200, 500, EndReason.PAUSE)]


def test_no_word_is_cut_by_the_pause_before_it() -> None:
    cutter = endpointer()
    assert events_of(cutter, (LOUD, 500), (QUIET, 680), (LOUD, 40)) == [SpeechBegan(0, 60)]
    assert cutter.quiet_samples == 0
    events = events_of(cutter, (LOUD, 300), (QUIET, 700))
    assert events == [SpeechEnded(0, 2220, 1520, EndReason.PAUSE)]


def test_if_it_was_no_word_the_end_comes_when_that_is_clear() -> None:
    events = events_of(endpointer(), (LOUD, 500), (QUIET, 680), (LOUD, 40), (QUIET, 200))
    assert events == [SpeechBegan(0, 60), SpeechEnded(0, 1420, 500, EndReason.PAUSE)]


def test_the_next_utterance_does_not_reach_into_the_one_before() -> None:
    events = events_of(endpointer(), (LOUD, 500), (QUIET, 800), (LOUD, 100))
    assert events[1:] == [SpeechEnded(0, 1200, 500, EndReason.PAUSE), SpeechBegan(1200, 1360)]


def test_a_long_utterance_is_cut_and_goes_on() -> None:
    events = events_of(endpointer(max_seconds=2), (LOUD, 4500), (QUIET, 700))
    assert events == [
        SpeechBegan(0, 60),
        SpeechEnded(0, 2000, 2000, EndReason.LENGTH),
        SpeechBegan(2000, 2000),
        SpeechEnded(2000, 4000, 4000, EndReason.LENGTH),
        SpeechBegan(4000, 4000),
        SpeechEnded(4000, 5200, 4500, EndReason.PAUSE),
    ]


@pytest.mark.parametrize("window", [1, 7, 20, 2000, 60000])
def test_whether_it_comes_in_pieces_or_at_once(window: int) -> None:
    cutter = endpointer(max_seconds=25)
    events: list[Any] = []
    while cutter.position < 60000:
        events += cutter.feed(LOUD, min(window, 60000 - cutter.position))
    assert [(event.start, event.end) for event in [*events, *cutter.finish()][1::2]] == [
        (0, 25000),
        (25000, 50000),
        (50000, 60000),
    ]


def test_what_is_cut_in_a_pause_goes_on_with_the_next_sound() -> None:
    cutter = endpointer(max_seconds=2)
    assert events_of(cutter, (LOUD, 1980), (QUIET, 1000))[1:] == [
        SpeechEnded(0, 2000, 1980, EndReason.LENGTH)
    ]
    assert events_of(cutter, (LOUD, 100)) == [SpeechBegan(2680, 3040)]


def test_no_utterance_of_nothing_follows_a_cut() -> None:
    cutter = endpointer(max_seconds=2)
    assert len(events_of(cutter, (LOUD, 2000))) == 2
    assert cutter.finish() == []


def test_what_is_open_ends_with_the_stream() -> None:
    cutter = endpointer()
    events_of(cutter, (LOUD, 500), (QUIET, 100))
    assert [cutter.is_open] == [True]
    assert cutter.finish() == [SpeechEnded(0, 600, 500, EndReason.STREAM_OVER)]
    assert [cutter.is_open] == [False]
    assert cutter.finish() == []


def test_a_turn_may_be_told_to_be_over() -> None:
    cutter = endpointer()
    events_of(cutter, (LOUD, 500), (QUIET, 240))
    assert cutter.quiet_samples == 240
    assert cutter.finish(EndReason.TURN_OVER) == [SpeechEnded(0, 740, 500, EndReason.TURN_OVER)]
    assert cutter.quiet_samples == 0
    assert events_of(cutter, (QUIET, 100), (LOUD, 60)) == [SpeechBegan(740, 900)]


def test_a_sound_begins_and_stops_at_different_probabilities() -> None:
    assert events_of(endpointer(), (0.49, 1000)) == []
    cutter = endpointer()
    assert events_of(cutter, (0.5, 20), (0.35, 980)) == [SpeechBegan(0, 60)]
    assert cutter.quiet_samples == 0
    events_of(cutter, (0.34, 20), (0.49, 20))
    assert cutter.quiet_samples == 40


def test_settings_may_be_as_small_as_a_sample() -> None:
    cutter = endpointer(
        min_speech_seconds=0, hangover_seconds=0, prefix_seconds=0, pause_seconds=0, max_seconds=1
    )
    assert cutter.feed(LOUD, 3) == [SpeechBegan(0, 1)]
    assert cutter.feed(QUIET, 3) == [SpeechEnded(0, 4, 3, EndReason.PAUSE)]


@pytest.mark.parametrize("probability", [float("nan"), -0.1, 1.1, float("inf")])
def test_what_is_no_probability_is_refused(probability: float) -> None:
    cutter = endpointer()
    with pytest.raises(ValueError, match="a probability is between 0 and 1, not"):
        cutter.feed(probability, 20)
    assert cutter.position == 0


def test_a_negative_number_of_samples_is_refused() -> None:
    with pytest.raises(ValueError, match="a number of samples is not negative, got -1"):
        endpointer().feed(LOUD, -1)


def test_no_samples_are_nothing() -> None:
    assert endpointer(min_speech_seconds=0).feed(LOUD, 0) == []


SECONDS = [
    *("min_speech_seconds", "hangover_seconds", "prefix_seconds", "pause_seconds", "max_seconds"),
]


class TestSettings:
    @pytest.mark.parametrize("name", SECONDS)
    @pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "1", None, True, 86401])
    def test_seconds(self, name: str, value: float) -> None:
        with pytest.raises(ValueError, match=f"{name} must be a number of seconds from 0"):
            Endpointing(**{name: value})

    @pytest.mark.parametrize("name", ["start_probability", "stop_probability"])
    @pytest.mark.parametrize("value", [0, -1, 1.1, float("nan"), "1", None, True])
    def test_probabilities(self, name: str, value: float) -> None:
        with pytest.raises(ValueError, match=f"{name} must be more than 0 and at most 1"):
            Endpointing(**{name: value})

    @pytest.mark.parametrize(
        ("message", "settings"),
        [
            ("stop_probability must be at most start_probability", {"start_probability": 0.3}),
            ("pause_seconds must be at least hangover_seconds", {"pause_seconds": 0.1}),
            ("max_seconds must be more than prefix_seconds and", {"max_seconds": 0.36}),
        ],
    )
    def test_those_that_do_not_fit_together(self, message: str, settings: dict[str, float]) -> None:
        with pytest.raises(ValueError, match=message):
            Endpointing(**settings)

    def test_a_rate_that_makes_no_sense(self) -> None:
        with pytest.raises(ValueError, match="sample_rate must be a whole number of Hz"):
            Endpointer(Endpointing(), 0)
