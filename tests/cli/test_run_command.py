"""`trio-calls run`: finding the handler, serving, and ending."""

import signal

import pytest
import trio
import trio.testing

from tests.support.peers.tab import open_tab_by_socket
from tests.support.processes import finished, running, running_simulator
from trio_calls import ActiveCall, CallState
from trio_calls.call.scope import CallHandler
from trio_calls.cli.find_handler import Handlers
from trio_calls.cli.run import _Program
from trio_calls.simulator import Simulator, open_simulator

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({}, "WSS_API_KEY is not set"),
        (
            {
                "WSS_API_KEY": "simulated-key",
                "WSS_CONNECTOR_UUID": "uuid",
                "WSS_BASE_URL": "ws://127.0.0.1:1",
            },
            "no connection to 127.0.0.1:1",
        ),
    ],
)
async def test_settings_that_do_not_work(variables: dict[str, str], complaint: str) -> None:
    status, printed = await finished("run", "examples/goodbye.py", variables=variables)
    assert status == 1
    (line,) = printed.splitlines()
    assert line.startswith("trio-calls run: ")
    assert complaint in line


async def test_sigterm_lets_a_call_finish() -> None:
    async with (
        running_simulator() as (simulator, variables),
        running("run", "examples/basic_agent.py", variables=variables) as agent,
        running("dial", "--url", variables["WSS_BASE_URL"], "--hang-up-after", "90") as caller,
    ):
        await simulator.wait_for("answered")
        agent.send_signal(signal.SIGTERM)
        await agent.wait_for("terminating: no new calls; 1 in progress may go on for 25 s")
        caller.send_signal(signal.SIGINT)
        assert await agent.wait_status() == 0
        assert agent.output.rstrip().endswith("all calls are over")


async def test_control_c_ends_calls_at_once() -> None:
    async with (
        running_simulator() as (simulator, variables),
        running("run", "examples/basic_agent.py", variables=variables) as agent,
        running("dial", "--url", variables["WSS_BASE_URL"]) as caller,
    ):
        await agent.wait_for("call from")
        agent.send_signal(signal.SIGINT)
        assert await agent.wait_status() == 130
        await simulator.wait_for("ended after")
        await caller.wait_status()


async def test_messages_are_answered() -> None:
    async with (
        running_simulator("--phone", "--no-open") as (simulator, variables),
        running("run", "examples/answer_messages.py", variables=variables) as agent,
    ):
        await agent.wait_for("serving the messages of")
        page = await simulator.wait_for(r"(http://127\.0\.0\.1:\d+/\?token=[\w-]{22})")
        async with open_tab_by_socket(page[1]) as tab:
            tab.send("write", text="Are you open?")
            answer = await tab.wait("message", **{"from": "agent"})
    assert "from 9 to 5" in answer["text"]


class Ends:
    """Signals that a test sends itself."""

    def __init__(self) -> None:
        self.send, self.stream = trio.open_memory_channel[int](10)


async def end_program(
    simulator: Simulator, handler: CallHandler, ends: Ends, drain_seconds: float = 30
) -> int:
    """Serve as `trio-calls run` does, and return the exit status."""
    program = _Program(simulator.config, Handlers(handler))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(program.serve)
        status = await program.wait_end(ends.stream, drain_seconds)
        nursery.cancel_scope.cancel()
    return status


async def stay(call: ActiveCall) -> None:
    await call.connect()
    await call.wait_disconnected()


async def connect(call: ActiveCall) -> None:
    await call.connect()


async def test_draining_waits_for_handlers_and_takes_no_new_calls(
    autojump_clock: trio.testing.MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    ends, statuses = Ends(), []
    async with open_simulator() as simulator, trio.open_nursery() as nursery:

        @nursery.start_soon
        async def serve() -> None:
            statuses.append(await end_program(simulator, stay, ends))

        await trio.sleep(1)
        call = simulator.place_call()
        await call.callee.wait_talking()
        ends.send.send_nowait(signal.SIGTERM)
        await trio.sleep(1)
        late = simulator.place_call()
        await trio.sleep(10)
        assert statuses == []
        assert call.agent_states[-1] is CallState.CONNECTED
        assert late.agent_states == [CallState.PENDING]
        call.caller.hang_up()
        await trio.sleep(1)
        assert statuses == [0]
        late.caller.hang_up()
        with pytest.raises(Exception, match="before an agent claimed"):
            await late.wait_claimed()
    assert "all calls are over" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("number", "status", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
async def test_a_second_signal_ends_the_calls(
    number: int,
    status: int,
    word: str,
    autojump_clock: trio.testing.MockClock,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ends = Ends()
    async with open_simulator() as simulator, trio.open_nursery() as nursery:

        @nursery.start_soon
        async def hurry() -> None:
            await trio.sleep(1)
            call = simulator.place_call()
            await call.callee.wait_talking()
            ends.send.send_nowait(signal.SIGTERM)
            await trio.sleep(1)
            ends.send.send_nowait(number)
            await call.wait_agent_left()
            assert not call.ended

        assert await end_program(simulator, stay, ends) == status
    assert word in capsys.readouterr().err


async def test_draining_has_a_bound(
    autojump_clock: trio.testing.MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    ends = Ends()
    async with open_simulator() as simulator, trio.open_nursery() as nursery:

        @nursery.start_soon
        async def ask_to_end() -> None:
            await trio.sleep(1)
            await simulator.place_call().callee.wait_talking()
            ends.send.send_nowait(signal.SIGTERM)

        assert await end_program(simulator, stay, ends, drain_seconds=5) == 0
        assert trio.current_time() == pytest.approx(1 + 2 + 5, abs=0.1)
    assert "1 call was not over in time" in capsys.readouterr().out


async def test_draining_leaves_a_conference_without_a_handler(
    autojump_clock: trio.testing.MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    ends = Ends()
    async with open_simulator() as simulator, trio.open_nursery() as nursery:

        @nursery.start_soon
        async def ask_to_end() -> None:
            await trio.sleep(1)
            call = simulator.place_call()
            await call.callee.wait_talking()
            await trio.sleep(10)
            assert call.agent_states[-1] is CallState.CONNECTED
            ends.send.send_nowait(signal.SIGTERM)
            await call.wait_agent_left()
            assert not call.ended

        assert await end_program(simulator, connect, ends) == 0
        assert trio.current_time() == pytest.approx(1 + 2 + 10, abs=0.1)
    assert "all calls are over" in capsys.readouterr().out


async def test_a_signal_before_the_connection_stands(
    autojump_clock: trio.testing.MockClock,
) -> None:
    ends = Ends()
    ends.send.send_nowait(signal.SIGTERM)
    async with open_simulator() as simulator:
        assert await end_program(simulator, stay, ends) == 143
