"""A disk that fails costs the timeline, and never the call."""

from __future__ import annotations

import errno
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
import trio.testing

from tests.support.cancellation import Canceller, Moment
from tests.support.phone_calls import speech
from tests.support.voice_agents import answered
from tests.support.wires import on_one_wire
from trio_calls.simulator import Simulator
from trio_calls.testing import _virtual_time
from trio_calls.voice import SpeechEnding, TimelineError, Voice, _disk_writer
from trio_calls.voice.timeline.json_lines import read_timeline
from trio_calls.voice.timeline.passing_on import PassingOn
from trio_calls.voice.timeline.records import Note
from trio_calls.voice.timeline.writing import MAX_WAITING

pytestmark = on_one_wire


def descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


def nobody_writes(voice: Voice) -> bool:
    """Return whether nobody watches but who tells those who watch the call."""
    return all(isinstance(watcher, PassingOn) for watcher in voice._timeline._watchers)


def notes_in(path: Path) -> list[str]:
    return [record.text for record in read_timeline(path) if isinstance(record, Note)]


async def test_each_line_is_there_at_once(simulator: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    async with answered(simulator) as scene, scene.voice.write_timeline(path):
        for text in ("one", "two"):
            scene.voice.note(text)
            await trio.sleep(0.02)
            assert notes_in(path)[-1] == text


async def test_a_file_of_that_name_is_replaced(simulator: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    path.write_text("x" * 10_000)
    path.chmod(0o666)
    async with answered(simulator) as scene, scene.voice.write_timeline(str(path)):
        scene.voice.note("new")
    assert notes_in(path) == ["new"]
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("others", ["timeline", "recording"])
async def test_a_file_that_is_being_written(
    simulator: Simulator, tmp_path: Path, others: str
) -> None:
    path = tmp_path / "call.wav"
    async with answered(simulator) as scene:
        voice = scene.voice
        writing = voice.write_timeline(path) if others == "timeline" else voice.record(path)
        async with writing:
            await trio.sleep(1.5)
            before = path.read_bytes()
            with pytest.raises(TimelineError, match=r"call\.wav: another call is being recorded"):
                async with voice.write_timeline(path):
                    raise AssertionError("the block is entered")
            assert path.read_bytes() == before
        async with voice.write_timeline(path):
            voice.note("its own")
    assert notes_in(path) == ["its own"]


@pytest.mark.parametrize("name", ["call\0.jsonl", "call\ud800.jsonl"])
async def test_a_name_that_no_file_can_have(
    simulator: Simulator, tmp_path: Path, name: str
) -> None:
    async with answered(simulator) as scene:
        with pytest.raises(TimelineError, match=r"^cannot write .*: ") as caught:
            async with scene.voice.write_timeline(tmp_path / name):
                raise AssertionError("the block is entered")
        assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("name", [".", "missing/call.jsonl", "x" * 300])
async def test_a_path_that_cannot_be_written(
    simulator: Simulator, tmp_path: Path, name: str
) -> None:
    async with answered(simulator) as scene:
        before = descriptors()
        with pytest.raises(TimelineError, match=r"^cannot write .*: ") as caught:
            async with scene.voice.write_timeline(tmp_path / name):
                raise AssertionError("the block is entered")
        assert isinstance(caught.value.__cause__, OSError)
        assert descriptors() == before


async def test_a_full_disk(simulator: Simulator, caplog: pytest.LogCaptureFixture) -> None:
    async def talk(voice: Voice) -> None:
        async with voice.write_timeline("/dev/full"):
            assert (await voice.say(speech(1, 1.0))).ending is SpeechEnding.HEARD
            voice.note("more")
            await trio.sleep(1)

    async with answered(simulator) as scene:
        before = descriptors()
        full = r"^cannot write /dev/full any further: No space left on device$"
        with pytest.raises(TimelineError, match=full) as caught:
            await talk(scene.voice)
        assert isinstance(caught.value.__cause__, OSError)
        assert descriptors() == before
        assert nobody_writes(scene.voice)
    (logged,) = [record for record in caplog.records if record.name == "trio_calls.timeline"]
    assert logged.levelno == logging.ERROR
    assert logged.getMessage().endswith("/dev/full: No space left on device")


async def test_a_disk_that_goes_away(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "call.jsonl"

    def vanish(descriptor: int, data: memoryview) -> int:
        raise OSError(errno.EIO, "Input/output error")

    async def talk(voice: Voice) -> None:
        async with voice.write_timeline(path):
            voice.note("before")
            await trio.sleep(0.02)
            monkeypatch.setattr(os, "write", vanish)
            voice.note("after")
            await voice.say(speech(1))

    async with answered(simulator) as scene:
        with pytest.raises(TimelineError, match=r"any further: Input/output error$"):
            await talk(scene.voice)
    assert notes_in(path) == ["before"]


async def test_what_else_is_raised_comes_first(simulator: Simulator) -> None:
    async def fail(voice: Voice) -> None:
        async with voice.write_timeline("/dev/full"):
            await trio.sleep(1)
            raise LookupError("mine")

    async with answered(simulator) as scene:
        with pytest.raises(LookupError, match=r"^mine$"):
            await fail(scene.voice)
        with trio.move_on_after(1) as scope:
            async with scene.voice.write_timeline("/dev/full"):
                await trio.sleep_forever()
        assert scope.cancelled_caught


async def test_no_thread_is_to_be_had(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_thread(*args: object, **options: object) -> None:
        await trio.lowlevel.checkpoint()
        raise RuntimeError("can't start new thread")

    async def talk(voice: Voice) -> None:
        async with voice.write_timeline(tmp_path / "call.jsonl"):
            monkeypatch.setattr(trio.to_thread, "run_sync", no_thread)
            voice.note("more")
            await trio.sleep(0.1)
            assert nobody_writes(voice)

    async with answered(simulator) as scene:
        with pytest.raises(TimelineError, match=r"can't start new thread$"):
            await talk(scene.voice)
        with pytest.raises(TimelineError, match=r"can't start new thread$"):
            async with scene.voice.write_timeline(tmp_path / "call.jsonl"):
                pass


@pytest.fixture
def hanging_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let nothing be written until this is set. In the end it is."""
    is_back = threading.Event()
    write = os.write

    def hang(descriptor: int, data: memoryview) -> int:
        is_back.wait()
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", hang)
    yield is_back
    is_back.set()


async def wait_closed(before: set[str]) -> None:
    """Wait until a thread that was left to itself has closed its file."""
    for _ in range(1000):
        if descriptors() == before:
            return
        await trio.to_thread.run_sync(threading.Event().wait, 0.005)
    raise AssertionError("a file is left open")


async def test_thousands_of_notes_at_once(simulator: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    async with answered(simulator) as scene, scene.voice.write_timeline(path):
        for number in range(5000):
            scene.voice.note(f"{number}")
    assert notes_in(path) == [f"{number}" for number in range(5000)]


async def test_a_disk_that_hangs_in_the_call(
    simulator: Simulator, tmp_path: Path, hanging_disk: threading.Event
) -> None:
    async def take_notes(voice: Voice) -> None:
        async with voice.write_timeline(tmp_path / "call.jsonl"):
            await trio.testing.wait_all_tasks_blocked()
            for number in range(MAX_WAITING + 1):
                assert not nobody_writes(voice), number
                voice.note("")
            await trio.testing.wait_all_tasks_blocked()
            assert nobody_writes(voice)

    async with answered(simulator) as scene:
        before = descriptors()
        with pytest.raises(TimelineError, match=rf"more than {MAX_WAITING} records wait: the disk"):
            await take_notes(scene.voice)
        hanging_disk.set()
        await wait_closed(before)


@pytest.mark.usefixtures("hanging_disk")
async def test_a_disk_that_hangs_in_the_end(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It is real time that counts for a thread. For one that hangs, the other stands still for less.
    monkeypatch.setattr(_disk_writer, "LAST_SECONDS", 0.1)
    monkeypatch.setattr(_virtual_time, "_THREAD_SECONDS", 0.05)
    async with answered(simulator) as scene:
        with pytest.raises(TimelineError, match=r"any further: the disk is too slow$"):
            async with scene.voice.write_timeline(tmp_path / "call.jsonl"):
                pass


async def test_time_that_jumps_makes_no_disk_slow(
    autojump_clock: trio.testing.MockClock,
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "call.jsonl"
    has_jumped = threading.Event()
    write = os.write

    def write_later(descriptor: int, data: memoryview) -> int:
        assert has_jumped.wait(timeout=30)
        return write(descriptor, data)

    del autojump_clock  # Its time goes on while a thread works.
    monkeypatch.setattr(os, "write", write_later)
    async with answered(simulator) as scene, trio.open_nursery() as nursery:

        @nursery.start_soon
        async def let_it_jump() -> None:
            await trio.sleep(10)
            has_jumped.set()

        async with scene.voice.write_timeline(path):
            scene.voice.note("the last")
    assert notes_in(path) == ["the last"]


async def test_a_disk_that_hangs_at_the_start(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_back = threading.Event()
    open_file = os.open

    def hang(*args: object) -> int:
        is_back.wait()
        return open_file(*args)  # type: ignore[arg-type]

    async with answered(simulator) as scene, trio.open_nursery() as nursery:
        before = descriptors()
        with monkeypatch.context() as patch, trio.CancelScope() as scope:
            patch.setattr(os, "open", hang)

            @nursery.start_soon
            async def give_up() -> None:
                await trio.testing.wait_all_tasks_blocked()
                scope.cancel()

            async with scene.voice.write_timeline(tmp_path / "call.jsonl"):
                raise AssertionError("the block is entered")
        assert scope.cancelled_caught
        is_back.set()
        await wait_closed(before)


@pytest.mark.slow
async def test_cancelled_at_every_moment(simulator: Simulator, tmp_path: Path) -> None:
    """What has happened until then is in the file, to the last line."""
    async with answered(simulator) as scene:
        before = descriptors()
        for number in range(1000):
            # A thread that has not begun to open the one before may still come.
            path = tmp_path / f"{number}.jsonl"
            attempt = Canceller(Moment.CHECKPOINT, number)
            noted = None
            with attempt.watch():
                async with scene.voice.write_timeline(path):
                    for text in ("one", "two", "three"):
                        noted = f"{number} {text}"
                        scene.voice.note(noted)
                        await scene.voice.say(speech(1, 0.02))
            if noted is not None:
                assert path.read_bytes().endswith(b"\n")
                assert notes_in(path)[-1] == noted
            await wait_closed(before)
            assert nobody_writes(scene.voice)
            if not attempt.has_struck:
                return
        raise AssertionError("it does not come to an end")


async def test_a_voice_that_is_closed_writes_none(simulator: Simulator, tmp_path: Path) -> None:
    async with answered(simulator) as scene:
        voice = scene.voice
    with pytest.raises(RuntimeError, match=r"was closed"):
        voice.write_timeline(tmp_path / "call.jsonl")


KILLED = """
import sys, trio
from trio_calls import serve_calls
from trio_calls.simulator import open_simulator
from trio_calls.voice import open_voice

async def handle_call(call):
    await call.answer()
    async with open_voice(call) as voice, voice.write_timeline(sys.argv[1]):
        for number in range(10**9):
            voice.note("x" * (number % 1000), number=number)
            await trio.sleep(0.0001)

async def main():
    async with open_simulator() as simulator, trio.open_nursery() as nursery:
        await nursery.start(serve_calls, handle_call, simulator.config)
        simulator.place_call()

trio.run(main)
"""


@pytest.mark.slow
@pytest.mark.pure
def test_a_killed_process_leaves_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    with subprocess.Popen([sys.executable, "-c", KILLED, str(path)]) as process:
        while not path.exists() or path.stat().st_size < 100_000:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert path.read_bytes().endswith(b"}\n")
    assert len(notes_in(path)) > 100
