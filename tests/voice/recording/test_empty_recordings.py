"""A recording of a call in which there is no audio."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import soundfile
import trio

from tests.support.voice_agents import answered
from tests.support.wires import on_one_wire
from trio_calls.simulator import Simulator

pytestmark = on_one_wire


@pytest.mark.parametrize("name", ["call.wav", "call.flac", "call.opus"])
async def test_nothing_was_heard_or_said(simulator: Simulator, tmp_path: Path, name: str) -> None:
    async with answered(simulator) as scene:
        scene.simulated.caller.hang_up()
        await scene.call.wait_disconnected()
        async with scene.voice.record(tmp_path / name) as recording:
            await trio.sleep(1)
        assert recording.seconds == 0
    assert os.listdir(tmp_path) == [name]
    # It opens all the same. What is compressed has a sample of silence.
    assert soundfile.info(tmp_path / name).channels == 2
    assert not soundfile.read(tmp_path / name, dtype="int16")[0].any()
