"""A disk that fails costs the recording, and never the call."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from tests.support.phone_calls import speech
from tests.support.recordings import channels_of
from tests.support.voice_agents import answered, sounds
from tests.support.wires import on_one_wire
from trio_calls.simulator import Simulator
from trio_calls.testing import _virtual_time
from trio_calls.voice import Recording, RecordingError, Voice, _disk_writer
from trio_calls.voice.recording._wav_file import WavFile

pytestmark = on_one_wire


async def talk(voice: Voice, path: Path | str, recordings: list[Recording]) -> None:
    async with voice.record(path) as recording:
        recordings.append(recording)
        for number in range(4):
            await voice.say(speech(number, 1.0))


def errors_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_full_disk(simulator: Simulator, caplog: pytest.LogCaptureFixture) -> None:
    recordings: list[Recording] = []
    async with answered(simulator) as scene:
        with pytest.raises(RecordingError, match=r"/dev/full .* No space left on device$") as info:
            await talk(scene.voice, "/dev/full", recordings)
        # Nothing of that was noticed on the telephone.
        spoken = b"".join(speech(number, 1.0) for number in range(4))
        assert sounds(scene.simulated.caller.heard) == spoken
    assert isinstance(info.value.__cause__, OSError)
    assert str(recordings[0].failure) == str(info.value)
    assert len(errors_in(caplog)) == 1
    assert "No space left" in errors_in(caplog)[0]


async def test_a_disk_that_becomes_full(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "call.wav"
    real = os.pwrite

    def write(descriptor: int, data: memoryview, offset: int) -> int:
        if offset > 300_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        # A disk may take a part of it, too.
        return real(descriptor, data[:10_001], offset)

    monkeypatch.setattr(os, "pwrite", write)
    recordings: list[Recording] = []
    async with answered(simulator) as scene:
        with pytest.raises(RecordingError, match="No space left"):
            await talk(scene.voice, path, recordings)
    # What its header tells is there, and plays.
    content = path.read_bytes()
    length = int.from_bytes(content[40:44], "little")
    assert 100_000 < length <= len(content) - 44
    assert recordings[0].seconds == length / 96_000


async def test_a_folder_that_is_removed(simulator: Simulator, tmp_path: Path) -> None:
    folder = tmp_path / "calls"
    folder.mkdir()
    recordings: list[Recording] = []
    async with answered(simulator) as scene, trio.open_nursery() as nursery:

        async def remove() -> None:
            await trio.sleep(2.5)
            shutil.rmtree(folder)
            await trio.sleep(1.1)
            # It is known while the call goes on.
            assert recordings[0].failure is not None

        nursery.start_soon(remove)
        with pytest.raises(RecordingError, match="the file was deleted"):
            await talk(scene.voice, folder / "call.wav", recordings)


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let a disk hang from when this is set."""
    hangs, is_over = threading.Event(), threading.Event()
    real = os.pwrite

    def write(descriptor: int, data: memoryview, offset: int) -> int:
        if hangs.is_set():
            is_over.wait(timeout=30)
        return real(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", write)
    yield hangs
    is_over.set()


async def test_a_disk_that_hangs(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[RecordingError | None] = []

    async def hang(file: WavFile, pcm: bytes) -> None:
        await trio.sleep_forever()

    async def talk_on(voice: Voice) -> None:
        async with voice.record(tmp_path / "call.wav") as recording:
            await voice.say(speech(1, 3.0))
            monkeypatch.setattr(WavFile, "append", hang)
            await trio.sleep(9)
            failures.append(recording.failure)
            await trio.sleep(5)
            failures.append(recording.failure)
            # What goes on is not kept.
            assert recording._tracks._said == []
            assert recording._tracks._received == {0: []}
            await voice.say(speech(2, 1.0))

    async with answered(simulator) as scene:
        with pytest.raises(RecordingError, match="the disk is too slow, or hangs"):
            await talk_on(scene.voice)
        assert [failure is not None for failure in failures] == [False, True]
        assert sounds(scene.simulated.caller.heard).endswith(speech(2, 1.0))


@pytest.mark.slow
async def test_one_that_hangs_in_the_end(
    simulator: Simulator,
    tmp_path: Path,
    hanging: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # It is real time that counts for a thread.
    monkeypatch.setattr(_disk_writer, "LAST_SECONDS", 0.1)

    async def talk_shortly(voice: Voice) -> None:
        async with voice.record(tmp_path / "call.wav"):
            await voice.say(speech(1, 1.0))
            # For a thread that hangs, time need not stand still for long.
            monkeypatch.setattr(_virtual_time, "_THREAD_SECONDS", 0.05)
            hanging.set()

    async with answered(simulator) as scene:
        with pytest.raises(RecordingError, match="the disk is too slow, or hangs"):
            await talk_shortly(scene.voice)


@pytest.mark.parametrize("name", [".", "missing/call.wav", "x" * 300])
async def test_a_path_that_cannot_be_written(
    simulator: Simulator, tmp_path: Path, name: str
) -> None:
    async with answered(simulator) as scene:
        with pytest.raises(RecordingError, match=r"^cannot record into ") as info:
            await talk(scene.voice, tmp_path / name, [])
        assert isinstance(info.value.__cause__, OSError)


async def test_a_kind_of_file_that_is_none(simulator: Simulator, tmp_path: Path) -> None:
    async with answered(simulator) as scene:
        with pytest.raises(ValueError, match=r"\.wav, \.flac, \.ogg, \.opus .* not 'call.mp3'$"):
            await talk(scene.voice, tmp_path / "call.mp3", [])
    assert os.listdir(tmp_path) == []


async def test_what_else_is_raised_comes_first(simulator: Simulator) -> None:
    async def fail(voice: Voice) -> None:
        async with voice.record("/dev/full"):
            await trio.sleep(2)
            raise LookupError("mine")

    async with answered(simulator) as scene:
        with pytest.raises(LookupError, match=r"^mine$"):
            await fail(scene.voice)
        with trio.move_on_after(2) as scope:
            async with scene.voice.record("/dev/full"):
                await trio.sleep_forever()
        assert scope.cancelled_caught


async def test_no_thread_is_to_be_had(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_thread(*args: object, **options: object) -> None:
        await trio.lowlevel.checkpoint()
        raise RuntimeError("can't start new thread")

    async def start_without_threads(voice: Voice) -> None:
        async with voice.record(tmp_path / "call.wav"):
            await voice.say(speech(1, 1.0))
            monkeypatch.setattr(trio.to_thread, "run_sync", no_thread)
            await voice.say(speech(2, 3.0))

    async with answered(simulator) as scene:
        with pytest.raises(RecordingError, match="can't start new thread"):
            await start_without_threads(scene.voice)
        with pytest.raises(RecordingError, match=r"^cannot record into .*can't start new thread"):
            await start_without_threads(scene.voice)


async def test_four_gigabytes(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "call.wav"
    monkeypatch.setattr("trio_calls.voice.recording._wav_file.MAX_AUDIO_BYTES", 200_000)
    async with answered(simulator) as scene:
        with pytest.raises(RecordingError, match="4 GiB: record long calls into several files"):
            await talk(scene.voice, path, [])
    assert 90_000 < len(channels_of(path)[0]) <= 100_000


async def test_a_file_that_was_for_others(simulator: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(b"x" * 1_000_000)
    path.chmod(0o666)
    async with answered(simulator) as scene, scene.voice.record(path):
        await trio.sleep(1)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(channels_of(path)[0]) < 100_000
