"""Names of recordings that no file can have, or that mean another file later."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import soundfile

from tests.support.phone_calls import speech
from tests.support.voice_agents import answered
from tests.support.wires import on_one_wire
from trio_calls.simulator import Simulator
from trio_calls.voice import RecordingError

pytestmark = on_one_wire


@pytest.mark.parametrize("name", ["call\0.wav", "call\ud800.wav", "call\0.flac"])
async def test_a_name_that_no_file_can_have(
    simulator: Simulator, tmp_path: Path, name: str
) -> None:
    async with answered(simulator) as scene:
        with pytest.raises(RecordingError, match=r"^cannot record into ") as caught:
            async with scene.voice.record(tmp_path / name):
                raise AssertionError("the block is entered")
        assert isinstance(caught.value.__cause__, ValueError)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["call.wav", "call.flac", "call.opus"])
async def test_the_current_directory_changes(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    async with answered(simulator) as scene, scene.voice.record(name):
        await scene.voice.say(speech(1, 1.0))
        monkeypatch.chdir(tmp_path / "elsewhere")
    assert set(os.listdir(tmp_path)) == {name, "elsewhere"}
    assert os.listdir(tmp_path / "elsewhere") == []
    assert soundfile.info(tmp_path / name).frames > 24_000
