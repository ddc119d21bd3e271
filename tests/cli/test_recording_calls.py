"""`trio-calls dial --record`: what is in the file, however the call and the command end."""

import resource
import signal
import subprocess
import sys
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.agent_files import agent_file
from tests.support.processes import RunningCommand, finished, running, running_simulator
from trio_calls.audio import level_dbfs, noise, read_wav
from trio_calls.cli import recorder as recorder_module
from trio_calls.cli.dial import _record_paths
from trio_calls.cli.recorder import open_recorder

AUDIO = noise(1, 8000, 1)


def read(path: Path) -> tuple[int, bytes]:
    """Read a file as a program does that takes lengths at their word: rate, and audio."""
    with wave.open(str(path), "rb") as reader:
        return reader.getframerate(), reader.readframes(reader.getnframes())


def test_a_recording_is_what_was_added(tmp_path: Path) -> None:
    with open_recorder(tmp_path / "heard.wav") as recorder:
        recorder.begin(8000)
        recorder.add(AUDIO[:1000])
        recorder.add(AUDIO[1000:])
    assert read(tmp_path / "heard.wav") == (8000, AUDIO)
    size = (tmp_path / "heard.wav").stat().st_size
    assert int.from_bytes((tmp_path / "heard.wav").read_bytes()[4:8], "little") == size - 8
    assert recorder.fault is None


def test_a_recording_can_be_read_while_it_goes_on(tmp_path: Path) -> None:
    with open_recorder(tmp_path / "heard.wav") as recorder:
        recorder.begin(8000)
        recorder.add(AUDIO)
        # As after the process was killed.
        assert read_wav(tmp_path / "heard.wav", 8000) == AUDIO


def test_a_call_that_was_not_placed_leaves_no_other_calls_audio(tmp_path: Path) -> None:
    (tmp_path / "heard.wav").write_bytes(b"of the call before")
    with open_recorder(tmp_path / "heard.wav") as recorder:
        pass
    assert (tmp_path / "heard.wav").read_bytes() == b""
    assert recorder.fault is None


def test_a_pipe_keeps_the_open_length() -> None:
    command = [sys.executable, "-c", RECORD_INTO_A_PIPE]
    written = subprocess.run(command, check=True, capture_output=True).stdout
    assert written[40:44] == b"\xff\xff\xff\xff"
    assert len(written) == 44 + 3200


RECORD_INTO_A_PIPE = """
from pathlib import Path
from trio_calls.cli.recorder import open_recorder

with open_recorder(Path("/dev/stdout")) as recorder:
    recorder.begin(16000)
    recorder.add(bytes(3200))
assert recorder.fault is None, recorder.fault
"""


@pytest.fixture
def small_disk() -> Iterator[int]:
    """Let no file become larger than so many bytes, which is an odd number."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4097, limits[1]))
    yield 4097
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_keeps_what_was_heard_before(tmp_path: Path, small_disk: int) -> None:
    with open_recorder(tmp_path / "heard.wav") as recorder:
        recorder.begin(8000)
        for start in range(0, len(AUDIO), 1000):
            recorder.add(AUDIO[start : start + 1000])
    assert recorder.fault == f"cannot write {tmp_path / 'heard.wav'}: File too large"
    kept = (small_disk - 44) // 2 * 2
    assert read(tmp_path / "heard.wav") == (8000, AUDIO[:kept])


def test_a_disk_that_is_full_from_the_first_is_a_fault() -> None:
    with open_recorder(Path("/dev/full")) as recorder:
        recorder.begin(8000)
        recorder.add(AUDIO)
    assert recorder.fault == "cannot write /dev/full: No space left on device"


def test_a_file_that_cannot_be_opened_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "heard-2.wav").mkdir()
    with open_recorder(tmp_path / "heard-2.wav") as recorder:
        recorder.begin(8000)
        recorder.add(AUDIO)
    assert recorder.fault == f"cannot write {tmp_path / 'heard-2.wav'}: Is a directory"


def test_more_than_a_header_can_tell_keeps_the_open_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "OPEN_LENGTH", 100)
    with open_recorder(tmp_path / "heard.wav") as recorder:
        recorder.begin(8000)
        recorder.add(AUDIO)
    assert (tmp_path / "heard.wav").read_bytes()[40:44] == b"\xff" * 4


def test_nothing_is_recorded_where_nobody_asks() -> None:
    with open_recorder(None) as recorder:
        recorder.begin(8000)
        recorder.add(AUDIO)
    assert recorder.fault is None


def test_the_files_of_several_calls_are_numbered() -> None:
    assert _record_paths(Path("a/heard.wav"), 2) == [Path("a/heard-1.wav"), Path("a/heard-2.wav")]
    assert _record_paths(Path("a/heard.wav"), 1) == [Path("a/heard.wav")]
    assert _record_paths(None, 2) == [None, None]


HISS = """
from trio_calls.audio import noise

async def handle_call(call):
    await call.answer()
    await call.send_audio(noise(1, 24000, 1))
    await call.wait_audio_sent()
    print("hissed", flush=True)
    await call.wait_disconnected()
"""


@asynccontextmanager
async def hissing_agent(folder: Path) -> AsyncIterator[tuple[RunningCommand, list[str]]]:
    """Run a simulator and an agent that hisses; yield the agent, and how to dial it."""
    async with (
        running_simulator() as (_, variables),
        running("run", agent_file(folder, HISS), variables=variables) as agent,
    ):
        await agent.wait_for("serving")
        yield agent, ["dial", "--url", variables["WSS_BASE_URL"]]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_signal_keeps_what_was_heard(
    number: signal.Signals, status: int, tmp_path: Path
) -> None:
    heard = tmp_path / "heard.wav"
    async with (
        hissing_agent(tmp_path) as (agent, dial),
        running(*dial, "--record", str(heard)) as caller,
    ):
        await agent.wait_for("hissed")
        caller.send_signal(number)
        assert await caller.wait_status() == status
    rate, audio = read(heard)
    assert rate == 24000
    assert len(audio) > 24000
    assert level_dbfs(audio[9600:24000]) > -40


@pytest.mark.slow
async def test_a_full_disk_is_told_after_the_summary(tmp_path: Path) -> None:
    options = ("--calls", "2", "--hang-up-after", "1")
    async with hissing_agent(tmp_path) as (_, dial):
        (tmp_path / "heard-1.wav").symlink_to("/dev/full")
        status, printed = await finished(*dial, *options, "--record", str(tmp_path / "heard.wav"))
    assert status == 1
    lines = printed.splitlines()
    assert lines[0] == "2 calls: 2 answered, 0 failed"
    assert lines[-1] == (
        f"trio-calls dial: cannot write {tmp_path / 'heard-1.wav'}: No space left on device; "
        "what was recorded before is kept"
    )
    assert level_dbfs(read(tmp_path / "heard-2.wav")[1]) > -40


@pytest.mark.slow
async def test_nobody_takes_the_call(tmp_path: Path) -> None:
    (tmp_path / "heard.wav").write_bytes(b"of the call before")
    options = ("--record", str(tmp_path / "heard.wav"), "--ring-for", "0.5")
    async with running_simulator() as (_, variables):
        status, printed = await finished("dial", "--url", variables["WSS_BASE_URL"], *options)
    assert status == 1
    assert printed.splitlines()[-1].startswith("✗ call 1: no agent took it")
    assert read(tmp_path / "heard.wav") == (24000, b"")
