"""The page "Read a timeline": its program, its lines and its table."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest
import trio

from tests.docs.test_voice_pages import load
from tests.support.phone_calls import speech
from trio_calls.simulator import Simulator
from trio_calls.testing import run_agent, said
from trio_calls.voice import SpeechEnding
from trio_calls.voice.timeline.json_lines import parse_timeline, read_timeline
from trio_calls.voice.timeline.records import KNOWN_KINDS, CallOpened

pytestmark = pytest.mark.pure

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "how-to/read-a-timeline.rst").read_text(encoding="utf-8")
timeline = load("timeline")


async def place_a_call(simulator: Simulator) -> None:
    async with run_agent(timeline.handle_call, simulator):
        call = simulator.place_call()
        await call.caller.wait_talking()
        await trio.sleep(1)
        await call.caller.say(speech(1, 1.0))
        await trio.sleep(4)
        call.caller.hang_up()
        await call.wait_ended()


async def test_the_program(
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.INFO)
    await place_a_call(simulator)
    turn = timeline.slowest_turn(Path("call.jsonl"))
    assert turn["thinking"] == pytest.approx(0.4)
    assert turn["synthesis"] == pytest.approx(0.15)
    assert turn["pause"] == pytest.approx(0.7, abs=0.1)
    assert f"{turn['total']:.2f} s, 0.40 of it thinking" in caplog.text
    kinds = [record.kind for record in read_timeline(Path("call.jsonl"))]
    assert kinds == shown_kinds()


async def test_what_it_said(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with run_agent(timeline.handle_call, simulator):
        call = simulator.place_call()
        await call.caller.wait_talking()
        await call.caller.say(speech(1, 1.0))
        await trio.sleep(2.5)
        call.caller.hang_up()
        await call.wait_ended()
    (answer,) = said(call)
    assert answer.text == "Your order is on its way."
    assert answer.ending is SpeechEnding.HEARD


def shown_lines() -> list[str]:
    return re.findall(r"^   (\{.*\})$", PAGE, re.M)


def shown_kinds() -> list[str]:
    return [json.loads(line)["kind"] for line in shown_lines()]


def test_the_lines_are_a_timeline() -> None:
    records = parse_timeline("\n".join(shown_lines()).encode())
    assert isinstance(records[0], CallOpened)
    (turn,) = (json.loads(line) for line in shown_lines() if '"turn"' in line)
    assert round(sum(turn[part] for part in PARTS), 3) == turn["total"]


PARTS = ("pause", "thinking", "synthesis", "queue")


def test_the_table_has_each_kind_and_member() -> None:
    table = PAGE[PAGE.index("``kind``  ") : PAGE.index("Lines come in the order")]
    rows = re.split(r"^``(\w+)``  +|^``(\w+)`` (?=``)", table, flags=re.M)
    kinds = [name for name in rows if name in {kind.kind for kind in KNOWN_KINDS}]
    assert kinds == [
        *("call", "state", "mode", "command", "heard", "said", "paused", "resumed"),
        *("interrupted", "turn", "recording", "recording_ended", "note"),
    ]
    for kind in KNOWN_KINDS:
        text = rows[rows.index(kind.kind) + 1] or rows[rows.index(kind.kind) + 2]
        for member in kind.__attrs_attrs__:
            is_shown = f"``{member.name}``" in text or member.name == "at"
            assert is_shown or kind.kind == "resumed", (kind.kind, member.name)
