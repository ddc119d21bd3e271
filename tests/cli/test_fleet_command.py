"""`trio-calls fleet`: what it prints of the calls of all workers, and what it has them do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import trio

from tests.support.agent_files import agent_file
from tests.support.fleets import CALLEE, CALLER, Worker, confer, has_call, open_worker, view_once
from tests.support.phone_calls import speech
from tests.support.processes import running, settings_of
from tests.support.redis_server import RedisServer, open_redis_server
from tests.support.wires import on_the_second_wire
from trio_calls import AgentMode, CallState, cli
from trio_calls.audio import write_wav
from trio_calls.cli.fleet import _line_of, _lines_of
from trio_calls.config import WireName
from trio_calls.fleet import CallEntry, CallEvent, CallEventKind, Fleet, FleetView, WorkerEntry
from trio_calls.simulator import open_simulator

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "fleet.rst").read_text("utf-8")

AGENT = """
async def handle_call(call):
    await call.answer()
    await call.wait_disconnected()
"""


def worker_entry(worker_id: str, **settings: object) -> WorkerEntry:
    settings = {
        "seconds": 90.0,
        "silent_seconds": 1.0,
        "capacity": None,
        "is_draining": False,
        "is_connected": True,
        "is_whole": True,
        **settings,
    }
    return WorkerEntry(worker_id=worker_id, **settings)  # type: ignore[arg-type]


def call_entry(
    call_id: str, state: CallState, mode: AgentMode | None, seconds: float, **numbers: str
) -> CallEntry:
    return CallEntry(
        call_id=call_id,
        worker_id="web1-5b0e7a1c",
        state=state,
        mode=mode,
        seconds=seconds,
        state_seconds=seconds,
        sample_rate=24000,
        **numbers,
    )


VIEW = FleetView(
    workers=(
        worker_entry("web1-5b0e7a1c", capacity=100),
        worker_entry("web2-c94d2f60", is_draining=True),
    ),
    calls=(
        call_entry("db30e350-2eb8-4832-b937", CallState.CONNECTED, AgentMode.BARGE, 3725.0),
        call_entry("0f3c9d1e-77aa-4c0b-8d55", CallState.ANSWERED, None, 12.4),
    ),
)
EVENTS = (
    (CallEventKind.OPENED, 0.0, CallState.PENDING, None, ""),
    (CallEventKind.STATE, 0.048, CallState.ANSWERED, None, ""),
    (
        CallEventKind.FAILED,
        22.31,
        CallState.ANSWERED,
        None,
        "call.connect: CALL_UNANSWERED",
    ),
    (CallEventKind.STATE, 41.302, CallState.CONNECTED, AgentMode.BARGE, ""),
    (CallEventKind.MODE, 41.302, CallState.CONNECTED, AgentMode.BARGE, ""),
    (CallEventKind.MODE, 55.017, CallState.CONNECTED, AgentMode.WHISPER, ""),
    (CallEventKind.ENDED, 192.55, CallState.DISCONNECTED, None, "the caller hung up"),
)


def events_as_printed() -> list[str]:
    return [
        _line_of(
            CallEvent(
                kind=kind, number=number, seconds=seconds, state=state, mode=mode, detail=detail
            )
        )
        for number, (kind, seconds, state, mode, detail) in enumerate(EVENTS)
    ]


def shown_after(command: str) -> list[str]:
    """Return what the page shows under a command."""
    block = PAGE.partition(f"   $ trio-calls fleet {command}")[2].partition("\n")[2]
    lines = []
    for line in block.splitlines():
        if not line.startswith("   ") or line.startswith("   $"):
            break
        lines.append(line.removeprefix("   "))
    return lines


def test_the_page_shows_what_is_printed_of_calls() -> None:
    assert shown_after("calls") == list(_lines_of(VIEW))


def test_the_page_shows_what_is_printed_of_events() -> None:
    assert shown_after("events") == events_as_printed()


def test_what_is_wrong_with_a_worker_is_said() -> None:
    troubled = worker_entry("a", is_connected=False, is_whole=False, silent_seconds=75.0)
    assert list(_lines_of(FleetView((troubled,), (), 2))) == [
        "a: 0 calls, not connected to the exchange, Redis is full: not all is listed, "
        "silent for 1:15",
        "(2 entries make no sense)",
    ]
    assert list(_lines_of(FleetView((), ()))) == ["no worker tells of its calls"]


def test_numbers_are_printed_where_they_are_told() -> None:
    call = call_entry("a", CallState.PENDING, None, 1.0, caller_number="+65 9111 0000")
    view = FleetView((worker_entry("web1-5b0e7a1c"),), (call,))
    first, second = _lines_of(view)
    assert first == "web1-5b0e7a1c: 1 call"
    assert second.endswith("0:01  +65 9111 0000 -> ?")


def test_where_redis_is_has_to_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fleet", "calls"]) == 2
    assert "Set WSS_REDIS_URL, or use --redis" in capsys.readouterr().err


def test_an_address_that_is_none_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fleet", "--redis", "http://:secret@host", "calls"]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("trio-calls fleet calls: the address of Redis is none")
    assert "secret" not in printed


@pytest.fixture
def no_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    # Also afterwards: the option is remembered there, for workers.
    monkeypatch.setenv("WSS_REDIS_URL", "")


pytestmark = pytest.mark.usefixtures("no_redis")


async def run(worker: Worker, server: RedisServer, *arguments: str) -> int:
    """Run the command in a thread, with a loop of its own."""
    command = ["fleet", "--redis", server.url, *arguments]
    return await trio.to_thread.run_sync(cli.main, command, abandon_on_cancel=True)


@pytest.mark.slow
async def test_the_commands(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with (
        open_redis_server() as server,
        open_worker(server, confer, show_numbers=True) as worker,
    ):
        call = worker.place_call()
        await worker.entry_once("CONNECTED")
        assert await run(worker, server, "calls") == 0
        assert f"{CALLER} -> {CALLEE}" in capfd.readouterr().out
        assert await run(worker, server, "calls", "--json") == 0
        (listed,) = json.loads(capfd.readouterr().out)["calls"]
        assert (listed["call_id"], listed["state"]) == (call.call_id, "CONNECTED")
        write_wav(tmp_path / "a.wav", speech(1, 0.2), 24000)
        assert await run(worker, server, "whisper", call.call_id, str(tmp_path / "a.wav")) == 0
        assert capfd.readouterr().out == "the callee has heard it\n"
        assert await run(worker, server, "close", call.call_id) == 0
        assert capfd.readouterr().out == "the agent has left\n"
        assert await run(worker, server, "events", call.call_id) == 0
        assert capfd.readouterr().out.splitlines()[-1].endswith("the agent closed it")
        assert await run(worker, server, "close", call.call_id) == 1
        said = capfd.readouterr().err
        assert said == "trio-calls fleet close: no worker of the fleet has such a call\n"
        worker_id = worker.directory.worker_id
        assert await run(worker, server, "drain", worker_id) == 0
        assert capfd.readouterr().out == f"{worker_id} takes no more calls; 0 in progress\n"


@pytest.mark.slow
@on_the_second_wire  # the directory is written in the same way on either
async def test_a_program_is_in_the_fleet_until_it_is_drained(
    tmp_path: Path, wire: WireName
) -> None:
    async with open_redis_server() as server, open_simulator(port=0, wire=wire) as simulator:
        fleet = Fleet(server.url)
        variables = {**settings_of(simulator.config), "WSS_REDIS_URL": server.url}
        arguments = ("run", agent_file(tmp_path, AGENT), "--show-numbers")
        async with running(*arguments, variables=variables) as command:
            worker_id = (await command.wait_for(r"in the fleet this is (\S+)\n"))[1]
            await command.wait_for("serving the calls")
            call = simulator.place_call(caller=CALLER)
            view = await view_once(fleet, has_call("ANSWERED"))
            assert view.calls[0].caller_number == CALLER
            assert await fleet.drain(worker_id) == 1
            await command.wait_for("terminating: no new calls; 1 in progress")
            call.caller.hang_up()
            assert await command.wait_status() == 0
        assert (await fleet.view()).workers == ()


def test_a_rehearsal_is_in_no_fleet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    agent = agent_file(tmp_path, AGENT)
    assert cli.main(["run", agent, "--simulate", "--fleet", "redis://127.0.0.1"]) == 2
    assert "leave --fleet out" in capsys.readouterr().err


def test_a_worker_is_told_what_is_wrong_with_an_address(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["run", agent_file(tmp_path, AGENT), "--fleet", "redis://:a/b@host"]) == 1
    assert "the address of Redis is none" in capsys.readouterr().err
