import pytest

from trio_calls.errors import BufferFullError
from trio_calls.wire.media_wire import Credit
from trio_calls.wire.outgoing_audio import MAX_OPEN_REQUESTS, OutgoingAudio

FRAME = b"\x01\x02" * 480


def outgoing(capacity_bytes: int = 2**20) -> OutgoingAudio:
    return OutgoingAudio(capacity_bytes)


def drain(audio: OutgoingAudio) -> list[bytes]:
    """Take everything that can be sent. Returns the PCM of each message."""
    return [pcm for pieces in iter(audio.take, []) for pcm in pieces]


def test_nothing_goes_out_unasked() -> None:
    audio = outgoing()
    audio.put(FRAME)
    assert drain(audio) == []
    assert len(audio.waiting) == len(FRAME)


def test_a_request_waits_for_audio() -> None:
    audio = outgoing()
    audio.grant(Credit(960))
    assert drain(audio) == []
    audio.put(FRAME)
    assert drain(audio) == [FRAME]
    assert audio.credit_bytes == 0


def test_audio_beyond_the_request_stays() -> None:
    audio = outgoing()
    audio.put(FRAME + b"\x03\x04")
    audio.grant(Credit(960))
    assert drain(audio) == [FRAME]
    assert len(audio.waiting) == 2


def test_less_than_the_preferred_frame_waits_for_more() -> None:
    audio = outgoing()
    audio.grant(Credit(1920, 960))
    audio.put(FRAME[:958])
    assert drain(audio) == []
    audio.put(FRAME[958:])
    assert drain(audio) == [FRAME]


def test_the_last_message_of_a_request_may_be_short() -> None:
    audio = outgoing()
    audio.grant(Credit(1000, 960))
    audio.put(FRAME + FRAME[:40])
    assert b"".join(drain(audio)) == FRAME + FRAME[:40]
    audio.grant(Credit(10, 960))
    audio.put(FRAME[:10])
    assert drain(audio) == [FRAME[:10]]


def test_a_frame_that_the_queue_cannot_hold_does_not_block_it() -> None:
    audio = outgoing(capacity_bytes=101)
    audio.grant(Credit(2**24, 2**24))
    audio.put(FRAME[:100])
    assert drain(audio) == [FRAME[:100]]


@pytest.mark.parametrize("requested", [1, 3, 961])
def test_an_odd_request_never_gets_half_a_sample(requested: int) -> None:
    audio = outgoing()
    audio.put(FRAME * 2)
    audio.grant(Credit(requested))
    assert sum(map(len, drain(audio))) == requested - 1


def test_an_odd_preferred_frame_is_rounded_up() -> None:
    audio = outgoing()
    audio.grant(Credit(960, 5))
    audio.put(FRAME[:4])
    assert drain(audio) == []
    audio.put(FRAME[:2])
    assert drain(audio) == [FRAME[:4] + FRAME[:2]]


def test_what_does_not_fit_is_not_queued_at_all() -> None:
    audio = outgoing(capacity_bytes=100)
    audio.put(FRAME[:60])
    with pytest.raises(BufferFullError, match="60 of 100 bytes"):
        audio.put(FRAME[:42])
    assert len(audio.waiting) == 60
    audio.put(FRAME[:40])
    assert len(audio.waiting) == 100


def test_a_flush_fills_the_last_frame_with_silence() -> None:
    audio = outgoing()
    audio.grant(Credit(1920, 960))
    audio.put(FRAME[:100])
    assert drain(audio) == []
    assert audio.flush().position == 100
    assert drain(audio) == [FRAME[:100] + bytes(860)]
    assert audio.sent_position == 100
    assert audio.credit_bytes == 960


def test_the_silence_counts_against_the_credit_too() -> None:
    audio = outgoing()
    audio.grant(Credit(120, 960))
    audio.put(FRAME[:100])
    audio.flush()
    assert drain(audio) == [FRAME[:100] + bytes(20)]
    assert audio.credit_bytes == 0


def test_no_request_makes_more_silence_than_fits_the_queue() -> None:
    audio = outgoing(capacity_bytes=2000)
    audio.grant(Credit(2**24, 2**24))
    audio.put(FRAME[:100])
    audio.flush()
    assert sum(map(len, drain(audio))) <= 2000


@pytest.mark.parametrize(("frame", "requested"), [(960, 500), (1400, 1400), (1400, 100_000)])
@pytest.mark.parametrize("capacity", [960, 1500, 1918])
@pytest.mark.parametrize("flushes", [False, True])
def test_no_silence_tears_speech_that_stands_in_line(
    capacity: int, frame: int, requested: int, flushes: bool
) -> None:
    audio = outgoing(capacity)
    said = bytes(range(1, 241)) * 40
    audio.line_up(said)
    sent = b""
    for _ in range(40):
        if flushes:
            audio.flush()
        audio.grant(Credit(requested, frame))
        sent += b"".join(drain(audio))
        assert sent[: len(said)] == said[: len(sent)]
        assert not (audio.line and audio.has_tail)
    audio.flush()
    sent += b"".join(drain(audio))
    assert sent.startswith(said)
    assert not any(sent[len(said) :])


def test_a_flush_of_nothing_changes_nothing() -> None:
    audio = outgoing()
    assert audio.flush().position == 0
    audio.grant(Credit(960))
    audio.put(FRAME[:100])
    assert drain(audio) == []


def test_audio_after_a_flush_waits_for_a_full_frame_again() -> None:
    audio = outgoing()
    audio.grant(Credit(9600, 960))
    audio.put(FRAME[:100])
    audio.flush()
    drain(audio)
    audio.put(FRAME[:100])
    assert drain(audio) == []


def test_a_clear_drops_what_waits_and_tells_how_much() -> None:
    audio = outgoing()
    audio.put(FRAME)
    flushed_to = audio.flush().position
    assert audio.clear() == len(FRAME)
    assert audio.sent_position == flushed_to
    audio.grant(Credit(960))
    assert drain(audio) == []
    assert audio.clear() == 0


def test_a_flood_of_requests_costs_nothing_and_loses_no_credit() -> None:
    audio = outgoing()
    for _ in range(10_000):
        audio.grant(Credit(2, 2))
    assert audio.credit_bytes == 20_000
    audio.put(bytes(20_000))
    messages = drain(audio)
    assert sum(map(len, messages)) == 20_000
    assert len(messages) <= MAX_OPEN_REQUESTS
