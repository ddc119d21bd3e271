"""What was heard and said is placed on one clock, sample by sample."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from trio_calls.voice.recording._tracks import Tracks

pytestmark = pytest.mark.pure

RATE = 8000
FRAME = 160
FRAME_SECONDS = 0.02


def numbered(start: int, samples: int) -> bytes:
    """Make audio whose samples are numbered, so that each can be found again. None is 0."""
    return ((np.arange(start, start + samples) % 32767) + 1).astype("<i2").tobytes()


def frame(number: int) -> bytes:
    return numbered(number * FRAME, FRAME)


@attrs.define
class Scene:
    """A recording that is taken each second, as it is written."""

    channels: Sequence[int] = (0,)
    tracks: Tracks = attrs.field(init=False)
    blocks: list[bytes] = attrs.Factory(list)
    taken_at: float = 0.0

    def __attrs_post_init__(self) -> None:
        self.tracks = Tracks(self.channels, RATE)

    def hear(self, number: int, at: float, channel: int = 0) -> None:
        self.write_until(at)
        self.tracks.received(channel, frame(number), at)

    def say(self, pcm: bytes, at: float) -> None:
        self.write_until(at)
        self.tracks.sent(pcm, at)

    def write_until(self, now: float) -> None:
        while now >= self.taken_at + 1:
            self.taken_at += 1
            self.blocks.append(self.tracks.take(self.taken_at))

    def finish(self, at: float) -> NDArray[np.int16]:
        self.write_until(at)
        self.blocks.append(self.tracks.finish(at))
        width = len(self.channels) + 1
        return np.frombuffer(b"".join(self.blocks), "<i2").reshape(-1, width)


def talk(scene: Scene, frames: int, *, delays: Sequence[float] = (0,), skew: float = 0) -> None:
    """Let frames come, each with a delay, by a clock that is faster by so much.

    Each second one comes in time: frames that are late for ever, and nothing else, are those after
    a gap.
    """
    came_at = 0.0
    for number in range(frames):
        paced_at = (number + 1) * FRAME_SECONDS * (1 - skew)
        to_next = -number % 50 * FRAME_SECONDS * (1 - skew)
        came_at = max(came_at, paced_at + min(delays[number % len(delays)], to_next))
        scene.hear(number, came_at)


def test_what_was_heard_is_there_to_the_sample() -> None:
    scene = Scene()
    talk(scene, 500)
    heard = scene.finish(10)[:, 0]
    assert heard.tobytes() == numbered(0, 500 * FRAME)


@given(
    st.lists(st.floats(0, 0.3), min_size=1, max_size=40),
    st.integers(1, 400),
    st.floats(-1e-4, 1e-4),
)
def test_late_frames_and_skewed_clocks_move_nothing(
    delays: list[float], frames: int, skew: float
) -> None:
    scene = Scene()
    talk(scene, frames, delays=delays, skew=skew)
    heard = scene.finish(frames * FRAME_SECONDS + 1)[:, 0]
    assert heard.tobytes() == numbered(0, frames * FRAME)


def test_a_burst_after_a_stall_is_no_gap() -> None:
    scene = Scene()
    for number in range(600):
        due = (number + 1) * FRAME_SECONDS
        scene.hear(number, 9.0 if 4 < due < 9 else due)
    heard = scene.finish(12)[:, 0]
    assert heard.tobytes() == numbered(0, 600 * FRAME)


@given(
    st.lists(st.tuples(st.integers(50, 400), st.integers(2, 200)), min_size=1, max_size=4),
    st.floats(0, 0.02),
)
def test_lost_frames_leave_silence_where_they_were(
    losses: list[tuple[int, int]], jitter: float
) -> None:
    scene = Scene()
    expected = bytearray()
    number = 0
    for kept, lost in [*losses, (200, 0)]:
        for _ in range(kept):
            scene.hear(number, (number + 1) * FRAME_SECONDS + (jitter if number % 2 else 0))
            expected += frame(number)
            number += 1
        expected += bytes(lost * FRAME * 2)
        number += lost
    heard = scene.finish(number * FRAME_SECONDS + jitter)[:, 0]
    expected_samples = np.frombuffer(bytes(expected), "<i2")
    assert len(heard) == pytest.approx(len(expected_samples), abs=FRAME)
    # Each stretch stands within a frame of where it was.
    for start in np.flatnonzero(np.diff(expected_samples.astype(bool), prepend=False)):
        if expected_samples[start]:
            near = heard[max(0, start - FRAME) : start + FRAME]
            assert expected_samples[start] in near


def test_an_agent_stands_where_it_began_to_play() -> None:
    scene = Scene()
    for number in range(500):
        scene.hear(number, (number + 1) * FRAME_SECONDS)
        if number == 199:
            # Asked for 0.1 s at once, and again before that was played.
            scene.say(numbered(0, 5 * FRAME), 4.0)
        if number == 202:
            scene.say(numbered(5 * FRAME, 5 * FRAME), 4.06)
    said = scene.finish(10)[:, 1]
    assert said[32000 : 32000 + 10 * FRAME].tobytes() == numbered(0, 10 * FRAME)
    assert np.count_nonzero(said) == 10 * FRAME


@pytest.mark.parametrize("dropped_after", range(0, 12))
def test_what_was_dropped_before_it_played_is_not_there(dropped_after: int) -> None:
    scene = Scene()
    talk(scene, 100)
    scene.say(numbered(0, 10 * FRAME), 2.0)
    seconds = dropped_after * FRAME_SECONDS
    scene.tracks.dropped(2.0 + seconds)
    scene.say(numbered(20000, FRAME), 3.0)
    for number in range(100, 300):
        scene.hear(number, (number + 1) * FRAME_SECONDS)
    said = scene.finish(6)[:, 1]
    played = min(dropped_after, 10) * FRAME
    assert said[16000 : 16000 + 10 * FRAME].tobytes() == (
        numbered(0, played) + bytes(2 * (10 * FRAME - played))
    )
    assert said[24000 : 24000 + FRAME].tobytes() == numbered(20000, FRAME)


@pytest.mark.parametrize(
    ("minutes", "skew"),
    [(5, -1e-4), (5, 0), (5, 1e-4), pytest.param(60, 1e-4, marks=pytest.mark.slow)],
)
def test_both_line_up_in_the_end(minutes: int, skew: float) -> None:
    """The agent answers each second at once, for an hour, and both clocks drift apart."""
    scene = Scene()
    seconds = minutes * 60
    for second in range(seconds):
        for tenth in range(10):
            at = (second + (tenth + 1) / 10) * (1 - skew)
            scene.write_until(at)
            scene.tracks.received(0, numbered(second * RATE + tenth * RATE // 10, RATE // 10), at)
        scene.say(frame(second), at)
    taken = scene.finish(seconds * (1 - skew))
    assert len(taken) == seconds * RATE
    heard, said = taken[:, 0], taken[:, 1]
    assert heard.tobytes() == numbered(0, seconds * RATE)
    # What was said with the last frame of a second begins where that ends.
    starts = np.flatnonzero(np.diff((said != 0).astype(np.int8), prepend=0) == 1)
    assert len(starts) in {seconds - 1, seconds}
    late = starts - RATE * np.arange(1, len(starts) + 1)
    assert abs(late).max() <= FRAME


def test_an_agent_that_never_stops_never_clicks() -> None:
    """For two minutes it is asked for each frame a bit early or late."""
    scene = Scene()
    for number in range(120 * 50):
        at = (number + 1) * FRAME_SECONDS
        scene.hear(number, at)
        scene.say(frame(number), at + (0.004, 0.019, 0.011)[number % 3])
    said = scene.finish(120.02)[:, 1]
    first = int(np.flatnonzero(said)[0])
    length = 120 * RATE - first
    assert said[first:][:length].tobytes() == numbered(0, length)


def test_each_leg_has_a_channel() -> None:
    scene = Scene(channels=(1, 2))
    for number in range(500):
        at = (number + 1) * FRAME_SECONDS
        scene.hear(number, at, channel=1)
        scene.hear(number, at, channel=0)
        if number >= 200:
            scene.hear(number, at, channel=2)
    taken = scene.finish(10)
    assert taken[:, 0].tobytes() == numbered(0, 500 * FRAME)
    assert taken[: 200 * FRAME, 1].any() == np.False_
    assert taken[200 * FRAME :, 1].tobytes() == numbered(200 * FRAME, 300 * FRAME)
    assert not taken[:, 2].any()


def test_what_is_said_before_anything_is_heard_begins_it() -> None:
    scene = Scene()
    scene.say(numbered(0, FRAME), 5.0)
    for number in range(100):
        scene.hear(number, 5.5 + (number + 1) * FRAME_SECONDS)
    taken = scene.finish(7.5)
    assert taken[:FRAME, 1].tobytes() == numbered(0, FRAME)
    assert taken[4000:, 0].tobytes() == numbered(0, 100 * FRAME)
    assert scene.tracks.zero == pytest.approx(5.0)


def test_where_nothing_comes_it_is_not_waited_for_ever() -> None:
    """The exchange sends nothing while the caller is silent, and the agent talks on."""
    scene = Scene()
    talk(scene, 50)
    for second in range(1, 61):
        scene.say(numbered(second * RATE, RATE), float(second))
        scene.write_until(float(second))
    written = sum(map(len, scene.blocks)) // 4 / RATE
    assert written > 55
    assert len(scene.finish(61)) == 61 * RATE


def test_nothing_is_taken_where_nothing_was() -> None:
    scene = Scene()
    assert len(scene.finish(100)) == 0
    assert scene.tracks.zero is None
