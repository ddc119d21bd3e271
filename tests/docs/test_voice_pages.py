"""The programs on the pages about the voice do what the pages say."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import soundfile
import trio

from tests.support.onnx_models import write_turn_model
from tests.support.phone_calls import speech
from trio_calls import ActiveCall
from trio_calls.audio import find, read_wav
from trio_calls.simulator import SimulatedCall, Simulator, answers, declines
from trio_calls.testing import hears, interrupted, never_heard, run_agent, talks_over
from trio_calls.voice import SmartTurn, Voice, open_voice

pytestmark = pytest.mark.pure

CHECKOUT = Path(__file__).resolve().parents[2]


def load(name: str) -> ModuleType:
    path = CHECKOUT / "docs" / "how-to" / "programs" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"program_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


saying, hearing = load("saying"), load("hearing")
interrupting, connecting = load("interrupting"), load("connecting")
backdrops, recording = load("backdrops"), load("recording")
GREETING = read_wav(CHECKOUT / "examples" / "speech" / "greeting.wav", 24_000)
HELLO = GREETING[: 48_000 * 9 // 10]


async def converse(
    simulator: Simulator,
    handler: Callable[[ActiveCall], Any],
    caller: Callable[[SimulatedCall], Any],
) -> SimulatedCall:
    """Let a caller talk with an agent, and hang up."""
    async with run_agent(handler, simulator):
        call = simulator.place_call()
        await call.caller.wait_talking()
        await caller(call)
        call.caller.hang_up()
        await call.wait_ended()
    return call


def with_voice(use: Callable[[Voice], Any], results: list[Any]) -> Callable[[ActiveCall], Any]:
    async def handle_call(call: ActiveCall) -> None:
        await call.answer()
        async with open_voice(call) as voice:
            results.append(await use(voice))
        await call.wait_disconnected()

    return handle_call


async def test_who_hangs_up_is_noted(
    simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    async def listen(call: SimulatedCall) -> None:
        await trio.sleep(1.0)

    await converse(simulator, saying.greet, listen)
    assert capsys.readouterr().out in {f"hung up after {tenth / 10} s\n" for tenth in (9, 10)}


async def test_a_greeting_is_heard(
    simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    async def listen(call: SimulatedCall) -> None:
        await hears(call.caller, GREETING)

    await converse(simulator, saying.greet, listen)
    assert capsys.readouterr().out == ""


async def test_the_text_is_that_which_was_heard(simulator: Simulator) -> None:
    texts: list[str] = []

    async def listen(call: SimulatedCall) -> None:
        await trio.sleep(3)

    await converse(simulator, with_voice(saying.explain, texts), listen)
    assert texts[0].startswith("First this. Then that. And")
    assert not texts[0].endswith("rest. ")


async def test_music_ends_with_the_work(simulator: Simulator) -> None:
    async def play(voice: Voice) -> None:
        work = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(saying.music_while, voice, work)
            await trio.sleep(2)
            work.set()
        await trio.sleep(2)

    async def listen(call: SimulatedCall) -> None:
        await trio.sleep(3.5)

    call = await converse(simulator, with_voice(play, []), listen)
    assert 1.9 < len(call.caller.heard.strip(b"\0")) / 48_000 < 2.05


async def test_notes_are_taken(simulator: Simulator) -> None:
    notes: list[list[str]] = []

    async def handle_call(call: ActiveCall) -> None:
        notes.append(await hearing.take_notes(call, lambda pcm: f"{len(pcm) // 2} samples"))

    async def talk(call: SimulatedCall) -> None:
        await trio.sleep(1)
        await call.caller.say(GREETING)
        await trio.sleep(1)
        call.caller.say_nowait(GREETING)
        await trio.sleep(1)

    await converse(simulator, handle_call, talk)
    first, *_, last = notes[0]
    assert first.startswith("0.")
    assert first.endswith(" samples")
    assert last == "hung up in mid-sentence"


async def test_a_recognizer_gets_frames(simulator: Simulator) -> None:
    texts: list[list[str]] = []

    async def talk(call: SimulatedCall) -> None:
        await trio.sleep(1)
        await call.caller.say(GREETING)
        await trio.sleep(1)

    await converse(simulator, with_voice(hearing.stream, texts), talk)
    (text,) = texts[0]
    frames = int(text.removesuffix(" frames"))
    spoken = len(GREETING) / 48_000
    assert spoken / 0.03 <= frames <= (0.3 + spoken + 0.7 + 0.1) / 0.03


async def test_any_function_is_a_detector(simulator: Simulator) -> None:
    async def handle_call(call: ActiveCall) -> None:
        await call.answer()
        await hearing.with_settings(call)

    async def talk(call: SimulatedCall) -> None:
        await call.caller.say(speech(1, 0.5))
        await hears(call.caller, speech(1, 0.5))

    await converse(simulator, handle_call, talk)


async def test_silero_listens_to_all_calls(simulator: Simulator) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(hearing.serve_with_silero, simulator.config)
        calls = [
            simulator.place_call(caller=number) for number in ("+65 9111 0001", "+65 9111 0002")
        ]
        for call in calls:
            await call.caller.wait_talking()
            call.caller.say_nowait(GREETING)
        for call in calls:
            await hears(call.caller, GREETING[9600:-9600])
            call.caller.hang_up()
            await call.wait_ended()
        nursery.cancel_scope.cancel()


async def test_who_has_finished_is_answered_at_once(simulator: Simulator, tmp_path: Path) -> None:
    smart_turn = SmartTurn(write_turn_model(tmp_path / "model.onnx"))

    async def handle_call(call: ActiveCall) -> None:
        await call.answer()
        await hearing.with_a_model(call, smart_turn)

    async def talk(call: SimulatedCall) -> None:
        await trio.sleep(0.5)
        await call.caller.say(HELLO)
        finished_at = trio.current_time()
        await hears(call.caller, HELLO)
        assert trio.current_time() - finished_at < 2

    await converse(simulator, handle_call, talk)


async def test_a_caller_who_does_not_wait(simulator: Simulator) -> None:
    async with run_agent(interrupting.tell, simulator):
        call = simulator.place_call()
        await talks_over(call.caller, HELLO, over=interrupting.STORY, at=2.0)
        await hears(call.caller, interrupting.QUESTION)
        interrupted(call.caller, interrupting.STORY, at=2.1, tolerance_seconds=0.2)
        call.caller.hang_up()
        await call.wait_ended()


async def test_what_must_be_heard_is(simulator: Simulator) -> None:
    async def talk(call: SimulatedCall) -> None:
        call.caller.say_nowait(HELLO)
        await hears(call.caller, interrupting.QUESTION)
        await talks_over(call.caller, GREETING, over=interrupting.STORY, at=1.0)

    call = await converse(simulator, with_voice(interrupting.must_be_heard, []), talk)
    interrupted(call.caller, interrupting.STORY, at=1.1, tolerance_seconds=0.2)


async def test_a_caller_is_put_through_with_music(simulator: Simulator) -> None:
    async with run_agent(connecting.handle_call, simulator):
        call = simulator.place_call(pickup=answers(after_seconds=12))
        await call.callee.wait_talking()
        interrupted(call.caller, connecting.MUSIC, since_seconds=7.9)
        await hears(call.callee, connecting.WHO_CALLS)
        await call.wait_agent_left()
        await call.callee.say(GREETING)
        await hears(call.caller, GREETING)
        never_heard(call.caller, connecting.WHO_CALLS)
        never_heard(call.callee, connecting.MUSIC)
        call.caller.hang_up()
        await call.wait_ended()


async def test_a_caller_whom_nobody_wants_is_told(simulator: Simulator) -> None:
    async with run_agent(connecting.handle_call, simulator):
        call = simulator.place_call(pickup=declines(after_seconds=3))
        await hears(call.caller, connecting.SORRY)
        await call.wait_ended()


async def test_nobody_hears_a_dead_line(simulator: Simulator) -> None:
    async with run_agent(backdrops.handle_call, simulator):
        call = simulator.place_call(pickup=answers(after_seconds=4))
        await hears(call.caller, backdrops.GREETING)
        await hears(call.caller, backdrops.GREETING)
        await call.callee.wait_talking()
        heard = call.caller.heard[960:]
        frames = [heard[start : start + 960] for start in range(0, len(heard) - 959, 960)]
        assert all(any(frame) for frame in frames)
        # The greeting, the thinking, the answer, and the ringing.
        assert len(frames) * 0.02 == pytest.approx(2 + 3 + 2 + 4, abs=0.3)
        call.caller.hang_up()
        await call.wait_ended()


@pytest.mark.parametrize("handler", ["handle_call", "only_recorded", "at_any_price"])
async def test_a_call_is_recorded(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, handler: str
) -> None:
    monkeypatch.setattr(recording, "CALLS", tmp_path)

    request = read_wav(CHECKOUT / "examples" / "speech" / "caller_request.wav", 24_000)[:48_000]

    async def talk(call: SimulatedCall) -> None:
        await trio.sleep(5)
        call.caller.say_nowait(request)
        await hears(call.caller, request[4800:-4800])

    await converse(simulator, getattr(recording, handler), talk)
    (name,) = os.listdir(tmp_path)
    assert name.endswith(".flac" if handler == "at_any_price" else ".wav")
    samples, _rate = soundfile.read(tmp_path / name, dtype="int16")
    left, right = (samples[:, channel].tobytes() for channel in (0, 1))
    assert find(request, left).correlation > 0.99
    assert find(request[4800:-4800], right).correlation > 0.99
    # The announcement is not there.
    assert find(GREETING, right).correlation < 0.5


async def test_who_cannot_be_recorded_is_answered(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "CALLS", tmp_path / "missing")

    async def talk(call: SimulatedCall) -> None:
        await trio.sleep(1)
        call.caller.say_nowait(HELLO)
        await hears(call.caller, HELLO)

    await converse(simulator, recording.at_any_price, talk)
