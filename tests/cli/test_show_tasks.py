"""The tree of tasks, for whoever asks with SIGUSR1, or by a key in the live view."""

from __future__ import annotations

import os
import pty
import signal
import termios
from pathlib import Path

import pytest
import trio
import trio.testing

from tests.support.processes import finished, running, running_simulator
from trio_calls.cli.keys import obey_keys

pytest.importorskip("stackscope")
pytestmark = pytest.mark.slow

AGENT = """
import trio


async def handle_call(call):
    await call.answer()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen, call)


async def listen(call):
    print("listening", flush=True)
    async for chunk in call.audio_stream():
        pass
"""


async def test_a_signal_shows_the_tree_and_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text(AGENT, encoding="utf-8")
    agent_file = str(tmp_path / "agent.py")
    async with (
        running_simulator() as (_, variables),
        running("run", "--show-tasks", agent_file, variables=variables) as agent,
    ):
        await agent.wait_for("serving the calls")
        url = variables["WSS_BASE_URL"]
        async with running("dial", "--url", url, "--hang-up-after", "90"):
            await agent.wait_for("listening")
            agent.send_signal(signal.SIGUSR1)
            await agent.wait_for(r"the tasks of process \d+:")
            await agent.wait_for(
                r"trio_calls: session [-\w]+: waits for its children\n"
                r"(.*\n)+.* nursery\n.* listen: async for chunk in call.audio_stream\(\)\n"
            )
            agent.send_signal(signal.SIGUSR1)
            await agent.wait_for(r"(?s)the tasks of process \d+:.*the tasks of process \d+:")
        agent.send_signal(signal.SIGINT)
        assert await agent.wait_status() == 130


async def test_workers_show_their_own() -> None:
    arguments = ("--show-tasks", "--workers", "2", "examples/goodbye.py")
    async with (
        running_simulator() as (_, variables),
        running("run", *arguments, variables=variables) as agent,
    ):
        await agent.wait_for("worker 2: serving")
        process = int((await agent.wait_for(r"worker 1 is process (\d+)"))[1])
        os.kill(process, signal.SIGUSR1)
        await agent.wait_for(rf"the tasks of process {process}:\n")
        agent.send_signal(signal.SIGUSR1)
        await agent.wait_for(r"(?s)the tasks of process.*the tasks of process.*Supervisor")
        agent.send_signal(signal.SIGINT)
        await agent.wait_status()


async def test_what_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nsys.modules['stackscope'] = None\n", encoding="utf-8"
    )
    status, printed = await finished(
        "run", "--show-tasks", "examples/goodbye.py", variables={"PYTHONPATH": str(tmp_path)}
    )
    assert status == 1
    assert "needs stackscope: pip install 'trio-calls[tasks]'" in printed


async def test_a_key_shows_the_tasks_of_the_simulator() -> None:
    async with running("simulator", "--port", "0", terminal=True) as simulator:
        await simulator.wait_for("0 calls now, 0 over; levels in dBFS; t: tasks")
        await simulator.press("xt")
        await simulator.wait_for(r"serve_listeners(?s:.*)t: calls")
        shown = len(simulator.output)
        await simulator.press("t")
        await simulator.wait_for(rf"(?s)^.{{{shown}}}.*t: tasks")
        simulator.send_signal(signal.SIGINT)
        await simulator.wait_status()


async def test_a_terminal_is_left_as_it_was() -> None:
    ours, its = pty.openpty()
    before = termios.tcgetattr(its)
    keys: list[str] = []
    has_both = trio.Event()

    def obey(key: str) -> None:
        keys.append(key)
        if len(keys) > 1:
            has_both.set()

    with os.fdopen(ours, "wb", buffering=0) as keyboard, os.fdopen(its) as terminal:
        with pytest.MonkeyPatch.context() as patches:
            patches.setattr("sys.stdin", terminal)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(obey_keys, obey)
                await trio.testing.wait_all_tasks_blocked()
                keyboard.write("té".encode())
                with trio.fail_after(10):
                    await has_both.wait()
                nursery.cancel_scope.cancel()
        assert termios.tcgetattr(its) == before
    assert keys == ["t", "é"]
