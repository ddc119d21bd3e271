"""Everybody's voice, of caller and callee on tracks of their own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_calls.audio import mix
from trio_calls.wire.second.leg_mixer import LegMixer

pytestmark = pytest.mark.pure

CALLER, CALLEE = 0, 1

samples = st.integers(-32_768, 32_767)


def pcm(*samples: int) -> bytes:
    return b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples)


def test_one_party_alone_is_everybody() -> None:
    mixer = LegMixer()
    assert [mixer.add(CALLER, pcm(number)) for number in (1, 2, 3)] == [pcm(1), pcm(2), pcm(3)]


def test_two_are_mixed_frame_by_frame() -> None:
    mixer = LegMixer()
    mixer.add(CALLER, pcm(1))
    assert mixer.add(CALLEE, pcm(10)) == b""
    assert mixer.add(CALLER, pcm(2)) == b""
    assert mixer.add(CALLEE, pcm(20)) == pcm(22)
    assert mixer.add(CALLER, pcm(3)) == b""
    assert mixer.add(CALLEE, pcm(30)) == pcm(33)


def joined() -> LegMixer:
    """Both have been heard, and the caller's next frame is waited for."""
    mixer = LegMixer()
    mixer.add(CALLER, pcm(1))
    mixer.add(CALLEE, pcm(10))
    return mixer


def test_what_is_too_loud_is_clipped() -> None:
    mixer = joined()
    mixer.add(CALLER, pcm(32_000, -32_000))
    assert mixer.add(CALLEE, pcm(32_000, -32_000)) == pcm(32_767, -32_768)


@given(st.lists(st.tuples(samples, samples), min_size=1))
def test_two_are_mixed_as_anything_is(pairs: list[tuple[int, int]]) -> None:
    voices = list(zip(*pairs, strict=True))
    mixer = joined()
    mixer.add(CALLER, pcm(*voices[0]))
    expected = mix(*(np.array(voice, np.int16) for voice in voices))
    assert mixer.add(CALLEE, pcm(*voices[1])) == pcm(*expected.tolist())


def test_the_shorter_frame_is_filled_up() -> None:
    mixer = joined()
    mixer.add(CALLER, pcm(5))
    assert mixer.add(CALLEE, pcm(1, 2, 3)) == pcm(6, 2, 3)


def test_who_stays_alone_is_heard_without_a_gap() -> None:
    mixer = joined()
    heard = [mixer.add(CALLER, pcm(number)) for number in (2, 3, 4)]
    assert heard == [b"", pcm(2, 3), pcm(4)]
    mixer = joined()
    assert [mixer.add(CALLEE, pcm(number)) for number in (20, 30)] == [pcm(20), pcm(30)]


def test_who_is_silent_leaves_no_hole_in_what_the_other_says() -> None:
    for silent, other in ((CALLER, CALLEE), (CALLEE, CALLER)):
        mixer = joined()
        heard = mixer.add_silence(silent, 6) + b"".join(mixer.add(other, pcm(n)) for n in (2, 3, 4))
        assert heard == pcm(2, 3, 4)


def test_a_silence_told_of_afterwards_comes_after_nothing() -> None:
    mixer = joined()
    heard = [mixer.add(CALLEE, pcm(number)) for number in (20, 30, 40)]
    heard.append(mixer.add_silence(CALLER, 6))
    heard += [mixer.add(CALLEE, pcm(50)), mixer.add(CALLER, pcm(6)), mixer.add(CALLEE, pcm(60))]
    assert b"".join(heard) == pcm(20, 30, 40, 50, 66)


def test_a_silence_of_one_party_alone_is_heard_at_once() -> None:
    mixer = LegMixer()
    assert mixer.add_silence(CALLER, 6) == pcm(0, 0, 0)
    assert mixer.add(CALLER, pcm(1)) == pcm(1)
    assert mixer.add_silence(CALLER, 4) == pcm(0, 0)


def test_a_silence_nobody_has_broken_is_heard_before_the_next() -> None:
    mixer = joined()
    assert mixer.add_silence(CALLER, 6) == b""
    assert mixer.add(CALLER, pcm(1)) + mixer.add(CALLER, pcm(2)) == pcm(0, 0, 0, 1, 2)


@st.composite
def said(draw: st.DrawFn, ticks: int) -> list[int]:
    """What a party says, frame by frame: some number, or 0 for silence."""
    runs = draw(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1))
    return [number for number, length in runs for _ in range(length)][:ticks]


@given(st.data(), st.integers(1, 60))
def test_silences_told_of_beforehand_are_as_long_as_they_are(
    data: st.DataObject, ticks: int
) -> None:
    """And both are heard together."""
    parties = [data.draw(said(ticks)) for _ in (CALLER, CALLEE)]
    parties = [voice + [0] * (ticks - len(voice)) for voice in parties]
    mixer = joined()
    heard = b""
    for tick in range(ticks):
        for party, voice in zip((CALLER, CALLEE), parties, strict=True):
            if voice[tick]:
                heard += mixer.add(party, pcm((1, 10)[party] * voice[tick]))
            elif not tick or voice[tick - 1]:
                length = next((n for n, each in enumerate(voice[tick:]) if each), ticks - tick)
                heard += mixer.add_silence(party, 2 * length)
    assert heard == pcm(*(caller + 10 * callee for caller, callee in zip(*parties, strict=True)))


def test_other_tracks_are_nobodys() -> None:
    mixer = LegMixer()
    assert mixer.add(7, pcm(1)) == mixer.add_silence(7, 2) == b""
    assert mixer.add(CALLER, pcm(2)) == pcm(2)
