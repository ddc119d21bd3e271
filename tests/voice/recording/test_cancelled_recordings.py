"""Recordings, cancelled at every moment: what was recorded until then is in the file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import trio

from tests.support.cancellation import Stage, at_every_moment
from tests.support.phone_calls import A, speech
from tests.support.recordings import channels_of
from tests.support.wires import on_both_wires
from trio_calls.voice import Recording, open_voice
from trio_calls.voice._thread_file import ThreadFile

pytestmark = [on_both_wires, pytest.mark.slow]

SPEECH = speech(1, 0.1)


@contextmanager
def work_in_place() -> Iterator[None]:
    """Let files be written without threads: those would take time of the virtual clock."""

    async def do(file: ThreadFile, work: object) -> None:
        try:
            await trio.lowlevel.checkpoint()
            file._do(work)  # type: ignore[arg-type]
            await trio.lowlevel.checkpoint()
        except BaseException:
            file.abandon()
            raise

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ThreadFile, "_in_thread", do)
        yield


@at_every_moment(max_orders=2)
async def test_what_was_recorded_is_kept(stage: Stage) -> None:
    with tempfile.TemporaryDirectory() as folder, work_in_place():
        path = Path(folder, "call.wav")
        async with stage.call() as (call, phones):
            await call.answer()
            async with open_voice(call) as voice:
                for attempt in stage.attempts():
                    with suppress(FileNotFoundError):
                        os.remove(path)
                    descriptors = len(os.listdir("/proc/self/fd"))
                    heard_before = len(phones.agent_heard)
                    phones.caller.say_nowait(speech(attempt.number, 0.5))
                    recordings: list[Recording] = []
                    with attempt.watch():
                        async with voice.record(path) as recording:
                            recordings.append(recording)
                            await voice.say(SPEECH)
                    assert len(os.listdir("/proc/self/fd")) == descriptors
                    if recordings:
                        assert recordings[0].failure is None
                        left, right = channels_of(path)
                        heard = bytes(phones.agent_heard)[heard_before:]
                        # What is said may go on where a frame is still to come.
                        assert left.rstrip(b"\0") in heard
                        assert SPEECH.startswith(right.strip(b"\0"))
                        assert recordings[0].seconds == len(left) / 48_000
                    # Nobody listens in any longer.
                    assert call._core.received.taps == call._core.writer.taps == []
                    await trio.sleep(0.2)
            assert call.state is A
