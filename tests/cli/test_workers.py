"""`trio-calls run --workers`: processes that share the calls, and who looks after them.

`wait_status` waits for the end of the output. All processes share it: then none is left.
"""

import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.agent_files import agent_file
from tests.support.processes import RunningCommand, finished, running, settings_of
from trio_calls.cli import main
from trio_calls.simulator import SimulatedCall, Simulator, open_simulator

# It says who it is, and stays in the call until the caller hangs up.
AGENT = """
import os

async def handle_call(call):
    await call.answer()
    print(f"{call.call_id} is served by {os.getpid()}", flush=True)
    await call.wait_disconnected()
"""

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="workers inherit a descriptor"),
    pytest.mark.slow,
]


class Workers:
    """Two workers that serve."""

    def __init__(self, command: RunningCommand, simulator: Simulator) -> None:
        self.command = command
        self.simulator = simulator

    async def wait_process(self, number: int, generation: int = 1) -> int:
        """Wait until a worker serves, the first or one that replaces it: its process."""
        begun = rf"worker {number} is process (\d+)"
        serves = rf"worker {number}: serving the calls"
        await self.command.wait_for(rf"(?s)({serves}.*){{{generation}}}")
        return int(re.findall(begun, self.command.output)[generation - 1])

    async def serve_call(self) -> tuple[SimulatedCall, int]:
        """Place a call, and say which process serves it."""
        call = self.simulator.place_call()
        served = await self.command.wait_for(rf"{call.call_id} is served by (\d+)")
        return call, int(served[1])


@asynccontextmanager
async def running_workers(folder: Path, *options: str) -> AsyncIterator[Workers]:
    async with open_simulator(port=0) as simulator:
        arguments = ("run", agent_file(folder, AGENT), "--workers", "2", *options)
        async with running(*arguments, variables=settings_of(simulator.config)) as command:
            workers = Workers(command, simulator)
            await workers.wait_process(1)
            await workers.wait_process(2)
            yield workers


async def test_each_call_is_served_by_one_worker(tmp_path: Path) -> None:
    async with running_workers(tmp_path) as workers:
        processes = [await workers.wait_process(1), await workers.wait_process(2)]
        for one, other in (processes, processes[::-1]):
            os.kill(other, signal.SIGSTOP)
            _, process = await workers.serve_call()
            assert process == one
            os.kill(other, signal.SIGCONT)
        calls = [workers.simulator.place_call() for _ in range(20)]
        for call in calls:
            await workers.command.wait_for(f"{call.call_id} is served by")
            call.caller.hang_up()
            await call.wait_ended()
        output = workers.command.output
        assert [output.count(f"{call.call_id} is served by") for call in calls] == [1] * 20
        assert "could not be claimed" not in output


async def test_a_killed_worker_is_replaced_and_other_calls_go_on(tmp_path: Path) -> None:
    async with running_workers(tmp_path) as workers:
        call, process = await workers.serve_call()
        victim = 2 if process == await workers.wait_process(1) else 1
        os.kill(await workers.wait_process(victim), signal.SIGKILL)
        await workers.command.wait_for(f"worker {victim} was ended by SIGKILL; another starts in")
        replacement = await workers.wait_process(victim, generation=2)
        assert not call.ended
        os.kill(process, signal.SIGSTOP)
        _, served_by = await workers.serve_call()
        assert served_by == replacement
        os.kill(process, signal.SIGCONT)


@pytest.mark.skipif(sys.platform != "linux", reason="there are no such signals here")
async def test_a_worker_ended_by_a_nameless_signal_is_replaced(tmp_path: Path) -> None:
    async with running_workers(tmp_path) as workers:
        os.kill(await workers.wait_process(2), 40)
        await workers.command.wait_for("worker 2 was ended by signal 40; another starts in")
        await workers.wait_process(2, generation=2)


async def test_workers_serve_and_drain_when_nobody_reads_their_output(tmp_path: Path) -> None:
    async with running_workers(tmp_path) as workers:
        victim = await workers.wait_process(2)
        await workers.command.stop_reading()
        os.kill(victim, signal.SIGKILL)
        calls = [workers.simulator.place_call() for _ in range(4)]
        for call in calls:
            await call.caller.wait_talking()
        workers.command.send_signal(signal.SIGTERM)
        for call in calls:
            assert not call.ended
            call.caller.hang_up()
        assert await workers.command.wait_status() == 0


