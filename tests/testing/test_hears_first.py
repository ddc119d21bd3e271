"""Of several places that fit, `hears` finds the first, and finds it exactly."""

import numpy as np
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.support.testing_plugin import GOODBYE, HELLO, RATE, Line, quieter
from trio_calls.audio import mix, noise, silence, to_pcm, to_samples, tone
from trio_calls.testing import hears
from trio_calls.testing._matching import Listener

PAUSE = silence(0.5, RATE)
TONE = tone(440, 1, RATE)
# A long stretch of a call that is searched in several pieces.
LONG_SECONDS = 24.0


def over_noise(pcm: bytes, amplitude: float = 0.04) -> bytes:
    return to_pcm(mix(to_samples(pcm), to_samples(noise(len(pcm) / 48000, RATE, 9, amplitude))))


def like_speech(seed: int) -> bytes:
    """Return noise whose neighbouring samples resemble each other, as those of speech do."""
    smooth = np.convolve(to_samples(noise(1, RATE, seed)), np.ones(8) / 8, "same")
    return to_pcm(smooth.astype(np.int16))


@pytest.mark.parametrize("speech", [HELLO, like_speech(3)], ids=["noise", "smooth"])
@pytest.mark.parametrize("change", [bytes, over_noise, lambda pcm: quieter(pcm, 20)])
@pytest.mark.parametrize("pause", [PAUSE, b""], ids=["pause", "no pause"])
@pytest.mark.parametrize("ends", [False, True])
async def test_the_first_of_two_is_found_afterwards(
    line: Line, speech: bytes, change: type[bytes], pause: bytes, ends: bool
) -> None:
    await line.play(PAUSE, change(speech), pause, GOODBYE, pause, speech, PAUSE)
    if ends:
        line.phone.hang_up()
    assert (await hears(line.phone, speech)).start_seconds == pytest.approx(0.5)
    await hears(line.phone, GOODBYE)
    last = await hears(line.phone, speech)
    assert last.start_seconds == pytest.approx(2.5 + 2 * len(pause) / 48000)
    assert last.correlation > 0.99


async def test_a_better_one_that_follows_at_once_is_not_it(line: Line) -> None:
    speech = like_speech(3)
    await line.play(over_noise(speech, 0.06), speech)
    first = await hears(line.phone, speech)
    assert first.start_seconds == pytest.approx(0)
    assert 0.8 < first.correlation < 0.99
    assert (await hears(line.phone, speech)).start_seconds == pytest.approx(1)


@pytest.mark.parametrize(("said", "start"), [(0.9, 0), (0.5, 1.4)])
async def test_a_beginning_counts_from_two_thirds_on(line: Line, said: float, start: float) -> None:
    beginning = HELLO[: int(said * RATE) * 2]
    await line.play(beginning, silence(1.4 - said, RATE), HELLO, PAUSE)
    assert (await hears(line.phone, HELLO)).start_seconds == pytest.approx(start)


@pytest.mark.parametrize("change", [bytes, over_noise, lambda pcm: quieter(pcm, 20)])
async def test_a_tone_is_found_where_it_begins(
    line: Line, nursery: trio.Nursery, change: type[bytes]
) -> None:
    """A tone resembles itself a third of its duration before its place, and before it is over."""
    nursery.start_soon(line.play, PAUSE, change(TONE), silence(5, RATE))
    match = await hears(line.phone, TONE)
    assert match.start_seconds == pytest.approx(0.5, abs=0.001)
    assert trio.current_time() >= 1.5


async def test_a_clear_tone_is_heard_as_soon_as_it_is_over(
    line: Line, nursery: trio.Nursery
) -> None:
    nursery.start_soon(line.play, PAUSE, TONE, silence(5, RATE))
    await hears(line.phone, TONE)
    assert trio.current_time() <= 1.75


@given(
    before=st.integers(0, int(LONG_SECONDS * RATE)),
    pieces=st.lists(st.integers(1, RATE * 5), max_size=8),
    is_noisy=st.booleans(),
)
def test_a_recording_that_grows_is_searched_as_one(
    before: int, pieces: list[int], is_noisy: bool
) -> None:
    speech = noise(0.25, RATE, 3)
    said = over_noise(speech) if is_noisy else speech
    recording = bytes(2 * before) + said + PAUSE + speech + PAUSE
    listener = Listener(speech, 0)
    found, end = None, 0
    for piece in [*pieces, len(recording)]:
        end = min(len(recording), end + 2 * piece)
        found = found or listener.listen(recording[:end], 0.8)
    assert found
    assert found.offset_samples == before
    assert found == Listener(speech, 0).listen(recording, 0.8)
