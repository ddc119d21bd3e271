"""The agent of the README that listens."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio

from tests.docs.test_readme import CHECKOUT, README
from trio_calls import ActiveCall
from trio_calls.audio import read_wav
from trio_calls.simulator import Simulator
from trio_calls.testing import hears, interrupted, run_agent, talks_over

pytestmark = pytest.mark.pure

SPEECH = CHECKOUT / "examples" / "speech"
GREETING = read_wav(SPEECH / "greeting.wav", 24_000)
REQUEST = read_wav(SPEECH / "caller_request.wav", 24_000)
THANKS = read_wav(SPEECH / "caller_thanks.wav", 24_000)


def agent_source() -> str:
    match = re.search(
        r"<!-- run as an agent by tests/docs/test_readme_voice.py -->\n```python\n(.*?)```",
        README,
        re.S,
    )
    assert match is not None
    return match[1]


@pytest.fixture
def handle_call(monkeypatch: pytest.MonkeyPatch) -> Callable[[ActiveCall], Awaitable[None]]:
    monkeypatch.chdir(CHECKOUT)
    module: dict[str, object] = {"__name__": "listening_agent_of_the_readme", "Path": Path}
    exec(compile(agent_source(), "README.md", "exec"), module)
    handler = module["handle_call"]
    assert callable(handler)
    return handler


def test_it_is_as_short_as_it_says() -> None:
    assert "in 25 lines" in README
    assert len(agent_source().splitlines()) <= 25


async def test_it_says_back_what_was_said(
    simulator: Simulator, handle_call: Callable[[ActiveCall], Awaitable[None]]
) -> None:
    async with run_agent(handle_call, simulator):
        call = simulator.place_call()
        await hears(call.caller, GREETING)
        await call.caller.say(REQUEST)
        await hears(call.caller, REQUEST)
        call.caller.hang_up()
        await call.wait_ended()


async def test_it_stops_when_the_caller_talks_over_it(
    simulator: Simulator,
    handle_call: Callable[[ActiveCall], Awaitable[None]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with run_agent(handle_call, simulator):
        call = simulator.place_call()
        await hears(call.caller, GREETING)
        await call.caller.say(REQUEST)
        with caplog.at_level(logging.WARNING):
            await talks_over(call.caller, THANKS, over=REQUEST, at=1.0)
        assert any("cut off after 1." in message for message in caplog.messages)
        interrupted(call.caller, REQUEST, at=1.2, tolerance_seconds=0.2)
        await hears(call.caller, THANKS)
        call.caller.hang_up()
        await call.wait_ended()


async def test_nobody_interrupts_the_greeting(
    simulator: Simulator, handle_call: Callable[[ActiveCall], Awaitable[None]]
) -> None:
    async with run_agent(handle_call, simulator):
        call = simulator.place_call()
        await trio.sleep(1)
        await call.caller.say(THANKS)
        await hears(call.caller, GREETING)
        await hears(call.caller, THANKS)
        call.caller.hang_up()
        await call.wait_ended()
