"""Agents that are processes of their own, and real signals to them."""

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
from trio_calls import CallState
from trio_calls.simulator import SimulatedCall, Simulator, open_simulator

# The agent is another process, which picks its transport itself.
pytestmark = [on_one_transport, pytest.mark.slow]

AGENT = """
import logging
import sys

import attrs
import trio

from trio_calls import ActiveCall, ClientConfig, serve_calls

stubborn = "stubborn" in sys.argv

async def handle_call(call: ActiveCall) -> None:
    await call.answer()
    with trio.CancelScope(shield=stubborn):
        await call.wait_disconnected()
    print("handled", flush=True)

logging.basicConfig(level=logging.INFO)
config = attrs.evolve(ClientConfig.from_env(), drain_seconds=float(sys.argv[1]))
trio.run(serve_calls, handle_call, config)
print("left", flush=True)
"""


@pytest.fixture
async def on_loopback() -> AsyncIterator[Simulator]:
    async with open_simulator(port=0) as simulator:
        yield simulator


@asynccontextmanager
async def busy_agent(
    simulator: Simulator, folder: Path, *arguments: str
) -> AsyncIterator[tuple[RunningCommand, SimulatedCall]]:
    """An agent's process, with a call in progress."""
    script = folder / "agent.py"
    script.write_text(AGENT)
    variables = settings_of(simulator.config)
    async with running(
        *arguments, variables=variables, program=(sys.executable, str(script))
    ) as agent:
        call = simulator.place_call()
        with trio.fail_after(25):
            await call.caller.wait_talking()
        yield agent, call


async def terminate(agent: RunningCommand) -> None:
    agent.send_signal(signal.SIGTERM)
    await agent.wait_for("SIGTERM: no new calls")


async def check_left_well(simulator: Simulator, call: SimulatedCall) -> None:
    with trio.fail_after(5):
        await call.wait_ended()
    assert call.agent_states == [P, A, D]
    assert simulator.violations == []


async def test_a_call_in_progress_goes_on_to_its_end(
    on_loopback: Simulator, tmp_path: Path
) -> None:
    async with busy_agent(on_loopback, tmp_path, "30") as (agent, call):
        await terminate(agent)
        unclaimed = on_loopback.place_call()
        assert call.agent_states == [P, A]
        call.caller.hang_up()
        assert await agent.wait_status() == 0
        assert agent.output.splitlines()[-2:] == ["handled", "left"]
    assert unclaimed.agent_states == [CallState.PENDING]
    await check_left_well(on_loopback, call)


async def test_a_second_signal_leaves_the_call(on_loopback: Simulator, tmp_path: Path) -> None:
    async with busy_agent(on_loopback, tmp_path, "30") as (agent, call):
        await terminate(agent)
        agent.send_signal(signal.SIGTERM)
        assert await agent.wait_status() == 0
        assert agent.output.splitlines()[-1] == "left"
    await check_left_well(on_loopback, call)


async def test_the_deadline_leaves_the_call(on_loopback: Simulator, tmp_path: Path) -> None:
    async with busy_agent(on_loopback, tmp_path, "0.2") as (agent, call):
        agent.send_signal(signal.SIGTERM)
        assert await agent.wait_status() == 0
        assert agent.output.splitlines()[-1] == "left"
    await check_left_well(on_loopback, call)


async def test_a_third_signal_ends_an_agent_that_does_not_let_go(
    on_loopback: Simulator, tmp_path: Path
) -> None:
    async with busy_agent(on_loopback, tmp_path, "30", "stubborn") as (agent, call):
        await terminate(agent)
        agent.send_signal(signal.SIGTERM)
        await agent.wait_for("SIGTERM again")
        assert call.agent_states == [P, A]
        agent.send_signal(signal.SIGTERM)
        assert await agent.wait_status() == -signal.SIGTERM
        assert agent.output.splitlines()[-1] != "left"
    await check_left_well(on_loopback, call)


async def test_a_handler_that_was_put_back_too_late_swallows_nothing() -> None:
    script = """
import signal
import trio
from trio_calls.concurrency.termination import open_termination_receiver

async def listen():
    with open_termination_receiver():
        return signal.getsignal(signal.SIGTERM)

signal.signal(signal.SIGTERM, trio.run(listen))
signal.raise_signal(signal.SIGTERM)
print("still here")
"""
    async with running(program=(sys.executable, "-c", script)) as process:
        assert await process.wait_status() == -signal.SIGTERM
        assert process.output == ""
