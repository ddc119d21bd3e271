"""Recordings on a page: drawn where they were heard, and something that browsers play."""

import base64
import io
import re
import struct
import tracemalloc
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.timelines import OVER, drawn, heard, said, times, told, write_recording
from trio_calls.voice.timeline.page import Sound, SoundError, _loading, load_sound, page
from trio_calls.voice.timeline.page._loading import MOST_BUCKETS
from trio_calls.voice.timeline.page._sound import HEIGHTS, outline

pytestmark = pytest.mark.pure

RATE = 8000
WAV = "data:audio/wav;base64,"
OGG = "data:audio/ogg;base64,"


def silence(seconds: float, channels: int = 2) -> NDArray[np.int16]:
    return np.zeros((round(seconds * RATE), channels), np.int16)


def with_sound(
    samples: NDArray[np.int16], channel: int, start: float, end: float, loudness: int = 8000
) -> NDArray[np.int16]:
    """Return a copy in which a channel is as loud as this from one second to another."""
    copy = samples.copy()
    copy[round(start * RATE) : round(end * RATE), channel] = loudness
    return copy


def loud_seconds(sound: Sound, channel: int) -> tuple[float, float]:
    """Return when a channel of a sound begins and ends to be loud."""
    (loud,) = np.nonzero(sound.peaks[channel] > 4000)
    scale = sound.seconds / len(sound.peaks[channel])
    return sound.start + loud[0] * scale, sound.start + (loud[-1] + 1) * scale


@pytest.fixture
def without_soundfile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_loading, "_soundfile", lambda: None)


def load(path: Path, start: float = 0.0) -> Sound:
    return load_sound(path, start, path.with_name("call.html"))


def decoded(sound: Sound) -> NDArray[np.int16]:
    assert sound.source.startswith(WAV)
    with wave.open(io.BytesIO(base64.b64decode(sound.source.removeprefix(WAV)))) as file:
        data = file.readframes(file.getnframes())
        return np.frombuffer(data, "<i2").reshape(-1, file.getnchannels())


def test_it_is_drawn_when_it_was_heard(tmp_path: Path) -> None:
    samples = with_sound(silence(20), 1, 4.0, 6.0)
    sound = load(write_recording(tmp_path / "call.wav", samples), start=1.5)
    assert loud_seconds(sound, 1) == pytest.approx((5.5, 7.5), abs=0.025)
    assert not sound.peaks[0].any()
    root = drawn(said(5.5, 2.0), OVER, sounds=(sound,))
    for lane in ("caller", "agent"):
        wave_form = root.lane(lane).only("svg", "wave")
        assert times(wave_form, root) == pytest.approx((1.5, 21.5), abs=0.001)


def test_a_small_one_is_in_the_page_as_it_is(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "call.wav", with_sound(silence(2), 0, 1.0, 1.5))
    sound = load(path)
    assert sound.source == WAV + base64.b64encode(path.read_bytes()).decode()
    root = drawn(OVER, sounds=(sound,))
    assert root.only("audio").attributes["src"] == sound.source
    assert root.only("button", id="play").text == "Play"


def test_with_a_channel_for_each_leg(tmp_path: Path) -> None:
    samples = with_sound(silence(9, 3), 0, 1.0, 2.0)
    samples = with_sound(samples, 1, 3.0, 4.0)
    samples = with_sound(samples, 2, 5.0, 6.0)
    sound = load(write_recording(tmp_path / "call.wav", samples))
    root = drawn(OVER, sounds=(sound,))
    for channel, lane in enumerate(("caller", "callee", "agent")):
        root.lane(lane).only("svg", "wave")
        begins = 1.0 + 2 * channel
        assert loud_seconds(sound, channel) == pytest.approx((begins, begins + 1), abs=0.025)
    # Browsers take the third of three channels for a subwoofer's, and leave the agent out.
    played = decoded(sound)
    assert (played[:, 0] == samples[:, 0] + samples[:, 1]).all()
    assert (played[:, 1] == samples[:, 2]).all()


