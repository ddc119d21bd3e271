"""Pausing at a sound, and deciding afterwards whether it was speech."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_calls.voice import Endpointing
from trio_calls.voice._interruption import Decision, Interruption

pytestmark = pytest.mark.pure

RATE: Final = 1000
WINDOW: Final = 20
QUIET: Final = 0.0
LOUD: Final = 1.0

Decisions = list[tuple[int, Decision]]


def interruption(min_speech_seconds: float = 0.4) -> Interruption:
    return Interruption(min_speech_seconds, Endpointing(), RATE)


def decisions(
    decider: Interruption, *stretches: tuple[float, int], talking: bool = True
) -> Decisions:
    """Feed stretches of so many milliseconds; return decisions and when they were made."""
    made: Decisions = []
    now = 0
    for probability, milliseconds in stretches:
        for _ in range(milliseconds // WINDOW):
            now += WINDOW
            if decision := decider.feed(probability, WINDOW, talking):
                made.append((now, decision))
    return made


def test_it_pauses_at_a_sound_and_ends_with_enough_speech() -> None:
    made = decisions(interruption(), (QUIET, 1000), (LOUD, 1000), (QUIET, 1000))
    assert made == [(1020, Decision.PAUSE), (1400, Decision.INTERRUPT)]


def test_after_a_cough_it_goes_on() -> None:
    made = decisions(interruption(), (QUIET, 1000), (LOUD, 200), (QUIET, 1000))
    assert made == [(1020, Decision.PAUSE), (1400, Decision.RESUME)]


def test_each_cough_is_one() -> None:
    made = decisions(interruption(), *[(LOUD, 300), (QUIET, 300)] * 3)
    assert [decision for _, decision in made] == [Decision.PAUSE, Decision.RESUME] * 3


def test_gaps_do_not_count_as_speech() -> None:
    made = decisions(interruption(), (LOUD, 200), (QUIET, 180), (LOUD, 180), (QUIET, 180))
    assert made == [(20, Decision.PAUSE)]
    made = decisions(interruption(), (LOUD, 200), (QUIET, 180), (LOUD, 200))
    assert made == [(20, Decision.PAUSE), (580, Decision.INTERRUPT)]


def test_nothing_is_decided_while_the_agent_is_silent() -> None:
    assert decisions(interruption(), (LOUD, 2000), (QUIET, 2000), talking=False) == []


def test_what_was_said_before_the_agent_talks_does_not_count() -> None:
    decider = interruption()
    decisions(decider, (LOUD, 2000), talking=False)
    made = decisions(decider, (LOUD, 1000))
    assert made == [(20, Decision.PAUSE), (400, Decision.INTERRUPT)]


@pytest.mark.parametrize("sound", [LOUD, QUIET])
def test_a_speech_that_ends_while_paused_is_resumed(sound: float) -> None:
    decider = interruption()
    assert decisions(decider, (LOUD, 100)) == [(20, Decision.PAUSE)]
    assert decisions(decider, (sound, 1000), talking=False) == [(20, Decision.RESUME)]
    assert decisions(decider, (QUIET, 1000)) == []


def test_the_next_speech_of_the_agent_is_interrupted_anew() -> None:
    decider = interruption()
    decisions(decider, (LOUD, 1000))
    decisions(decider, (LOUD, 20), talking=False)
    assert decisions(decider, (LOUD, 400)) == [(20, Decision.PAUSE), (400, Decision.INTERRUPT)]


@pytest.mark.parametrize("min_speech_seconds", [0, 0.001, 0.02])
def test_what_is_enough_at_once_interrupts_at_once(min_speech_seconds: float) -> None:
    made = decisions(interruption(min_speech_seconds), (QUIET, 20), (LOUD, 100))
    assert made == [(40, Decision.INTERRUPT)]


@given(
    windows=st.lists(
        st.tuples(st.sampled_from([0.0, 0.4, 1.0]), st.integers(1, 60), st.booleans())
    ),
    min_speech_seconds=st.sampled_from([0, 0.05, 0.4]),
)
def test_a_pause_is_made_once_and_resumed_once(
    windows: list[tuple[float, int, bool]], min_speech_seconds: float
) -> None:
    decider = interruption(min_speech_seconds)
    last: Decision | None = None
    for probability, samples, is_talking in windows:
        decision = decider.feed(probability, samples, is_talking)
        if decision is Decision.RESUME:
            assert last is Decision.PAUSE
        if decision is Decision.PAUSE:
            assert last is not Decision.PAUSE
            assert probability >= 0.35
        last = decision or last
        # Nobody who has fallen silent is held back.
        assert is_talking or last is not Decision.PAUSE


@pytest.mark.parametrize("seconds", [-1, float("nan"), "1", None, True])
def test_a_duration_that_makes_no_sense_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="min_speech_seconds must be a number of seconds from 0"):
        interruption(seconds)


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(ValueError, match="a probability is between 0 and 1, not nan"):
        interruption().feed(float("nan"), 20, True)
