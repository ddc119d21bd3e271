"""FLAC and Ogg Opus are made when a recording ends."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import trio

from tests.support.phone_calls import speech
from tests.support.processes import environment
from tests.support.recordings import channels_of, first_sound
from tests.support.voice_agents import answered
from tests.support.wires import on_one_wire
from trio_calls.simulator import Simulator
from trio_calls.voice import RecordingError, Voice
from trio_calls.voice.recording import _recording
from trio_calls.voice.recording._compressed import compress

pytestmark = on_one_wire


async def record(simulator: Simulator, path: Path) -> list[bytes]:
    """Record a call into a file, and into a WAV, of which the channels are returned."""
    wav = path.with_name("other.wav")
    async with answered(simulator) as scene, scene.voice.record(wav), scene.voice.record(path):
        scene.simulated.caller.say_nowait(speech(2, 1.5))
        await scene.voice.say(speech(1, 1.0))
        await trio.sleep(1)
    assert set(os.listdir(path.parent)) == {path.name, "other.wav"}
    assert os.stat(path).st_mode & 0o777 == 0o600
    return channels_of(wav)


async def test_flac_is_the_same_to_the_bit(simulator: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "call.flac"
    path.write_bytes(b"of another call")
    path.chmod(0o666)
    expected = await record(simulator, path)
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == 24_000
    assert [samples[:, channel].tobytes() for channel in (0, 1)] == expected


@pytest.mark.parametrize("name", ["call.opus", "call.ogg", "CALL.OPUS"])
async def test_opus_sounds_the_same(simulator: Simulator, tmp_path: Path, name: str) -> None:
    expected = await record(simulator, tmp_path / name)
    info = soundfile.info(tmp_path / name)
    assert (info.format, info.subtype, info.samplerate) == ("OGG", "OPUS", 24_000)
    samples, _rate = soundfile.read(tmp_path / name, dtype="float64")
    assert len(samples) == len(expected[0]) // 2
    for channel in (0, 1):
        original = np.frombuffer(expected[channel], "<i2") / 32768
        assert np.corrcoef(original, samples[:, channel])[0, 1] > 0.8
        silent = first_sound(expected[channel]) - 480
        assert np.abs(samples[: max(silent, 0), channel]).max(initial=0) < 0.02


async def test_a_name_is_taken_until_the_file_is_made(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "call.flac"
    began, go_on = trio.Event(), trio.Event()

    async def compress_later(*args: Any) -> None:
        began.set()
        await go_on.wait()
        await compress(*args)

    monkeypatch.setattr(_recording, "compress", compress_later)
    async with answered(simulator) as scene, trio.open_nursery() as nursery:
        nursery.start_soon(start, scene.voice, path)
        await began.wait()
        for taken in (path, tmp_path / "call.flac.wav"):
            with pytest.raises(RecordingError, match="another recording is being made there"):
                await start(scene.voice, taken)
        go_on.set()
    assert soundfile.info(path).frames >= 24_000


async def start(voice: Voice, path: Path) -> None:
    async with voice.record(path):
        await voice.say(speech(1, 1.0))


@pytest.mark.parametrize("error", [ModuleNotFoundError, OSError])
async def test_without_soundfile(
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
) -> None:
    if error is OSError:
        # Its library is missing.
        (tmp_path / "soundfile.py").write_text("raise OSError('sndfile library not found')")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "soundfile")
    else:
        monkeypatch.setitem(sys.modules, "soundfile", None)
    async with answered(simulator) as scene:
        with pytest.raises(ModuleNotFoundError, match=r"install the extra 'voice' of trio-calls"):
            await start(scene.voice, tmp_path / "calls" / "call.flac")
        assert not (tmp_path / "calls").exists()


async def test_one_that_cannot_be_made(simulator: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "call.flac"
    path.mkdir()
    async with answered(simulator) as scene:
        with pytest.raises(
            RecordingError, match=r"recording in .*call\.flac\.wav .* be made of it"
        ):
            await start(scene.voice, path)
    assert set(os.listdir(tmp_path)) == {"call.flac", "call.flac.wav"}
    assert len(channels_of(tmp_path / "call.flac.wav")[1]) > 48_000


async def test_one_whose_making_is_cancelled(
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = tmp_path / "call.flac"
    path.write_bytes(b"of another call")
    is_written, goes_on = trio.Event(), threading.Event()

    class SlowFile(soundfile.SoundFile):  # type: ignore[misc]  # it has no types
        def write(self, data: object) -> None:
            trio.from_thread.run_sync(is_written.set)
            assert goes_on.wait(timeout=30)
            super().write(data)

    monkeypatch.setattr(soundfile, "SoundFile", SlowFile)
    async with answered(simulator) as scene, trio.open_nursery() as nursery:

        async def cancel() -> None:
            await is_written.wait()
            scope.cancel()

        nursery.start_soon(cancel)
        with trio.CancelScope() as scope:
            await start(scene.voice, path)
        assert scope.cancelled_caught
        goes_on.set()
        with trio.fail_after(100):
            while len(os.listdir(tmp_path)) > 2:  # noqa: ASYNC110  # of a thread
                await trio.sleep(0.1)
    assert path.read_bytes() == b"of another call"
    assert len(channels_of(tmp_path / "call.flac.wav")[1]) > 48_000
    assert "call.flac was not made, as its block was cancelled" in caplog.text


FULL = """
import resource, sys, wave
from pathlib import Path
from trio_calls.audio import noise
from trio_calls.voice.recording._compressed import COMPRESSIONS, _Compressing

wav, path = Path(sys.argv[1], "call.wav"), Path(sys.argv[1], "call" + sys.argv[2])
for missing in (0, 1, 700):
    with wave.open(str(wav), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(noise(10, 24_000, 1, amplitude=0.2))
    if missing:
        size = path.stat().st_size
        path.unlink()
        resource.setrlimit(resource.RLIMIT_FSIZE, (size - missing, resource.RLIM_INFINITY))
    try:
        _Compressing(wav, path, COMPRESSIONS[path.suffix]).run()
    except (OSError, RuntimeError) as error:
        assert missing, error
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**40, resource.RLIM_INFINITY))
        path.write_bytes(bytes(size))
    else:
        assert not missing, "it has told nobody"
    assert wav.exists() is bool(missing)
"""


@pytest.mark.slow
@pytest.mark.pure
@pytest.mark.parametrize("ending", [".flac", ".opus"])
def test_a_disk_that_is_full_in_the_end(tmp_path: Path, ending: str) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path), ending]
    result = subprocess.run(
        command, env=environment({}), capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert set(os.listdir(tmp_path)) == {"call.wav", f"call{ending}"}
