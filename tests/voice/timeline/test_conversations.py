"""The whole timeline of a conversation, and of calls that end in the middle of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from tests.support.phone_calls import speech
from tests.support.voice_agents import Scene, answered, loudness
from trio_calls import ActiveCall, WSSCallClosedError, WSSCallStateError, serve_calls
from trio_calls.config import WireName
from trio_calls.simulator import Simulator, answers, declines
from trio_calls.voice import (
    Endpointing,
    EndReason,
    ReactionTime,
    SpeechEnding,
    VoiceStatistics,
    open_voice,
)
from trio_calls.voice.timeline.json_lines import read_timeline
from trio_calls.voice.timeline.records import (
    CallOpened,
    CommandEnded,
    Heard,
    Interrupted,
    ModeChanged,
    Note,
    Paused,
    Record,
    RecordingEnded,
    RecordingStarted,
    Resumed,
    Said,
    StateChanged,
    Turn,
)
from trio_calls.voice.timeline.timeline import MAX_RECORDS

HEARD, INTERRUPTED, CALL_OVER = SpeechEnding.HEARD, SpeechEnding.INTERRUPTED, SpeechEnding.CALL_OVER


async def synthesize() -> AsyncIterator[bytes]:
    await trio.sleep(0.1)
    yield speech(3, 3.0)


def said(records: list[Record]) -> list[Said]:
    return [record for record in records if isinstance(record, Said)]


async def hold_a_conversation(scene: Scene) -> None:
    caller, voice = scene.simulated.caller, scene.voice
    utterances = voice.utterances()
    began_at = trio.current_time()
    await voice.say(speech(1, 1.0), text="Hello!")
    await trio.sleep_until(began_at + 1.06)
    caller.say_nowait(speech(2, 1.0))
    await anext(utterances)
    await trio.sleep(0.25)
    with voice.until_interrupted():
        async with trio.open_nursery() as nursery:
            story = voice.speech(synthesize(), text="A long story that goes on and on.")
            nursery.start_soon(story.say)
            await trio.sleep(1)
            caller.say_nowait(speech(4, 0.1))
            await trio.sleep(1)
            caller.say_nowait(speech(5, 1.0))
    await trio.sleep(0.5)
    voice.note("puts through", to=scene.call.callee_number, ring_seconds=60)
    await scene.call.connect()
    await scene.call.whisper()
    voice.pause()
    voice.resume()
    with pytest.raises(WSSCallStateError):
        await scene.call.answer()
    caller.hang_up()
    await scene.call.wait_disconnected()


async def test_everything_is_there(simulator: Simulator, wire: WireName, tmp_path: Path) -> None:
    # That playing has ended is estimated on the first wire, and told on the second.
    heard_at = 1.06 if wire == "first" else 1.02
    path = tmp_path / "call.jsonl"
    async with answered(simulator, answers(after_seconds=1), detector=loudness) as scene:
        async with scene.voice.write_timeline(path):
            await hold_a_conversation(scene)
        statistics = scene.voice.statistics()
    opened, *records = read_timeline(path)
    assert isinstance(opened, CallOpened)
    assert opened.call_id == scene.call.call_id
    assert attrs.astuple(opened)[3:6] == ("•••", "•••", 24_000)
    assert attrs.astuple(opened)[7:] == ("ANSWERED", None, 0)
    assert records == [
        Said(heard_at, 0.0, 1.0, 1.0, 1.0, HEARD, "Hello!", False),
        Heard(2.74, 0.74, 2.04, 2.74, 0, EndReason.PAUSE),
        Turn(3.09, 2.04, 0.7, 0.25, 0.1, 0.0, 1.05),
        Paused(4.0, "sound"),
        Resumed(4.28, "sound"),
        Heard(4.78, 3.68, 4.08, 4.78, 0, EndReason.PAUSE),
        Paused(5.0, "sound"),
        Interrupted(5.48, 0),
        Said(5.48, 3.09, 5.08, 3.0, 1.76, INTERRUPTED, "A long story that", True),
        CommandEnded(5.48, "interrupt", 0.0, "done"),
        Note(5.98, "puts through", {"to": "•••", "ring_seconds": 60}),
        Heard(6.68, 4.78, 5.98, 6.68, 0, EndReason.PAUSE),
        StateChanged(6.98, "CONNECTED"),
        ModeChanged(6.98, "BARGE"),
        CommandEnded(5.98, "connect", 1.0, "done"),
        ModeChanged(6.98, "WHISPER"),
        CommandEnded(6.98, "whisper", 0.0, "done"),
        Paused(6.98, "application"),
        Resumed(6.98, "application"),
        CommandEnded(6.98, "answer", 0.0, "WSSCallStateError"),
        StateChanged(6.98, "DISCONNECTED", "CALLER"),
    ]
    assert statistics == VoiceStatistics((ReactionTime(2.04, 0.7, 0.25, 0.1, 0.0),), 0)
    assert path.stat().st_mode & 0o777 == 0o600


async def test_numbers_are_shown_to_who_asks(simulator: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    async with answered(simulator) as scene:
        scene.voice.note("before")
        async with scene.voice.write_timeline(path, show_numbers=True):
            scene.voice.note(f"from {scene.call.caller_number}")
        scene.voice.note("after")
    opened, *notes = read_timeline(path)
    assert isinstance(opened, CallOpened)
    assert opened.caller_number == scene.call.caller_number
    assert opened.callee_number == scene.call.callee_number
    assert notes == [Note(0.0, "before", {}), Note(0.0, f"from {opened.caller_number}", {})]


async def timeline_of(
    simulator: Simulator, path: Path, handler: Callable[[ActiveCall], Awaitable[None]]
) -> list[Record]:
    """Let a handler have its call from the start. It hangs up after 2 s in all. Without times."""

    async def handle_call(call: ActiveCall) -> None:
        async with open_voice(call) as voice, voice.write_timeline(path):
            await handler(call)

    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, handle_call, simulator.config)
        call = simulator.place_call(pickup=declines(after_seconds=0.5))
        with trio.move_on_after(2):
            await call.wait_ended()
        call.caller.hang_up()
        await call.wait_ended()
        nursery.cancel_scope.cancel()
    records = read_timeline(path)[1:]
    return [attrs.evolve(record, at=0.0) for record in records]


async def test_a_call_from_its_ringing_on(simulator: Simulator, tmp_path: Path) -> None:
    async def handle_call(call: ActiveCall) -> None:
        await call.answer()
        await call.close()

    assert await timeline_of(simulator, tmp_path / "call.jsonl", handle_call) == [
        StateChanged(0.0, "ANSWERED"),
        CommandEnded(0.0, "answer", 0.0, "done"),
        CommandEnded(0.0, "close", 0.0, "done"),
        StateChanged(0.0, "DISCONNECTED", "CLOSE"),
    ]


async def test_commands_that_come_to_nothing(simulator: Simulator, tmp_path: Path) -> None:
    async def handle_call(call: ActiveCall) -> None:
        with pytest.raises(Exception, match="CALL_DECLINED"):
            await call.connect()
        with trio.move_on_after(0.1):
            await call.connect()
        await trio.sleep(1)
        await call.close()

    assert await timeline_of(simulator, tmp_path / "call.jsonl", handle_call) == [
        CommandEnded(0.0, "connect", 0.5, "WSSCallCommandError CALL_DECLINED"),
        # Nobody waited for its end any longer.
        CommandEnded(0.0, "connect", 0.5, "WSSCallCommandError CALL_DECLINED"),
        CommandEnded(0.0, "close", 0.0, "done"),
        StateChanged(0.0, "DISCONNECTED", "CLOSE"),
    ]


async def test_a_call_that_is_let_ring_on(simulator: Simulator, tmp_path: Path) -> None:
    async def handle_call(call: ActiveCall) -> None:
        await call.close()
        await call.close()

    assert await timeline_of(simulator, tmp_path / "call.jsonl", handle_call) == [
        StateChanged(0.0, "DISCONNECTED", "CLOSE"),
        CommandEnded(0.0, "close", 0.0, "done"),
    ]


async def test_a_command_that_the_end_overtakes(simulator: Simulator, tmp_path: Path) -> None:
    async def handle_call(call: ActiveCall) -> None:
        await call.answer()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(leave, call)
            with pytest.raises(WSSCallClosedError):
                await call.connect()

    async def leave(call: ActiveCall) -> None:
        await trio.sleep(0.25)
        await call.disconnect()

    assert await timeline_of(simulator, tmp_path / "call.jsonl", handle_call) == [
        StateChanged(0.0, "ANSWERED"),
        CommandEnded(0.0, "answer", 0.0, "done"),
        CommandEnded(0.0, "connect", 0.25, "WSSCallClosedError"),
        CommandEnded(0.0, "disconnect", 0.0, "done"),
        StateChanged(0.0, "DISCONNECTED", "DISCONNECT"),
    ]


@pytest.mark.parametrize("frames", range(0, 30, 3))
async def test_a_hangup_at_any_frame(simulator: Simulator, tmp_path: Path, frames: int) -> None:
    path = tmp_path / "call.jsonl"
    seconds = (frames + 0.5) * 0.02
    async with (
        answered(simulator) as scene,
        scene.voice.write_timeline(path),
        trio.open_nursery() as nursery,
    ):

        @nursery.start_soon
        async def hang_up() -> None:
            await trio.sleep(seconds)
            scene.simulated.caller.hang_up()

        outcome = await scene.voice.say(speech(1, 0.5), text="one two three four five")
        await scene.call.wait_disconnected()
    records = read_timeline(path)
    (record,) = said(records)
    assert record.ending is outcome.ending
    assert record.text == outcome.heard_text
    assert record.heard_seconds == pytest.approx(outcome.heard_seconds, abs=0.0006)
    if record.start is not None:
        assert record.end - record.start == pytest.approx(record.heard_seconds, abs=0.021)
    else:
        assert record.heard_seconds == 0
    assert StateChanged(round(seconds, 3), "DISCONNECTED", "CALLER") in records


async def test_speech_that_nobody_hears(simulator: Simulator) -> None:
    async with answered(simulator) as scene:
        scene.voice.pause()
        with trio.move_on_after(1):
            await scene.voice.say(speech(1))
        scene.voice.resume()
    records = scene.voice._timeline.records[2:]
    assert records[0] == Said(1.0, None, 1.0, 1.0, 0.0, INTERRUPTED, None, False)
    assert Resumed(1.0, "application") in records


async def test_a_pause_puts_off_what_is_heard(simulator: Simulator) -> None:
    async with answered(simulator) as scene:
        scene.voice.pause()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(scene.voice.say, speech(1))
            await trio.sleep(1)
            scene.voice.resume()
    (record,) = said(scene.voice._timeline.records)
    assert record.start == pytest.approx(1.0, abs=0.01)
    assert record.end == pytest.approx(2.0, abs=0.01)


async def test_two_that_hold_it_back(simulator: Simulator) -> None:
    async with answered(simulator, detector=loudness) as scene:
        with scene.voice.until_interrupted():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(scene.voice.say, speech(1, 2.0))
                await trio.sleep(0.5)
                scene.simulated.caller.say_nowait(speech(2, 0.1))
                await trio.sleep(0.15)
                scene.voice.pause()
                await trio.sleep(0.6)
                scene.voice.resume()
    records = [
        record for record in scene.voice._timeline.records if isinstance(record, Paused | Resumed)
    ]
    assert [(type(record), round(record.at, 3), record.reason) for record in records] == [
        (Paused, 0.5, "sound"),
        (Resumed, 1.25, "application"),
    ]


async def test_an_answer_before_the_pause_is_over(simulator: Simulator) -> None:
    async with answered(simulator, detector=loudness) as scene:
        scene.voice.utterances()
        scene.simulated.caller.say_nowait(speech(2, 1.0))
        await trio.sleep(1.3)
        await scene.voice.say(speech(1, 1.0))
    (time,) = scene.voice.statistics().reaction_times
    assert time == ReactionTime(1.0, 0.3, 0.0, 0.0, 0.0)


async def test_what_is_left_in_the_end_is_no_turn(simulator: Simulator) -> None:
    async with answered(simulator, detector=loudness) as scene:
        scene.voice.utterances()
        await scene.simulated.caller.say(speech(2, 1.0))
        scene.simulated.caller.hang_up()
        await scene.call.wait_disconnected()
        await trio.sleep(1)
        await scene.voice.say(speech(1))
    reasons = [
        record.reason for record in scene.voice._timeline.records if isinstance(record, Heard)
    ]
    assert reasons == [EndReason.STREAM_OVER]
    assert scene.voice.statistics().reaction_times == ()


async def test_old_records_are_forgotten_and_counted(simulator: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    async with answered(simulator) as scene:
        for number in range(MAX_RECORDS + 5):
            scene.voice.note("", number=number)
        assert scene.voice.statistics().forgotten_records == 5
        async with scene.voice.write_timeline(path):
            for number in range(500):
                scene.voice.note("", more=number)
    opened, *records = read_timeline(path)
    assert isinstance(opened, CallOpened)
    assert opened.forgotten == 5
    details: list[Any] = [record.details for record in records if isinstance(record, Note)]
    assert details[0] == {"number": 5}
    assert details[MAX_RECORDS:] == [{"more": number} for number in range(500)]


async def test_recordings_are_noted(simulator: Simulator, tmp_path: Path) -> None:
    async with answered(simulator) as scene:
        await trio.sleep(1)
        async with scene.voice.record(tmp_path / "call.wav") as recording:
            await trio.sleep(3)
    began, ended = (
        record
        for record in scene.voice._timeline.records
        if isinstance(record, RecordingStarted | RecordingEnded)
    )
    assert isinstance(began, RecordingStarted)
    assert isinstance(ended, RecordingEnded)
    assert (began.path, ended.failure) == ("call.wav", None)
    assert began.start == pytest.approx(1, abs=0.021)
    assert ended.seconds == recording.seconds == pytest.approx(3, abs=0.021)


async def test_a_bad_note_is_refused_where_it_is_made(simulator: Simulator) -> None:
    async with answered(simulator, endpointing=Endpointing()) as scene:
        with pytest.raises(TypeError, match=r"^rows must be something"):
            scene.voice.note("asked", rows=object())
        assert len(scene.voice._timeline.records) == 1
