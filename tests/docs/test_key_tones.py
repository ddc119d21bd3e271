"""The program that hears key tones hears every key, and no other sound."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import trio

from tests.docs.test_voice_pages import load
from tests.support.sounds import SPEECH_NAMES, speech, through_a_telephone
from trio_calls import ActiveCall
from trio_calls.audio import noise, silence, to_pcm, tone
from trio_calls.simulator import open_simulator
from trio_calls.testing import run_agent

pytestmark = pytest.mark.pure

key_tones = load("key_tones")
ALL_KEYS = "".join(key_tones.KEYS)
FREQUENCIES = dict(zip(ALL_KEYS, itertools.product(key_tones.ROWS, key_tones.COLUMNS), strict=True))


def pressed(
    keys: str,
    seconds: float,
    gap: float,
    rate: int,
    *,
    twist_db: float = 0,
    detuned: float = 1,
    noise_db: float | None = None,
) -> bytes:
    """Return the tones of some keys, as a telephone makes them.

    Args:
        keys: which are pressed, one after the other.
        seconds: how long each is.
        gap: how much silence is between two.
        rate: the sample rate.
        twist_db: by how much the tone of the column is louder than that of the row.
        detuned: the factor by which their frequencies are wrong.
        noise_db: how much softer noise is that is everywhere.
    """
    times = np.arange(round(seconds * rate)) / rate
    pause = np.zeros(round(gap * rate))
    parts = [np.zeros(round(0.0437 * rate))]
    for number, key in enumerate(keys):
        row, column = (2 * np.pi * detuned * frequency for frequency in FREQUENCIES[key])
        # They begin anywhere in their waves.
        low, high = np.sin(row * times + number), np.sin(column * times + 2 * number)
        parts += [0.15 * (low * 10 ** (-twist_db / 40) + high * 10 ** (twist_db / 40)), pause]
    sound = np.concatenate([*parts, np.zeros(round(0.1 * rate))])
    if noise_db is not None:
        generator = np.random.default_rng(1)
        sound += generator.normal(0, 0.15 * 10 ** (-noise_db / 20), sound.size)
    return to_pcm(np.rint(sound.clip(-1, 1) * 32767).astype(np.int16))


def hears(pcm: bytes, rate: int, chunk_bytes: int | None = None) -> str:
    """Return what the program hears, fed in frames of 20 ms unless told otherwise."""
    detector = key_tones.KeyTones(rate)
    size = chunk_bytes or rate // 50 * 2
    return "".join(detector.feed(pcm[start : start + size]) for start in range(0, len(pcm), size))


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 24_000, 48_000])
@pytest.mark.parametrize("seconds", [0.03, 0.04, 0.07, 0.5])
def test_each_key_is_heard_once(rate: int, seconds: float) -> None:
    assert hears(pressed(ALL_KEYS, seconds, 0.03, rate), rate) == ALL_KEYS


@pytest.mark.parametrize("seconds", [0.03, 0.04, 0.07])
@pytest.mark.parametrize("gap", [0.03, 0.04, 0.2])
def test_a_key_that_is_pressed_again_is_heard_again(seconds: float, gap: float) -> None:
    keys = "".join(3 * key for key in ALL_KEYS)
    assert hears(pressed(keys, seconds, gap, 8000), 8000) == keys


@pytest.mark.parametrize("twist_db", [-8, -4, 4, 8])
def test_one_tone_may_be_louder_than_the_other(twist_db: float) -> None:
    assert hears(pressed(ALL_KEYS, 0.04, 0.04, 8000, twist_db=twist_db), 8000) == ALL_KEYS


@pytest.mark.parametrize("detuned", [0.985, 1.015])
def test_telephones_of_old_are_out_of_tune(detuned: float) -> None:
    assert hears(pressed(ALL_KEYS, 0.05, 0.05, 8000, detuned=detuned), 8000) == ALL_KEYS


@pytest.mark.parametrize("noise_db", [12, 20])
def test_a_line_may_be_noisy(noise_db: float) -> None:
    assert hears(pressed(ALL_KEYS, 0.04, 0.04, 8000, noise_db=noise_db), 8000) == ALL_KEYS


@pytest.mark.parametrize("chunk_bytes", [2, 100, 1001 * 2, 10**6])
def test_a_stream_may_be_cut_anywhere(chunk_bytes: int) -> None:
    assert hears(pressed("0123", 0.04, 0.04, 8000), 8000, chunk_bytes) == "0123"


def test_a_crackle_in_a_long_tone_is_no_second_key() -> None:
    pcm = np.frombuffer(pressed("5", 0.5, 0.03, 8000), "<i2").copy()
    pcm[2000:2008] = 30_000
    assert hears(to_pcm(pcm), 8000) == "5"


@pytest.mark.parametrize("rate", [8000, 24_000])
@pytest.mark.parametrize("name", SPEECH_NAMES)
def test_speech_is_no_key(name: str, rate: int) -> None:
    assert hears(speech(name, rate), rate) == ""
    assert hears(through_a_telephone(speech(name, rate), rate), rate) == ""


@pytest.mark.parametrize(
    "sound",
    [
        silence(1, 8000),
        noise(5, 8000, 1),
        tone(440, 1, 8000),
        tone(697, 1, 8000),
        tone(1209, 1, 8000),
        pressed(ALL_KEYS, 0.015, 0.05, 8000),
        pressed(ALL_KEYS, 0.1, 0.05, 8000, twist_db=20),
        pressed(ALL_KEYS, 0.1, 0.05, 8000, detuned=1.04),
    ],
    ids=["silence", "noise", "tone", "row", "column", "short", "twisted", "wrong"],
)
def test_other_sounds_are_no_keys(sound: bytes) -> None:
    assert hears(sound, 8000) == ""


@pytest.mark.parametrize("rate", [8000, 16_000, 24_000])
async def test_a_caller_enters_a_number(rate: int) -> None:
    numbers = []

    async def handle_call(call: ActiveCall) -> None:
        await call.answer()
        numbers.append(await key_tones.ask_for_number(call, noise(3, rate, 1)))
        numbers.append(await key_tones.ask_for_number(call, noise(3, rate, 2)))
        await call.wait_disconnected()

    async with (
        open_simulator(sample_rate=rate) as simulator,
        run_agent(handle_call, simulator),
    ):
        call = simulator.place_call()
        await call.caller.wait_talking()
        await trio.sleep(1)
        await call.caller.say(pressed("2211", 0.07, 0.07, rate))
        heard = len(call.caller.heard)
        await trio.sleep(0.5)
        # The agent has stopped asking.
        assert not any(call.caller.heard[heard:])
        await call.caller.say(pressed("9#", 0.07, 0.07, rate))
        # And then not a key, for as long as it waits.
        await trio.sleep(12)
        call.caller.hang_up()
        await call.wait_ended()
    assert numbers == ["22119", ""]
