"""A process that is killed leaves recordings that play."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.processes import environment
from tests.support.recordings import channels_of

pytestmark = [pytest.mark.pure, pytest.mark.slow]

AGENT = """
import os, sys, trio
from trio_calls import serve_calls
from trio_calls.audio import noise
from trio_calls.simulator import open_simulator
from trio_calls.voice import open_voice

os.umask(0)

async def handle_call(call):
    await call.answer()
    async with open_voice(call) as voice, voice.record(sys.argv[1]):
        print("recording", flush=True)
        await voice.say(noise(60, 24000, 1, amplitude=0.2))

async def main():
    async with open_simulator() as simulator, trio.open_nursery() as nursery:
        await nursery.start(serve_calls, handle_call, simulator.config)
        await simulator.place_call().wait_ended()

trio.run(main)
"""


#: Of both sides, in bytes.
SECOND = 96_000


def wait_for_size(path: Path, size: int, deadline: float) -> None:
    while path.stat().st_size < size and time.monotonic() < deadline:
        time.sleep(0.05)


@pytest.mark.parametrize("name", ["call.wav", "call.flac"])
def test_what_was_written_until_then_plays(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    wav = path if path.suffix == ".wav" else tmp_path / "call.flac.wav"
    command = [sys.executable, "-c", AGENT, str(path)]
    with subprocess.Popen(command, env=environment({}), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"recording\n"
        deadline = time.monotonic() + 60
        wait_for_size(wav, 2 * SECOND, deadline)
        # The header counts what was there before the next piece is written.
        wait_for_size(wav, wav.stat().st_size + 1, deadline)
        process.send_signal(signal.SIGKILL)
    assert wav.stat().st_mode & 0o777 == 0o600
    left, right = channels_of(wav)
    # What is being written just then may be missing.
    assert len(left) + len(right) >= SECOND
    assert len(left) == len(right)
    assert any(right)
