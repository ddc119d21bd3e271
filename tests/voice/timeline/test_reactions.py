"""How long somebody waits for the agent, and whose time it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_calls.voice import ReactionTime
from trio_calls.voice.timeline.reactions import Answer, Reactions

pytestmark = pytest.mark.pure

Told = list[tuple[ReactionTime, float]]


@pytest.fixture
def told() -> Told:
    return []


@pytest.fixture
def reactions(told: Told) -> Reactions:
    return Reactions(lambda time, heard_at: told.append((time, heard_at)))


def say(
    reactions: Reactions, said_at: float, audio_at: float, *, begun_at: float | None = None
) -> Answer:
    answer = reactions.answer(said_at)
    answer.begin(said_at if begun_at is None else begun_at)
    answer.has_audio(audio_at)
    return answer


def test_each_part_has_its_owner(reactions: Reactions, told: Told) -> None:
    reactions.ended(1.0, 1.7)
    answer = say(reactions, 2.2, 2.5)
    answer.has_audio(2.6)
    assert told == []
    reactions.heard(answer, 2.54)
    assert told == [(ReactionTime(1.0, 0.7, 0.5, 0.3, 0.04), 2.54)]
    assert told[0][0].total_seconds == 1.54


def test_waiting_for_other_speech_is_the_queues(reactions: Reactions, told: Told) -> None:
    reactions.ended(1.0, 1.7)
    reactions.heard(say(reactions, 2.0, 5.25, begun_at=5.0), 5.5)
    assert told == [(ReactionTime(1.0, 0.7, 0.3, 0.25, 3.25), 5.5)]


def test_only_the_first_that_is_heard_answers(reactions: Reactions, told: Told) -> None:
    reactions.ended(1.0, 1.7)
    say(reactions, 2.0, 2.0)  # is cancelled
    reactions.heard(say(reactions, 3.0, 3.0), 3.0)
    reactions.heard(say(reactions, 4.0, 4.0), 4.0)
    assert [(time.thinking_seconds, heard_at) for time, heard_at in told] == [(1.3, 3.0)]


def test_who_goes_on_before_the_answer_has_not_finished(reactions: Reactions, told: Told) -> None:
    reactions.ended(1.0, 1.7)
    reactions.began()
    reactions.ended(3.0, 3.7)
    reactions.heard(say(reactions, 4.0, 4.0), 4.0)
    assert told == [(ReactionTime(3.0, 0.7, 0.3, 0.0, 0.0), 4.0)]


def test_who_loses_patience_was_answered_all_the_same(reactions: Reactions, told: Told) -> None:
    reactions.ended(1.0, 1.7)
    answer = say(reactions, 2.0, 4.0)
    reactions.began()
    reactions.heard(answer, 4.0)
    reactions.ended(5.0, 5.7)
    reactions.heard(say(reactions, 6.0, 6.0), 6.0)
    assert [time.speech_end_seconds for time, _ in told] == [1.0, 5.0]


def test_a_greeting_answers_nothing(reactions: Reactions, told: Told) -> None:
    reactions.heard(say(reactions, 0.0, 0.0), 0.1)
    reactions.began()
    reactions.ended(2.0, 2.7)
    assert told == []


def test_an_answer_before_the_pause_is_over(reactions: Reactions, told: Told) -> None:
    reactions.began()
    answer = say(reactions, 2.3, 2.4)
    reactions.heard(answer, 2.5)
    assert told == []
    reactions.ended(2.0, 2.7)
    assert told == [(ReactionTime(2.0, 0.3, 0.0, 0.1, 0.1), 2.5)]
    reactions.heard(say(reactions, 3.0, 3.0), 3.0)
    assert len(told) == 1


def test_one_that_is_heard_after_the_pause(reactions: Reactions, told: Told) -> None:
    reactions.began()
    answer = say(reactions, 2.3, 2.4)
    reactions.ended(2.0, 2.7)
    reactions.heard(answer, 2.9)
    assert told == [(ReactionTime(2.0, 0.3, 0.0, 0.1, 0.5), 2.9)]


def test_the_first_heard_of_two_before_the_pause_is_over(reactions: Reactions, told: Told) -> None:
    reactions.began()
    first, second = say(reactions, 2.3, 2.4), say(reactions, 2.4, 2.4)
    reactions.heard(second, 2.45)
    reactions.heard(first, 2.5)
    reactions.ended(2.0, 2.7)
    assert [heard_at for _, heard_at in told] == [2.45]


def test_talking_over_somebody_is_no_answer(reactions: Reactions, told: Told) -> None:
    reactions.began()
    reactions.heard(say(reactions, 1.0, 1.0), 1.0)
    reactions.ended(2.0, 2.7)
    assert told == []
    reactions.heard(say(reactions, 3.0, 3.0), 3.0)
    assert len(told) == 1


def test_clocks_that_disagree_a_little_make_no_part_negative(
    reactions: Reactions, told: Told
) -> None:
    reactions.ended(2.0, 1.99)
    reactions.heard(say(reactions, 1.98, 1.97), 1.96)
    assert told == [(ReactionTime(2.0, 0.0, 0.0, 0.0, 0.0), 1.96)]


@given(st.lists(st.floats(0, 1e5, allow_nan=False), min_size=6, max_size=6))
def test_parts_add_up(moments: list[float]) -> None:
    told: Told = []
    reactions = Reactions(lambda time, heard_at: told.append((time, heard_at)))
    speech_end, over, said, begun, audio, heard = sorted(moments)
    reactions.ended(speech_end, over)
    reactions.heard(say(reactions, said, audio, begun_at=begun), heard)
    time = told[0][0]
    parts = [
        *(time.pause_seconds, time.thinking_seconds),
        *(time.synthesis_seconds, time.queue_seconds),
    ]
    assert min(parts) >= 0
    thousandths = [round(part * 1000) for part in parts]
    assert parts == [thousandth / 1000 for thousandth in thousandths]
    assert time.total_seconds == sum(thousandths) / 1000
    assert time.total_seconds == pytest.approx(heard - speech_end, abs=0.0011)