async def test_sigterm_drains_every_worker(tmp_path: Path) -> None:
    async with running_workers(tmp_path) as workers:
        call, process = await workers.serve_call()
        # To the workers as well, as systemd does: it counts once.
        os.kill(process, signal.SIGTERM)
        workers.command.send_signal(signal.SIGTERM)
        await workers.command.wait_for(r"(?s)(worker \d: terminating.*){2}")
        await workers.command.wait_for("worker .: all calls are over")
        assert not call.ended
        call.caller.hang_up()
        assert await workers.command.wait_status() == 0
        assert workers.command.output.count("all calls are over") == 2
        assert "another starts" not in workers.command.output


async def test_a_second_sigterm_ends_the_calls(tmp_path: Path) -> None:
    async with running_workers(tmp_path) as workers:
        call, _ = await workers.serve_call()
        workers.command.send_signal(signal.SIGTERM)
        await workers.command.wait_for("1 in progress may go on for 25 s")
        workers.command.send_signal(signal.SIGTERM)
        await call.wait_ended()
        assert await workers.command.wait_status() == 143
        assert "killed" not in workers.command.output


async def test_control_c_in_a_terminal_ends_the_calls(tmp_path: Path) -> None:
    async with running_workers(tmp_path) as workers:
        call, process = await workers.serve_call()
        # A terminal sends it to all processes at once.
        os.kill(process, signal.SIGINT)
        workers.command.send_signal(signal.SIGINT)
        await call.wait_ended()
        assert await workers.command.wait_status() == 130
        assert "killed" not in workers.command.output


async def test_a_worker_that_hangs_does_not_outlive_the_others(tmp_path: Path) -> None:
    async with running_workers(tmp_path) as workers:
        os.kill(await workers.wait_process(1), signal.SIGSTOP)
        workers.command.send_signal(signal.SIGTERM)
        await workers.command.wait_for("worker 2: all calls are over")
        workers.command.send_signal(signal.SIGTERM)
        await workers.command.wait_for("^terminated|\nterminated")
        workers.command.send_signal(signal.SIGTERM)
        assert await workers.command.wait_status() == 143
        assert "worker 1 has not ended in time, and is killed" in workers.command.output


@pytest.mark.skipif(sys.platform != "linux", reason="pipes do not keep writes apart here")
async def test_no_other_process_can_break_a_written_line(
    tmp_path: Path,
) -> None:
    # As most images of containers have it: Python then writes each bit at once.
    unbuffered = {"PYTHONUNBUFFERED": "1"}
    agent = agent_file(tmp_path, "async def handle_call(call): await call.wait_disconnected()")
    async with (
        open_simulator(port=0) as simulator,
        running(
            *("run", agent, "--workers", "2"),
            variables={**settings_of(simulator.config), **unbuffered},
            writes_apart=True,
        ) as command,
    ):
        await command.wait_for("(?s)(serving the calls.*){2}")
        simulator.place_call()
        await command.wait_for("call from")
        command.send_signal(signal.SIGTERM)
        await command.wait_for("1 in progress")
        command.send_signal(signal.SIGINT)
        assert await command.wait_status() == 130
    assert "interrupted\n" in command.output
    assert [piece for piece in command.pieces if not piece.endswith(b"\n")] == []


async def test_workers_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    async with running_workers(tmp_path) as workers:
        call, _ = await workers.serve_call()
        workers.command.send_signal(signal.SIGKILL)
        await workers.command.wait_for(r"(?s)(worker \d: terminating.*){2}")
        assert not call.ended
        call.caller.hang_up()
        assert await workers.command.wait_status() == -signal.SIGKILL
        assert workers.command.output.count("all calls are over") == 2


async def test_a_wrong_key_ends_it_with_one_sentence(tmp_path: Path) -> None:
    agent = agent_file(tmp_path, AGENT)
    async with open_simulator(port=0) as simulator:
        variables = {**settings_of(simulator.config), "WSS_API_KEY": "the-wrong-one"}
        alone = await finished("run", agent, variables=variables)
        status, printed = await finished("run", agent, "--workers", "3", variables=variables)
    (line,) = [line for line in printed.splitlines() if "is process" not in line]
    assert (status, [line]) == (alone[0], alone[1].splitlines())
    assert printed.count("is process") == 1


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--workers", "0"), "Invalid value for '--workers'"),
        (("--workers", "2", "--simulate"), "--simulate rings one worker, once"),
    ],
)
def test_workers_that_make_no_sense(
    options: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "examples/goodbye.py", *options]) == 2
    assert complaint in capsys.readouterr().err
