"""A pause loses nothing, and does not click."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.wire.test_outgoing_audio import drain
from trio_calls.audio import noise
from trio_calls.wire.media_wire import Credit
from trio_calls.wire.outgoing_audio import OutgoingAudio

FRAME_BYTES = 960
FADE_BYTES = 240
SPEECH = noise(0.2, 24000, 1)


def outgoing(speech: bytes = SPEECH, capacity_bytes: int = 2**20) -> OutgoingAudio:
    audio = OutgoingAudio(capacity_bytes)
    audio.put(speech)
    return audio


def pull(audio: OutgoingAudio, frames: int = 1) -> bytes:
    if frames:
        audio.grant(Credit(frames * FRAME_BYTES))
    return b"".join(drain(audio))


def samples(pcm: bytes) -> NDArray[np.int64]:
    return np.frombuffer(pcm, "<i2").astype(np.int64)


def test_what_waits_is_faded_out_and_held_back() -> None:
    audio = outgoing()
    assert pull(audio) == SPEECH[:FRAME_BYTES]
    audio.pause(FADE_BYTES)
    last = pull(audio, frames=5)
    assert len(last) == FRAME_BYTES
    before, faded = samples(SPEECH[FRAME_BYTES : FRAME_BYTES + FADE_BYTES]), samples(last)
    assert (abs(faded[:120]) <= abs(before)).all()
    assert abs(faded[0] - before[0]) <= abs(before[0]) / 100
    assert abs(faded[119]) <= abs(before[119]) / 100 + 1
    assert not faded[120:].any()


def test_it_goes_on_where_it_stopped_faded_in() -> None:
    audio = outgoing()
    pull(audio)
    pause = audio.pause(FADE_BYTES)
    faded = pull(audio)
    audio.resume(pause)
    rest = pull(audio, frames=20)
    assert len(rest) == len(SPEECH) - FRAME_BYTES
    both = samples(faded[:FADE_BYTES]) + samples(rest[:FADE_BYTES])
    assert abs(both - samples(SPEECH[FRAME_BYTES:][:FADE_BYTES])).max() <= 1
    assert rest[FADE_BYTES:] == SPEECH[FRAME_BYTES + FADE_BYTES :]


def test_what_never_stopped_goes_on_as_it_is() -> None:
    audio = outgoing()
    pull(audio)
    end = audio.mark()
    audio.resume(audio.pause(FADE_BYTES))
    assert pull(audio, frames=20) == SPEECH[FRAME_BYTES:]
    assert audio.sent_position == end.position == len(SPEECH)


def test_what_is_said_in_a_pause_waits_and_is_not_faded() -> None:
    audio = outgoing(b"")
    pause = audio.pause(FADE_BYTES)
    assert not audio.spend(SPEECH[:FRAME_BYTES])
    audio.put(SPEECH)
    assert pull(audio, frames=20) == b""
    audio.resume(pause)
    assert b"".join(drain(audio)) == SPEECH


def test_a_mark_stays_behind_what_it_marked() -> None:
    audio = outgoing()
    pull(audio)
    end = audio.mark()
    pause = audio.pause(FADE_BYTES)
    pull(audio)
    assert end.position == len(SPEECH) + FRAME_BYTES
    audio.put(SPEECH)
    audio.resume(pause)
    pull(audio, frames=9)
    assert audio.sent_position == end.position


def test_what_was_dropped_in_a_pause_is_not_heard_after_it() -> None:
    audio = outgoing()
    pull(audio)
    pause = audio.pause(FADE_BYTES)
    audio.drop_until(audio.mark())
    audio.put(SPEECH)
    assert pull(audio) == b""
    audio.resume(pause)
    rest = b"".join([*drain(audio), pull(audio, frames=20)])
    assert rest[FADE_BYTES:] == SPEECH[FADE_BYTES:]


def test_what_others_are_to_hear_is_not_faded_into_a_pause() -> None:
    audio = outgoing(SPEECH[:100])
    mode = audio.hold()
    audio.put(SPEECH)
    pause = audio.pause(FADE_BYTES)
    assert not any(pull(audio)[100:])
    audio.resume(pause)
    assert len(pull(audio)) == FRAME_BYTES  # the 100 bytes, filled up
    assert pull(audio) == b""
    audio.lift(mode)
    assert b"".join(drain(audio)) == SPEECH[:FRAME_BYTES]


def test_speech_in_line_waits_for_the_end_of_a_pause() -> None:
    audio = outgoing(SPEECH[:FRAME_BYTES], capacity_bytes=FRAME_BYTES)
    audio.line_up(SPEECH)
    pause = audio.pause(FADE_BYTES)
    pull(audio)
    audio.resume(pause)
    rest = b"".join(pull(audio) for _ in range(12))
    assert rest[FADE_BYTES : FRAME_BYTES + len(SPEECH)] == (SPEECH[:FRAME_BYTES] + SPEECH)[240:]


@given(st.lists(st.integers(0, 4), max_size=12), st.integers(1, FADE_BYTES // 2))
def test_every_sample_is_heard_once(pulls: list[int], fade_samples: int) -> None:
    """Frames are pulled, then it pauses, frames are pulled, it goes on, and so on."""
    audio = outgoing(SPEECH + bytes(FRAME_BYTES))
    said = samples(bytes(audio.waiting))
    sent = bytearray()
    insertions: list[tuple[int, int]] = []
    for before, within in zip(pulls[::2], pulls[1::2], strict=False):
        sent += pull(audio, before)
        pause = audio.pause(2 * fade_samples)
        sent += pull(audio, within)
        audio.resume(pause)
        if pause.mark.position != pause.start:
            insertions.append((pause.start // 2, pause.fade_bytes // 2))
        sent += b"".join(drain(audio))
    heard = samples(bytes(sent) + pull(audio, frames=40))
    for start, size in reversed(insertions):
        faded, heard = heard[start : start + 480], np.delete(heard, slice(start, start + 480))
        assert not faded[size:].any()
        heard[start : start + size] += faded[:size]
    assert abs(heard - said).max() <= len(insertions)
