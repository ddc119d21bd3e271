"""`trio-calls run --monitor`: what is served of one process, and of several as one."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path

import pytest

from tests.support.agent_files import agent_file
from tests.support.peers.web import fetch
from tests.support.processes import finished, settings_of
from tests.support.watched_agents import AGENT, watched
from trio_calls.cli import main
from trio_calls.simulator import open_simulator

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="workers inherit a descriptor"),
    pytest.mark.slow,
]


async def test_one_process(tmp_path: Path) -> None:
    async with watched(tmp_path, "--show-numbers") as agent:
        call = agent.simulator.place_call()
        await call.caller.wait_talking()
        samples = await agent.metrics()
        assert samples["trio_calls_offers_claimed_total"] == 1
        assert samples["trio_calls_workers"] == 1
        (listed,) = json.loads(await fetch(f"{agent.url}/calls"))
        assert listed["caller_number"] == "+65 9111 0000"
        assert await fetch(f"{agent.url}/readyz") == "ready\n"
        agent.command.send_signal(signal.SIGTERM)
        await agent.command.wait_for("terminating")
        # It is watched until it is gone.
        assert (await agent.metrics())["trio_calls_draining_workers"] == 1
        call.caller.hang_up()
        assert await agent.command.wait_status() == 0


async def test_two_workers_one_of_which_dies(tmp_path: Path) -> None:
    async with watched(tmp_path, "--workers", "2") as agent:
        calls = [agent.simulator.place_call() for _ in range(6)]
        for call in calls:
            await call.caller.wait_talking()
        samples = await agent.wait_workers(2)
        assert samples["trio_calls_connected_workers"] == 2
        assert samples['trio_calls_calls{state="answered"}'] == 6
        assert samples["trio_calls_offers_claimed_total"] == 6
        listed = json.loads(await fetch(f"{agent.url}/calls"))
        assert {one["call_id"] for one in listed} == {call.call_id for call in calls}
        assert {one["worker"] for one in listed} <= {1, 2}
        assert {one["caller_number"] for one in listed} == {"***"}

        process = int((await agent.command.wait_for(r"worker 2 is process (\d+)"))[1])
        os.kill(process, signal.SIGKILL)
        await agent.command.wait_for("(?s)worker 2: serving.*worker 2: serving")
        samples = await agent.wait_workers(2)
        assert samples["trio_calls_offers_claimed_total"] >= 6
        left = [one for one in listed if one["worker"] == 1]
        assert samples['trio_calls_calls{state="answered"}'] >= len(left)
        calls.append(agent.simulator.place_call())
        await calls[-1].caller.wait_talking()

        agent.command.send_signal(signal.SIGTERM)
        await agent.command.wait_for(r"(?s)(worker \d: terminating.*){2}")
        assert (await agent.metrics())["trio_calls_draining_workers"] >= 1
        for call in calls:
            if not call.ended:
                call.caller.hang_up()
        assert await agent.command.wait_status() == 0


@pytest.mark.parametrize("options", [[], ["--workers", "2"]])
async def test_a_port_in_use_is_one_sentence(tmp_path: Path, options: list[str]) -> None:
    agent = agent_file(tmp_path, AGENT)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        async with open_simulator(port=0) as simulator:
            status, printed = await finished(
                *("run", agent, "--monitor", address, *options),
                variables=settings_of(simulator.config),
            )
    assert status == 1
    sentence = f"trio-calls run: cannot serve the monitor on {address}: "
    (last, *_) = reversed(printed.splitlines())
    assert last.startswith(sentence)
    assert "in use" in last


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--monitor", "9090"], "'9090' is no host and port, such as 127.0.0.1:9090"),
        (["--monitor", "127.0.0.1:0", "--simulate"], "leave --monitor out"),
        (["--show-numbers"], "--show-numbers goes with --monitor"),
    ],
)
def test_what_makes_no_sense(
    options: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", agent_file(tmp_path, AGENT), *options]) == 2
    assert complaint in capsys.readouterr().err


def test_a_missing_extra_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trio_calls.telemetry._monitor._EXTRA", ("no_such_module",))
    arguments = ["run", agent_file(tmp_path, AGENT), "--monitor", "127.0.0.1:0"]
    assert main(arguments) == 1
    assert capsys.readouterr().err == (
        "trio-calls run: a monitor needs no_such_module, which is not installed: "
        "install the extra 'monitor' of trio-calls\n"
    )
