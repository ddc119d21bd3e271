"""`trio-calls simulator`, as a process: what it prints, what it shows, and how it ends."""

import signal
import socket

import pytest
import trio

from tests.support.processes import finished, running, running_simulator
from trio_calls import cli

pytestmark = pytest.mark.slow

AGENT = "examples/basic_agent.py"


async def test_it_says_what_to_export_and_prints_one_line_an_event() -> None:
    async with (
        running_simulator("--api-key", "my-key") as (simulator, variables),
        running("run", AGENT, variables=variables) as agent,
    ):
        assert variables["WSS_API_KEY"] == "my-key"
        await agent.wait_for("serving the calls of ws://127.0.0.1")
        url = variables["WSS_BASE_URL"]
        dialing = await simulator.wait_for("Ring it up with `trio-calls (dial .+)`,")
        assert dialing[1] == f"dial --url {url} --api-key my-key"
        status, printed = await finished(*dialing[1].split(), "--hang-up-after", "0.3")
        assert status == 0
        assert "1 call: 1 answered, 0 failed" in printed
        assert "seconds to answer: min 0." in printed
        await simulator.wait_for("ended after")
        events = [
            line.partition("+65 6222 0000")[2].strip()
            for line in simulator.output.splitlines()
            if "call 1" in line
        ]
        assert events[:-1] == ["offered", "claimed", "answered", "caller hung up"]
        simulator.send_signal(signal.SIGTERM)
        assert await simulator.wait_status() == 0
        assert simulator.output.splitlines()[-1] == "terminated"
        assert "\x1b" not in simulator.output


async def test_who_gets_in_is_said_by_options() -> None:
    options = ("--allow-host", "desk.example", "--allow-origin", "http://desk.example")
    async with running_simulator(*options) as (_, variables):
        port = int(variables["WSS_BASE_URL"].rpartition(":")[2])
        assert await status_of_request(port, "desk.example", "http://desk.example") == 404
        assert await status_of_request(port, "evil.example", "http://desk.example") == 421
        assert await status_of_request(port, "desk.example", "http://evil.example") == 403


async def status_of_request(port: int, host: str, origin: str) -> int:
    request = (
        f"GET / HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        await stream.send_all(request.encode())
        return int(bytes(await stream.receive_some()).split()[1])


async def test_other_rates_and_wires_are_exported_too() -> None:
    options = ("--sample-rate", "8000", "--wire", "second")
    async with running_simulator(*options) as (simulator, variables):
        assert variables["WSS_SAMPLE_RATE"] == "8000"
        assert variables["WSS_WIRE"] == "second"
        simulator.send_signal(signal.SIGINT)
        assert await simulator.wait_status() == 130
        assert simulator.output.splitlines()[-1] == "interrupted"


async def test_on_a_terminal_it_shows_the_calls_live() -> None:
    async with running("simulator", "--port", "0", terminal=True) as simulator:
        url = (await simulator.wait_for(r"WSS_BASE_URL=(\S+)\s"))[1]
        settings = {
            "WSS_API_KEY": "simulated-key",
            "WSS_CONNECTOR_UUID": "simulated-connector",
            "WSS_BASE_URL": url,
        }
        async with running("run", "examples/direct_routing.py", variables=settings) as agent:
            await agent.wait_for("serving")
            async with running(
                *("dial", "--url", url, "--callee", "answers:0", "--hang-up-after", "90"),
                *("--say", "examples/speech/caller_request.wav"),
            ) as caller:
                row = r"1 +\+65 9111 0000 → \+65 6222 0000 +CONNECTED +BARGE +▮+·* +-\d\d +·+ +·+ "
                await simulator.wait_for(row)
                await simulator.wait_for("1 call now, 0 over")
                caller.send_signal(signal.SIGINT)
                assert await caller.wait_status() == 130
                await simulator.wait_for("0 calls now, 1 over; levels in dBFS")
        simulator.send_signal(signal.SIGINT)
        assert await simulator.wait_status() == 130
        assert max(map(len, simulator.output.splitlines())) < 200


async def test_control_c_at_the_terminal_ends_it() -> None:
    async with running("simulator", "--port", "0", terminal=True) as simulator:
        await simulator.wait_for("0 calls now")
        simulator.send_signal(signal.SIGINT)
        assert await simulator.wait_status() == 130
        assert simulator.output.rstrip().endswith("interrupted")


def test_a_port_in_use_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert cli.main(["simulator", "--port", port]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"trio-calls simulator: cannot serve on 127.0.0.1 port {port}: ")
    assert "--port" in line


def test_a_host_that_does_not_exist_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["simulator", "--port", "0", "--host", "nowhere.invalid"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("trio-calls simulator: cannot serve on nowhere.invalid port 0: ")


def test_a_key_that_no_header_can_carry_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["simulator", "--port", "0", "--api-key", "schlüssel"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("trio-calls simulator: api_key")