def test_who_spoke_is_told_by_the_recording(tmp_path: Path) -> None:
    samples = with_sound(with_sound(silence(30, 3), 0, 5.0, 7.0), 1, 15.0, 17.0)
    sound = load(write_recording(tmp_path / "call.wav", samples), start=1.0)
    root = drawn(
        {"at": 2.0, "kind": "state", "state": "CONNECTED"},
        heard(6.0, 8.0),
        heard(16.0, 18.0),
        {"at": 17.0, "kind": "interrupted", "channel": 0},
        heard(25.0, 26.0),
        OVER,
        sounds=(sound,),
    )
    lanes = {lane: root.lane(lane).every("g", "heard") for lane in ("caller", "callee")}
    begins = {
        lane: [round(times(each.only("rect"), root)[0]) for each in spoken]
        for lane, spoken in lanes.items()
    }
    # Of the last one nobody can tell.
    assert begins == {"caller": [6, 25], "callee": [16, 25]}
    names = [row.only("span", "who").text for row in root.only("ol").every("li")]
    assert names == ["Call", "Call", "Caller", "Callee", "Callee", "Caller or callee", "Call"]


def test_legs_together_are_not_too_loud_for_it(tmp_path: Path) -> None:
    samples = with_sound(with_sound(silence(1, 3), 0, 0, 1, -30000), 1, 0, 1, -30000)
    played = decoded(load(write_recording(tmp_path / "call.wav", samples)))
    assert (played[:, 0] == -32768).all()


def test_several_recordings_of_a_call(tmp_path: Path) -> None:
    first = load(write_recording(tmp_path / "a.wav", silence(2)), start=1.0)
    second = load(write_recording(tmp_path / "b.wav", silence(3)), start=5.0)
    root = drawn(OVER, sounds=(first, second))
    waves = root.lane("agent").every("svg", "wave")
    assert [times(each, root) for each in waves] == [
        *(pytest.approx((1.0, 3.0), abs=0.001), pytest.approx((5.0, 8.0), abs=0.001))
    ]
    identities = [path.attributes["id"] for path in root.every("path") if "id" in path.attributes]
    assert len(set(identities)) == len(identities) == 4


def test_one_that_was_never_finished(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "call.wav", with_sound(silence(3), 1, 1.0, 2.0))
    content = bytearray(path.read_bytes())
    for place in (4, 40):
        struct.pack_into("<I", content, place, 2**32 - 1)
    path.write_bytes(content)
    sound = load(path)
    assert sound.seconds == 3.0
    assert loud_seconds(sound, 1) == pytest.approx((1.0, 2.0), abs=0.025)


@pytest.mark.slow
def test_an_hour(tmp_path: Path, without_soundfile: None) -> None:
    path = write_recording(tmp_path / "call.wav", silence(1))
    hour = 3600 * RATE * 4
    with path.open("r+b") as file:
        file.write(struct.pack("<4sI", b"RIFF", hour + 36))
        file.seek(40)
        file.write(struct.pack("<I", hour))
        file.truncate(44 + hour)
    tracemalloc.start()
    try:
        sound = load(path, start=0.5)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 8 * 2**20
    assert sound.seconds == 3600.0
    assert len(sound.peaks[0]) == MOST_BUCKETS
    noise = (np.arange(MOST_BUCKETS) * 7919 % 32768).astype(np.int32)
    noisy = Sound(0.5, 3600.0, [noise, noise], "call.wav")
    records = [said(10.0 * each, 4.0, text="So it goes on.") for each in range(360)]
    assert len(page(told(*records), [noisy])) < 2**20


