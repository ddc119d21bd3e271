"""Agents as whole programs: how they end, and with which status."""

import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from tests.support.phone_calls import A, D, P
from tests.support.processes import RunningCommand, running, settings_of
from tests.support.transports import on_one_transport
from trio_calls.simulator import SimulatedCall, Simulator, open_simulator

# The agent is another process, which picks its transport itself.
pytestmark = [on_one_transport, pytest.mark.slow]

AGENT = """
import sys
import trio
from trio_calls import ActiveCall, ClientConfig, run, serve_calls

async def handle_call(call: ActiveCall) -> None:
    await call.answer()
    if sys.argv[1] == "exit":
        sys.exit(3)
    await call.wait_disconnected()

if sys.argv[1] == "serve":
    try:
        trio.run(serve_calls, handle_call, ClientConfig.from_env())
    except KeyboardInterrupt:
        sys.exit("plainly")
run(handle_call)
print("returned")
"""


@asynccontextmanager
async def agent_in_a_call(
    folder: Path, how: str
) -> AsyncIterator[tuple[RunningCommand, SimulatedCall, Simulator]]:
    script = folder / "agent.py"
    script.write_text(AGENT)
    async with open_simulator(port=0) as simulator:
        variables = settings_of(simulator.config)
        program = (sys.executable, str(script))
        async with running(how, variables=variables, program=program) as agent:
            call = simulator.place_call()
            with trio.fail_after(25):
                await call.caller.wait_talking()
            yield agent, call, simulator
            with trio.fail_after(5):
                await call.wait_ended()
            assert call.agent_states == [P, A, D]
            assert simulator.violations == []


async def test_control_c_is_one_line_and_status_130(tmp_path: Path) -> None:
    async with agent_in_a_call(tmp_path, "wait") as (agent, *_):
        agent.send_signal(signal.SIGINT)
        assert await agent.wait_status() == 130
        assert agent.output.splitlines() == ["interrupted: every call was left"]


async def test_sigterm_drains_and_returns(tmp_path: Path) -> None:
    async with agent_in_a_call(tmp_path, "wait") as (agent, call, _):
        agent.send_signal(signal.SIGTERM)
        call.caller.hang_up()
        assert await agent.wait_status() == 0
        assert agent.output.splitlines() == ["returned"]


async def test_a_handler_may_exit_with_a_status(tmp_path: Path) -> None:
    async with agent_in_a_call(tmp_path, "exit") as (agent, *_):
        assert await agent.wait_status() == 3
        assert agent.output == ""


async def test_control_c_is_no_group_without_run_either(tmp_path: Path) -> None:
    async with agent_in_a_call(tmp_path, "serve") as (agent, *_):
        agent.send_signal(signal.SIGINT)
        assert await agent.wait_status() == 1
        assert agent.output.splitlines() == ["plainly"]
