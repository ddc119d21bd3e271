"""The page "Record a call" says what its program does."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import trio

from tests.docs.test_voice_pages import converse, load, with_voice
from tests.support.phone_calls import speech
from tests.support.recordings import channels_of
from trio_calls.simulator import SimulatedCall, Simulator
from trio_calls.testing import heard, hears, never_heard
from trio_calls.voice import RecordingError, Voice

pytestmark = pytest.mark.pure

recording = load("recording")


async def test_both_sides_are_in_the_file(
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(recording, "FOLDER", tmp_path)
    caplog.set_level(logging.INFO)

    async def talk(call: SimulatedCall) -> None:
        await hears(call.caller, recording.GREETING)
        await call.caller.say(speech(7, 1.0))
        await trio.sleep(3)

    await converse(simulator, recording.handle_call, talk)
    path = tmp_path / "call.wav"
    left, right = channels_of(path)
    heard(left, speech(7, 1.0))
    heard(right, recording.GREETING)
    never_heard(left, recording.GREETING)
    assert path.stat().st_mode & 0o777 == 0o600
    assert f"{path} has 5." in caplog.text


async def test_what_is_outside_is_not_in_it(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "FOLDER", tmp_path)

    async def talk(call: SimulatedCall) -> None:
        await hears(call.caller, recording.QUESTION)
        await call.caller.say(speech(7, 1.0))
        await trio.sleep(2)

    await converse(simulator, with_voice(recording.record_the_order, []), talk)
    _, right = channels_of(tmp_path / "order.wav")
    heard(right, recording.QUESTION)
    never_heard(right, recording.GREETING)


async def test_a_folder_that_is_missing(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "FOLDER", tmp_path / "missing")

    async def record(voice: Voice) -> None:
        with pytest.raises(RecordingError, match="missing"):
            await recording.record_the_order(voice)

    async def talk(call: SimulatedCall) -> None:
        await trio.sleep(2)

    await converse(simulator, with_voice(record, []), talk)
