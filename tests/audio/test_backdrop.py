"""A backdrop is as loud as it should be, does not click, and leaves what is said as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from trio_calls.audio import mix, noise, to_pcm, to_samples, tone
from trio_calls.audio._backdrop import DUCKED, FADE_SECONDS, HOLD_SECONDS, Backdrop
from trio_calls.audio._looping import LoopedClip

RATE = 8000
FRAME = 320
FADE = round(FADE_SECONDS * RATE)
HOLD = round(HOLD_SECONDS * RATE)
SEAM = 80
CLIP = noise(0.5, RATE, 1, amplitude=0.9)
SPEECH = noise(1.0, RATE, 2)


def flat(level: int = 10_000, seconds: float = 0.2) -> Backdrop:
    """Make a backdrop whose samples tell its level."""
    return Backdrop(to_pcm(np.full(round(seconds * RATE), level, np.int16)), RATE, 1.0)


def levels(pcm: bytes, level: int = 10_000) -> NDArray[np.float64]:
    return to_samples(pcm) / level


def alone(backdrop: Backdrop, seconds: float) -> bytes:
    return b"".join(backdrop.alone(FRAME) for _ in range(round(seconds / 0.02)))


def under(backdrop: Backdrop, seconds: float) -> NDArray[np.float64]:
    """Let the agent speak, and return the levels of the backdrop under it."""
    said = SPEECH[: round(seconds * RATE) * 2]
    heard = b"".join(
        backdrop.under(said[start : start + FRAME]) for start in range(0, len(said), FRAME)
    )
    return (to_samples(heard).astype(int) - to_samples(said)) / 10_000


def test_it_fades_in() -> None:
    heard = levels(alone(flat(), 0.2))
    assert heard[:FADE] == pytest.approx(np.arange(1, FADE + 1) / FADE, abs=1e-4)
    assert (heard[FADE:] == 1).all()


def test_it_is_softer_while_the_agent_speaks() -> None:
    backdrop = flat()
    alone(backdrop, 0.2)
    during = under(backdrop, 0.4)
    assert during[0] == pytest.approx(1 - 1 / FADE)
    assert during[FADE:] == pytest.approx(DUCKED)
    after = levels(alone(backdrop, 0.4))
    assert after[:HOLD] == pytest.approx(DUCKED)
    assert after[HOLD + FADE :] == pytest.approx(1)


def test_a_gap_between_words_does_not_raise_it() -> None:
    backdrop = flat()
    under(backdrop, 0.2)
    for _ in range(20):
        assert levels(alone(backdrop, 0.1)) == pytest.approx(DUCKED)
        under(backdrop, 0.02)


def test_silence_that_is_said_is_no_speech() -> None:
    backdrop = flat()
    alone(backdrop, 0.2)
    heard = b"".join(backdrop.under(bytes(FRAME)) for _ in range(30))
    assert (levels(heard) == 1).all()


@pytest.mark.parametrize(("spoken", "level"), [(0, 1.0), (0.02, 0.6), (0.2, DUCKED)])
def test_it_fades_out(spoken: float, level: float) -> None:
    backdrop = flat()
    alone(backdrop, 0.1)
    under(backdrop, spoken)
    backdrop.end()
    assert backdrop.rest_bytes == pytest.approx(2 * FADE * level, abs=2)
    heard = levels(alone(backdrop, 0.1))
    assert heard[0] == pytest.approx(level - 1 / FADE, abs=1e-4)
    assert heard[FADE - 1 :] == pytest.approx(0, abs=1e-4)
    assert backdrop.is_over
    assert backdrop.rest_bytes == 0


def test_one_that_was_never_heard_is_over_at_once() -> None:
    backdrop = flat()
    backdrop.end()
    assert backdrop.is_over


def test_one_fades_out_under_the_next() -> None:
    first, second = flat(), flat(level=5000)
    alone(first, 0.2)
    second.follow(first)
    assert not second.is_over
    heard = to_samples(alone(second, 0.2)).astype(int)
    falling = 10_000 * (1 - np.arange(1, FADE + 1) / FADE)
    rising = 5000 * np.arange(1, FADE + 1) / FADE
    assert heard[:FADE] == pytest.approx(falling + rising, abs=1.01)
    assert (heard[FADE:] == 5000).all()


def test_one_that_ends_at_once_lets_the_other_fade_out() -> None:
    first, second = flat(), flat()
    alone(first, 0.2)
    second.follow(first)
    second.end()
    assert second.rest_bytes == 2 * FADE
    heard = levels(alone(second, 0.1))
    assert heard[:FADE] == pytest.approx(1 - np.arange(1, FADE + 1) / FADE, abs=1e-3)
    assert second.is_over


@pytest.mark.parametrize("gain", [0, 0.1, 1])
def test_speech_is_there_to_the_sample(gain: float) -> None:
    backdrop, known = Backdrop(CLIP, RATE, gain), Backdrop(CLIP, RATE, gain)
    # Without speech and with it, the level takes another way: so both get to the same.
    for one in (backdrop, known):
        for _ in range(5):
            one.under(SPEECH[:FRAME])
    said = SPEECH[: 20 * FRAME]
    silent = known.under(b"\1\0" * (len(said) // 2))
    heard = backdrop.under(said)
    sound = to_samples(silent) - 1
    assert to_pcm(mix(to_samples(said), sound)) == heard
    assert sound.any() == (gain > 0)


def test_too_loud_is_clipped_and_never_wraps() -> None:
    loud = to_pcm(np.array([32767, -32768] * 800, np.int16))
    for level in (32767, -32768):
        clip = to_pcm(np.full(1600, level, np.int16))
        backdrop = Backdrop(clip, RATE, 1.0)
        for _ in range(5):
            heard = to_samples(backdrop.under(loud[:FRAME]))
        sound = round(level * DUCKED)
        assert set(heard) == {min(32767 + sound, 32767), max(-32768 + sound, -32768)}


def test_it_begins_again_without_a_click() -> None:
    # At its end a wave is elsewhere than at its beginning.
    clip = tone(100, 0.2525, RATE, amplitude=1.0)
    heard = to_samples(alone(Backdrop(clip, RATE, 1.0), 3)).astype(int)
    steepest = np.abs(np.diff(to_samples(clip).astype(int))).max()
    assert np.abs(np.diff(heard)).max() <= steepest + 2 * 32767 / SEAM


def test_a_clip_of_any_length_repeats_itself() -> None:
    samples = to_samples(CLIP)
    period = len(samples) - SEAM
    looped = LoopedClip(samples, SEAM)
    assert (looped.read(0, period) == samples[:period]).all()
    for round_number in (1, 2, 7):
        again = looped.read(round_number * period, period)
        assert (again[SEAM:] == samples[SEAM:period]).all()
        weights = (np.arange(SEAM) + 0.5) / SEAM
        seam = samples[:SEAM] * weights + samples[period:] * (1 - weights)
        assert np.abs(again[:SEAM] - seam).max() <= 0.5


@given(st.lists(st.integers(0, 5000), max_size=20), st.integers(0, 20_000))
def test_however_it_is_read_it_is_the_same(sizes: list[int], start: int) -> None:
    looped = LoopedClip(to_samples(CLIP)[:1000], SEAM)
    pieces, place = [], start
    for size in sizes:
        pieces.append(looped.read(place, size))
        place += size
    whole = looped.read(start, sum(sizes))
    assert len(whole) == sum(sizes)
    assert (np.concatenate([*pieces, whole[:0]]) == whole).all()


frames = st.sampled_from(["alone", "speech", "silence"])
steps = st.lists(st.tuples(frames, st.integers(1, 800)), max_size=40)


@given(steps, st.integers(0, 40), st.floats(0, 1))
def test_its_level_never_jumps(
    moments: list[tuple[str, int]], ends_after: int, gain: float
) -> None:
    """Whatever is said, for however long, and whenever it ends."""
    backdrop = Backdrop(to_pcm(np.full(1000, 20_000, np.int16)), RATE, gain)
    sounds: list[NDArray[Any]] = [np.zeros(1, int)]
    for number, (kind, samples) in enumerate([*moments, ("alone", FADE)]):
        if number in {ends_after, len(moments)}:
            backdrop.end()
        said = (SPEECH[: 2 * samples] if kind == "speech" else b"").ljust(2 * samples, b"\0")
        heard = backdrop.alone(2 * samples) if kind == "alone" else backdrop.under(said)
        assert len(heard) == 2 * samples
        sounds.append(to_samples(heard).astype(int) - to_samples(said))
    sound = np.concatenate(sounds)
    assert np.abs(np.diff(sound)).max() <= 20_000 * gain / FADE + 1
    assert sound.min() >= 0
    assert sound.max() <= round(20_000 * gain) + 1
    assert backdrop.is_over
    assert sound[-1] == 0


@given(st.lists(st.integers(0, 1500), max_size=30), st.booleans())
def test_however_it_is_pulled_it_is_the_same(sizes: list[int], is_said: bool) -> None:
    """A level that depends on nothing but what was said before."""
    one, other = Backdrop(CLIP, RATE, 0.5), Backdrop(CLIP, RATE, 0.5)
    for backdrop in (one, other):
        backdrop.alone(2 * FADE)
        if is_said:
            backdrop.under(SPEECH[: 2 * FADE])
    total = sum(sizes)
    if is_said:
        total = min(total, HOLD)
        pieces, rest = [], total
        for size in sizes:
            pieces.append(one.alone(2 * min(size, rest)))
            rest -= min(size, rest)
    else:
        pieces = [one.alone(2 * size) for size in sizes]
    assert b"".join(pieces) == other.alone(2 * total)