def test_a_large_one_becomes_smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile = pytest.importorskip("soundfile")
    monkeypatch.setattr(_loading, "MOST_EMBEDDED_BYTES", 20_000)
    path = write_recording(tmp_path / "call.wav", with_sound(silence(20), 1, 4.0, 6.0))
    sound = load(path)
    assert sound.is_embedded
    assert sound.source.startswith(OGG)
    content = base64.b64decode(sound.source.removeprefix(OGG))
    assert len(content) < 20_000
    played, rate = soundfile.read(io.BytesIO(content))
    assert (len(played), rate) == (20 * RATE, RATE)
    assert loud_seconds(sound, 1) == pytest.approx((4.0, 6.0), abs=0.025)


@pytest.mark.parametrize("limit", [100, 4000])
def test_one_that_stays_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    pytest.importorskip("soundfile")
    monkeypatch.setattr(_loading, "MOST_EMBEDDED_BYTES", limit)
    noise = np.random.default_rng(1).integers(-9000, 9000, (20 * RATE, 2), np.int16)
    sound = load(write_recording(tmp_path / "call.wav", noise))
    assert (sound.source, sound.is_embedded) == ("call.wav", False)


def test_without_soundfile_a_large_one_stays_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_soundfile: None
) -> None:
    monkeypatch.setattr(_loading, "MOST_EMBEDDED_BYTES", 1000)
    (tmp_path / "kept here").mkdir()
    path = write_recording(tmp_path / "kept here" / "1:2#3.wav", silence(2))
    sound = load_sound(path, 0.0, tmp_path / "call.html")
    assert (sound.source, sound.is_embedded) == ("kept%20here/1%3A2%233.wav", False)


def test_flac(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    path = tmp_path / "call.flac"
    soundfile.write(path, with_sound(silence(20), 1, 4.0, 6.0), RATE)
    sound = load(path)
    assert loud_seconds(sound, 1) == pytest.approx((4.0, 6.0), abs=0.025)
    kind = "data:audio/flac;base64,"
    assert sound.source == kind + base64.b64encode(path.read_bytes()).decode()


def test_opus(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    path = tmp_path / "call.opus"
    tone = np.sin(np.arange(20 * RATE) * 0.3)[:, None] * np.ones((1, 2)) * 0.4
    tone[: 4 * RATE] = tone[6 * RATE :] = 0
    soundfile.write(path, tone, RATE, format="OGG", subtype="OPUS")
    sound = load(path)
    assert loud_seconds(sound, 1) == pytest.approx((4.0, 6.0), abs=0.04)
    assert sound.source.startswith(OGG)


def test_wav_of_floats(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    path = tmp_path / "call.wav"
    soundfile.write(path, with_sound(silence(8), 0, 4.0, 6.0) / 32768, RATE, subtype="FLOAT")
    assert loud_seconds(load(path), 0) == pytest.approx((4.0, 6.0), abs=0.025)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty"),
        (b"RIFF\0\0\0\0WAVE", "is a damaged WAV file"),
        (b"fLaC" + bytes(100), "is no recording that can be read"),
        (b"What was said?", "is no recording that can be read"),
    ],
)
def test_what_is_no_recording(tmp_path: Path, content: bytes, complaint: str) -> None:
    pytest.importorskip("soundfile")
    path = tmp_path / "call.wav"
    path.write_bytes(content)
    with pytest.raises(SoundError, match=complaint):
        load(path)


def test_mono_is_no_recording_of_a_call(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "call.wav", silence(1, 1))
    with pytest.raises(SoundError, match=re.escape("has 1 channel(s)")):
        load(path)


def test_which_extra_is_needed(tmp_path: Path, without_soundfile: None) -> None:
    path = tmp_path / "call.flac"
    path.write_bytes(b"fLaC" + bytes(100))
    with pytest.raises(SoundError, match="install the extra 'audio' of trio-calls"):
        load(path)


def test_an_outline_is_as_high_as_it_is_loud() -> None:
    half = outline(np.array([0, 0, 0, 5000, 10000, 10000]), loudest=10000)
    assert half == f"M0 0V-1h3V-{HEIGHTS // 2}h1V-{HEIGHTS}h2V0z"
