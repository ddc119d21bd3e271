"""Answer, understand, put through."""

import json
import wave
from pathlib import Path
from typing import Any

import pytest
import trio

from examples import receptionist
from examples.offline.workshop import AGAIN, WHAT
from examples.receptionist import GREETING, NOBODY, ONE_MOMENT
from trio_calls import CallState
from trio_calls.simulator import PhoneState, Simulator, answers, declines
from trio_calls.testing import (
    Speech,
    WavLoader,
    hears,
    interrupted,
    never_heard,
    run_agent,
    talks_over,
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(receptionist, "FOLDER", tmp_path / "calls")
    return tmp_path / "calls"


def spoken(text: str) -> Speech:
    """What the receptionist says, as it is heard."""
    sentences = receptionist.synthesizer.sentences(text)
    pcm = b"".join(receptionist.synthesizer.pcm(sentence) for sentence in sentences)
    return Speech(pcm, text, 24_000)


def read_files(folder: Path) -> tuple[float, list[dict[str, Any]]]:
    """How long the recording of the only call is, and what its timeline says."""
    (recording,) = folder.glob("*.wav")
    with wave.open(str(recording)) as opened:
        seconds = opened.getnframes() / opened.getframerate()
    timeline = recording.with_suffix(".jsonl").read_text(encoding="utf-8")
    return seconds, [json.loads(line) for line in timeline.splitlines()]


async def test_a_caller_is_put_through(simulator: Simulator, wav: WavLoader) -> None:
    whisper = spoken("Ada is calling, about a repair.")
    async with run_agent(receptionist.handle_call, simulator):
        call = simulator.place_call(pickup=answers(after_seconds=3))
        await hears(call.caller, spoken(GREETING), within_seconds=15)
        await call.caller.say(wav("ada_repair.wav"))
        await hears(call.caller, spoken(ONE_MOMENT), within_seconds=5)
        await hears(call.callee, whisper, within_seconds=10)

        await call.wait_agent_left()
        await call.callee.say(wav("bicycle_is_ready.wav"))
        await hears(call.caller, wav("bicycle_is_ready.wav"), within_seconds=5)
        await call.caller.say(wav("thank_you.wav"))
        await hears(call.callee, wav("thank_you.wav"), within_seconds=5)
        assert call.caller.state is PhoneState.TALKING
    never_heard(call.caller, whisper)
    never_heard(call.caller, spoken(AGAIN))
    never_heard(call.callee, spoken(ONE_MOMENT))
    assert call.agent_states == [
        CallState.PENDING,
        CallState.ANSWERED,
        CallState.CONNECTED,
        CallState.DISCONNECTED,
    ]


async def test_the_greeting_can_be_interrupted(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(receptionist.handle_call, simulator):
        call = simulator.place_call()
        greeting = spoken(GREETING)
        await talks_over(call.caller, wav("alan_invoice.wav"), over=greeting, at=2.0)
        await hears(call.caller, spoken(ONE_MOMENT), within_seconds=5)
        interrupted(call.caller, greeting, at=2.5, tolerance_seconds=0.4)
        await hears(call.callee, spoken("Alan is calling, about an invoice."))


async def test_it_asks_again(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(receptionist.handle_call, simulator):
        call = simulator.place_call()
        await hears(call.caller, spoken(GREETING), within_seconds=15)
        await call.caller.say(wav("lovely_day.wav"))
        await hears(call.caller, spoken(AGAIN))
        await call.caller.say(wav("ada_repair.wav"))
        await hears(call.callee, spoken("Ada is calling, about a repair."), within_seconds=15)


async def test_it_asks_for_what_is_missing(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(receptionist.handle_call, simulator):
        call = simulator.place_call()
        await hears(call.caller, spoken(GREETING), within_seconds=15)
        await call.caller.say(wav("my_name_is_grace.wav"))
        await hears(call.caller, spoken(WHAT))
        await call.caller.say(wav("about_a_rental.wav"))
        await hears(call.callee, spoken("Grace is calling, about a rental."), within_seconds=15)
    never_heard(call.caller, spoken(AGAIN))


async def test_a_silent_caller_is_put_through(simulator: Simulator) -> None:
    async with run_agent(receptionist.handle_call, simulator):
        call = simulator.place_call()
        for question in (GREETING, AGAIN, AGAIN):
            await hears(call.caller, spoken(question), within_seconds=18)
        whisper = spoken("Somebody is calling, about something else.")
        await hears(call.callee, whisper, within_seconds=20)


async def test_each_caller_is_put_through_to_whom_they_called(
    simulator: Simulator, wav: WavLoader
) -> None:
    async with run_agent(receptionist.handle_call, simulator):
        ada, alan = simulator.place_call(), simulator.place_call()
        await hears(ada.caller, spoken(GREETING), within_seconds=15)
        ada.caller.say_nowait(wav("ada_repair.wav"))
        alan.caller.say_nowait(wav("alan_invoice.wav"))
        await hears(ada.callee, spoken("Ada is calling, about a repair."), within_seconds=15)
        await hears(alan.callee, spoken("Alan is calling, about an invoice."), within_seconds=15)


async def test_nobody_is_free(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(receptionist.handle_call, simulator):
        call = simulator.place_call(pickup=declines(after_seconds=3))
        await talks_over(call.caller, wav("ada_repair.wav"), over=spoken(GREETING), at=1.0)
        await hears(call.caller, spoken(NOBODY), within_seconds=15)
        await call.wait_ended()
    assert CallState.CONNECTED not in call.agent_states


async def test_who_hangs_up_is_forgotten(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(receptionist.handle_call, simulator):
        call = simulator.place_call()
        await call.caller.wait_talking()
        await trio.sleep(1)
        call.caller.say_nowait(wav("ada_repair.wav"))
        await trio.sleep(2)
        call.caller.hang_up()
        await call.wait_ended()
    assert CallState.CONNECTED not in call.agent_states


async def test_a_recording_and_a_timeline_are_left(
    simulator: Simulator, wav: WavLoader, folder: Path
) -> None:
    async with run_agent(receptionist.handle_call, simulator):
        call = simulator.place_call(pickup=answers(after_seconds=3))
        await talks_over(call.caller, wav("ada_repair.wav"), over=spoken(GREETING), at=1.0)
        await call.wait_agent_left()
        call.caller.hang_up()
    seconds, records = read_files(folder)
    kinds = [record["kind"] for record in records]
    assert {"interrupted", "heard", "turn", "recording"} <= set(kinds)
    assert abs(records[-1]["at"] - seconds) < 1
    said = [record["text"].strip() for record in records if record["kind"] == "said"]
    assert GREETING.startswith(said[0])
    assert said[1:] == [ONE_MOMENT, "Ada is calling, about a repair."]
    understood = [record["details"] for record in records if record["kind"] == "note"]
    assert understood == [{"text": "hello this is ada it is about a repair"}]
