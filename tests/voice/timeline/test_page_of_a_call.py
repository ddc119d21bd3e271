"""From a call to a page: what was heard in it is where the page shows it."""

from pathlib import Path

import numpy as np
import pytest
import trio

from tests.support.phone_calls import speech
from tests.support.timelines import read_page, times
from tests.support.voice_agents import answered
from trio_calls.simulator import Simulator
from trio_calls.voice.timeline.json_lines import read_timeline
from trio_calls.voice.timeline.page import load_sound, story_of, write_page
from trio_calls.voice.timeline.records import Heard


async def test_a_call(simulator: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    async with answered(simulator) as scene, scene.voice.write_timeline(path):
        utterances = scene.voice.utterances()
        await scene.voice.say(speech(1, 1.0), text="Hello!")
        scene.simulated.caller.say_nowait(speech(2, 2.0))
        await anext(utterances)
        await trio.sleep(0.25)
        await scene.voice.say(speech(3, 1.0), text="Goodbye!")
        scene.voice.note("all said", to=scene.call.callee_number)
    root = read_page(write_page(path).path.read_text(encoding="utf-8"))
    hello, goodbye = root.lane("agent").every("g", "said")
    assert (hello.text, goodbye.text) == ("Hello!", "Goodbye!")
    (utterance,) = (record for record in read_timeline(path) if isinstance(record, Heard))
    drawn = times(root.lane("caller").only("g", "heard").only("rect"), root)
    assert drawn == pytest.approx((utterance.start, utterance.speech_end), abs=0.001)
    assert times(hello.only("rect"), root) == pytest.approx((0.0, 1.0), abs=0.001)
    thinking = root.lane("reaction").only("rect", "thinking")
    begins, ends = times(thinking, root)
    assert ends - begins == pytest.approx(0.25, abs=0.001)
    answered_at = times(root.lane("reaction").only("rect", "queue"), root)[1]
    assert answered_at == pytest.approx(times(goodbye.only("rect"), root)[0], abs=0.001)
    assert root.lane("notes").only("svg", "mark").text == "all said"


async def test_its_recording(simulator: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    async with (
        answered(simulator) as scene,
        scene.voice.write_timeline(path),
        scene.voice.record(tmp_path / "call.wav"),
    ):
        await trio.sleep(0.5)
        await scene.voice.say(speech(1, 1.0), text="Hello!")
        await trio.sleep(0.5)
        scene.simulated.caller.say_nowait(speech(2, 1.0))
        await trio.sleep(2)
    story = story_of(read_timeline(path))
    root = read_page(write_page(path).path.read_text(encoding="utf-8"))
    assert len(root.every("svg", "wave")) == 2
    sound = load_sound(tmp_path / "call.wav", story.recordings[0].start, path)
    middles = sound.start + sound.seconds * (np.arange(len(sound.peaks[0])) + 0.5) / len(
        sound.peaks[0]
    )
    caller, agent = (middles[peaks > 1000] for peaks in sound.peaks)
    (hello,) = story.said
    assert hello.start is not None
    # The exchange plays what it has pulled a little later than the agent may count on.
    assert agent[0] == pytest.approx(hello.start, abs=0.1)
    assert agent[-1] == pytest.approx(hello.end, abs=0.1)
    assert caller[0] > hello.end + 0.4
