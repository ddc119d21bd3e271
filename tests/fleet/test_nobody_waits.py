"""A call takes the same time with a Redis that never answers as with none. In virtual time."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import trio

from tests.support.fleets import talk
from tests.support.phone_calls import speech
from trio_calls import ActiveCall
from trio_calls.audio import find
from trio_calls.fleet import _directory, open_directory
from trio_calls.simulator import Simulator, answers, open_simulator
from trio_calls.testing import run_agent

pytestmark = [pytest.mark.pure, pytest.mark.usefixtures("virtual_time")]

SAID = speech(21, 0.5)
NUMBER = "+6591110000"


async def put_through(call: ActiveCall) -> None:
    await call.answer()
    await call.send_audio(SAID)
    await call.connect()
    await call.whisper()
    await call.send_audio(SAID)
    await call.close()


async def story_of(simulator: Simulator) -> list[float]:
    """Play a call, and return when each of its steps was, counted from its beginning."""
    began = trio.current_time()
    call = simulator.place_call(pickup=answers(after_seconds=1))
    steps = []
    for wait in (
        call.caller.wait_talking,
        call.caller.wait_sound,
        call.callee.wait_talking,
        call.callee.wait_sound,
        call.wait_agent_left,
    ):
        await wait()
        steps.append(round(trio.current_time() - began, 3))
    assert find(SAID, call.caller.heard).correlation > 0.9
    assert find(SAID, call.callee.heard).correlation > 0.9
    call.caller.hang_up()
    await call.wait_ended()
    return steps


async def test_no_step_of_a_call_waits() -> None:
    async with open_simulator() as simulator, run_agent(put_through, simulator):
        alone = await story_of(simulator)
    # The system accepts connections here, and nobody reads them.
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    async with (
        listener,
        open_simulator() as simulator,
        run_agent(put_through, simulator) as client,
        open_directory(client, f"redis://127.0.0.1:{port}") as directory,
    ):
        assert await story_of(simulator) == alone
        assert await story_of(simulator) == alone
        assert not directory.status.is_current
        assert directory.status.outages == 1


async def test_what_nobody_has_thought_of_costs_the_view_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(redis: Any) -> None:
        raise TypeError(NUMBER)

    caplog.set_level(logging.DEBUG, "trio_calls.fleet")
    monkeypatch.setattr(_directory, "read_clock", fail)
    async with (
        open_simulator() as simulator,
        run_agent(talk, simulator) as client,
        open_directory(client, "redis://127.0.0.1:1") as directory,
    ):
        call = simulator.place_call()
        await call.caller.wait_talking()
        await trio.sleep(60)
        assert directory.status.trouble == "the directory failed: TypeError"
        call.caller.hang_up()
        await call.wait_ended()
    warnings = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert "in fail" in caplog.text
    assert NUMBER not in caplog.text
