"""What is said after a barrier waits until it is lifted; what was said before does not."""

from tests.wire.test_outgoing_audio import FRAME, drain
from trio_calls.wire.media_wire import Credit
from trio_calls.wire.outgoing_audio import OutgoingAudio

OTHER = b"\x03\x04" * 480


def outgoing(capacity_bytes: int = 2**20, credit_bytes: int = 2**20) -> OutgoingAudio:
    audio = OutgoingAudio(capacity_bytes)
    if credit_bytes:
        audio.grant(Credit(credit_bytes))
    return audio


def test_nothing_passes_a_barrier() -> None:
    audio = outgoing()
    audio.put(FRAME)
    barrier = audio.hold()
    audio.put(OTHER)
    assert drain(audio) == [FRAME]
    assert not audio.spend(OTHER)
    audio.lift(barrier)
    assert drain(audio) == [OTHER]
    assert audio.spend(OTHER)


def test_a_barrier_before_nothing_holds_what_comes() -> None:
    audio = outgoing()
    barrier = audio.hold()
    assert not audio.spend(FRAME)
    audio.put(FRAME)
    assert drain(audio) == []
    assert not audio.has_tail
    audio.lift(barrier)
    assert drain(audio) == [FRAME]


def test_what_ends_at_a_barrier_is_filled_up() -> None:
    audio = outgoing()
    audio.put(FRAME[:100])
    audio.hold()
    audio.put(OTHER)
    assert drain(audio) == [FRAME[:100].ljust(960, b"\0")]


def test_barriers_are_passed_in_order() -> None:
    audio = outgoing()
    first = audio.hold()
    audio.put(FRAME)
    second = audio.hold()
    audio.put(OTHER)
    audio.lift(second)
    assert drain(audio) == []
    second = audio.hold()
    audio.lift(first)
    assert drain(audio) == [FRAME + OTHER]
    audio.lift(second)
    audio.lift(second)
    assert audio.barriers == type(audio.barriers)()


def test_a_barrier_stands_behind_the_line() -> None:
    audio = outgoing(capacity_bytes=1920, credit_bytes=0)
    audio.line_up(FRAME * 4)
    audio.hold()
    audio.line_up(OTHER * 2)
    audio.grant(Credit(96_000))
    assert b"".join(drain(audio)) == FRAME * 4
    assert audio.waiting == OTHER * 2


def test_a_barrier_moves_back_with_speech_that_is_withdrawn() -> None:
    audio = outgoing(capacity_bytes=1920, credit_bytes=0)
    audio.line_up(FRAME * 2)
    withdrawn = audio.line_up(FRAME * 3)
    barrier = audio.hold()
    audio.line_up(OTHER)
    audio.withdraw(withdrawn)
    assert barrier.mark.position == 1920
    audio.grant(Credit(96_000))
    assert b"".join(drain(audio)) == FRAME * 2
    audio.lift(barrier)
    assert drain(audio) == [OTHER]


def test_what_was_said_before_a_place_is_dropped() -> None:
    audio = outgoing(capacity_bytes=1920, credit_bytes=0)
    audio.line_up(FRAME * 2)
    before = audio.line_up(FRAME * 3)
    mark = audio.mark()
    after = audio.line_up(OTHER)
    assert audio.drop_until(mark) == 5 * 960
    assert before.was_dropped
    assert after.is_over
    assert not after.was_dropped
    assert audio.sent_position == mark.position
    assert audio.waiting == OTHER


def test_a_place_in_the_queue_keeps_what_is_behind_it() -> None:
    audio = outgoing(credit_bytes=0)
    audio.put(FRAME)
    mark = audio.mark()
    audio.put(OTHER)
    assert audio.drop_until(mark) == 960
    assert audio.drop_until(mark) == 0
    assert audio.waiting == OTHER


def test_what_is_held_is_dropped_and_its_waiters_know() -> None:
    audio = outgoing(capacity_bytes=1920, credit_bytes=0)
    audio.line_up(FRAME * 3)
    barrier = audio.hold()
    held = audio.line_up(OTHER * 2)
    mark = audio.flush()
    audio.drop_held()
    assert held.was_dropped
    assert mark.position == barrier.mark.position
    audio.grant(Credit(96_000))
    assert b"".join(drain(audio)) == FRAME * 3
    assert audio.sent_position == mark.position


def test_a_clear_leaves_a_barrier_where_it_holds_what_comes() -> None:
    audio = outgoing(credit_bytes=0)
    audio.put(FRAME)
    barrier = audio.hold()
    audio.put(OTHER)
    assert audio.clear() == 1920
    audio.put(OTHER)
    audio.grant(Credit(96_000))
    assert drain(audio) == []
    audio.lift(barrier)
    assert drain(audio) == [OTHER]
