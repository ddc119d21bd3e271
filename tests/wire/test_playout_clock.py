"""Until when an exchange plays, as far as can be told from what it was sent."""

import math

from trio_calls.wire.playout_clock import PlayoutClock


def test_nothing_plays_at_first() -> None:
    assert PlayoutClock(100).end == -math.inf


def test_audio_plays_from_when_it_is_sent() -> None:
    clock = PlayoutClock(100)
    clock.sent(50, now=10)
    assert clock.end == 10.5


def test_audio_plays_after_what_was_sent_before() -> None:
    clock = PlayoutClock(100)
    clock.sent(50, now=10)
    clock.sent(50, now=10.25)
    assert clock.end == 11


def test_after_a_pause_it_plays_at_once_again() -> None:
    clock = PlayoutClock(100)
    clock.sent(50, now=10)
    clock.sent(50, now=20)
    assert clock.end == 20.5


def test_what_is_interrupted_plays_no_more() -> None:
    clock = PlayoutClock(100)
    clock.sent(500, now=10)
    clock.interrupt(now=10)
    assert clock.end == -math.inf
    clock.sent(50, now=11)
    assert clock.end == 11.5
