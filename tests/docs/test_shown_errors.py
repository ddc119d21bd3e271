"""Errors and warnings that pages show read as those that people get."""

import ast
import inspect
import re
import traceback
from pathlib import Path

import attrs
import pytest
import trio

from examples import front_desk
from trio_calls import (
    ActiveCall,
    WSSAuthenticationError,
    WSSCallStateError,
    open_call_client,
    serve_calls,
)
from trio_calls.concurrency import watchdog
from trio_calls.simulator import Simulator
from trio_calls.testing import WavLoader, hears, run_agent

pytestmark = pytest.mark.pure

DOCS = Path(__file__).resolve().parents[2] / "docs"

#: Numbers, levels and paths differ from run to run.
VARYING = ((r"-?\d+(\.\d+)?", "0"), (r"█+", "█"), (r"/\S+", "/"), (r" +", " "))


def shown_in(page: str) -> list[str]:
    """List the blocks of text that a page shows, without their indentation."""
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = re.findall(r"code-block:: (?:text|none)\n\n((?: {3}.*\n|\n)+)", text)
    return [re.sub(r"^ {3}", "", block.rstrip(), flags=re.M) for block in blocks]


def in_one_line(text: str) -> str:
    return " ".join(text.split())


def shape(line: str) -> str:
    for pattern, replacement in VARYING:
        line = re.sub(pattern, replacement, line)
    return line.strip()


async def test_a_command_that_the_state_does_not_allow(simulator: Simulator) -> None:
    refusals = []

    async def handle_call(call: ActiveCall) -> None:
        await call.answer()
        with pytest.raises(WSSCallStateError) as caught:
            await call.whisper()
        refusals.append(str(caught.value))

    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, handle_call, simulator.config)
        await simulator.place_call().wait_ended()
        nursery.cancel_scope.cancel()
    shown = in_one_line(shown_in("tutorials/first-agent.rst")[0])
    assert refusals == [shown]


async def test_a_key_that_is_wrong(simulator: Simulator) -> None:
    config = attrs.evolve(simulator.config, api_key="another-key")
    with pytest.raises(WSSAuthenticationError) as caught:
        async with open_call_client(config):
            raise AssertionError("the simulator has taken a wrong key")
    before, _, after = in_one_line(shown_in("tutorials/first-agent.rst")[1]).partition("…")
    message = "".join(traceback.format_exception_only(caught.value)).strip()
    assert message.startswith(before)
    assert message.endswith(after)


async def test_speech_that_was_not_heard(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(front_desk.handle_call, simulator):
        call = simulator.place_call()
        await hears(call.caller, wav("greeting.wav"), within_seconds=5)
        # Nobody asks for anything, so nobody is put on hold.
        with pytest.raises(AssertionError) as caught:
            await hears(call.caller, wav("please_hold.wav"), within_seconds=5)
        call.caller.hang_up()
    report = {shape(line) for line in str(caught.value).splitlines()}
    shown = [
        shape(line[1:].replace("AssertionError: ", ""))
        for line in shown_in("how-to/test-your-agent.rst")[0].splitlines()
        if line.startswith("E ")
    ]
    assert len(shown) > 5
    assert [line for line in shown if line not in report] == []


def test_a_blocked_event_loop() -> None:
    (template,) = (
        call.args[0].value
        for call in ast.walk(ast.parse(inspect.getsource(watchdog)))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "warning"
        and isinstance(call.args[0], ast.Constant)
        and "is at" in str(call.args[0].value)
    )
    shown = in_one_line(shown_in("how-to/debugging.rst")[0])
    match = re.search(r"Task (trio_calls: session \S+) is at", shown)
    assert match is not None
    message = in_one_line(str(template) % (0.5, match[1], "…"))
    assert shown.startswith(f"WARNING {watchdog.logger.name}: {message}")
