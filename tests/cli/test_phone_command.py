"""`trio-calls phone`, as a process and in this one: where it serves, and how it ends."""

from __future__ import annotations

import importlib.util
import signal
import socket
import sys
import webbrowser

import httpx
import pytest

from tests.support.peers.tab import open_tab_by_socket
from tests.support.processes import finished, running, running_simulator
from trio_calls import cli
from trio_calls.audio import level_dbfs
from trio_calls.cli import phone_page
from trio_calls.simulator import open_simulator
from trio_calls.web._tls import make_certificate

AGENT = "examples/basic_agent.py"
ADDRESS = r"(http://127\.0\.0\.1:\d+/\?token=[\w-]{22})"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wire", "number", "status"),
    [("first", signal.SIGINT, 130), ("second", signal.SIGTERM, 143)],
)
async def test_a_tab_talks_with_the_agent(wire: str, number: signal.Signals, status: int) -> None:
    options = ("--no-open", "--sample-rate", "16000", "--wire", wire)
    async with running("phone", AGENT, *options) as phone:
        url = (await phone.wait_for(ADDRESS))[1]
        async with open_tab_by_socket(url) as tab:
            hello = await tab.wait("hello")
            assert (hello["sample_rate"], hello["agent"]) == (16000, AGENT)
            tab.send("dial", to="+65 6222 0000")
            await tab.wait("call", state="ANSWERED")
            while level_dbfs(bytes(tab.heard[-3200:])) < -40:
                await tab.speak(bytes(1280))
            phone.send_signal(number)
            assert await tab.wait_closed() == 1001
        assert await phone.wait_status() == status
        assert "Traceback" not in phone.output
        assert "call from +65 9111 0000 to +65 6222 0000" in phone.output


@pytest.mark.slow
async def test_a_tab_writes_to_the_agent() -> None:
    async with running("phone", "examples/answer_messages.py", "--no-open") as phone:
        url = (await phone.wait_for(ADDRESS))[1]
        async with open_tab_by_socket(url) as tab:
            tab.send("write", text="Are you open?")
            answer = await tab.wait("message", **{"from": "agent"})
        phone.send_signal(signal.SIGINT)
        assert await phone.wait_status() == 130
    assert "from 9 to 5" in answer["text"]


@pytest.mark.slow
async def test_a_simulator_serves_phones_for_other_agents() -> None:
    async with (
        running_simulator("--phone", "--no-open") as (simulator, variables),
        running("run", AGENT, variables=variables) as agent,
    ):
        await agent.wait_for("serving the calls")
        url = (await simulator.wait_for(ADDRESS))[1]
        async with open_tab_by_socket(url) as tab:
            tab.send("dial", to="+65 6222 0000")
            await tab.wait("call", state="ANSWERED")
            await simulator.wait_for("answered")


@pytest.mark.slow
async def test_a_port_in_use_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, printed = await finished("phone", AGENT, "--no-open", "--port", str(port))
    assert status == 1
    assert "Traceback" not in printed
    assert f"cannot serve the phone on 127.0.0.1 port {port}: " in printed


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "desk.example"])
def test_other_machines_need_https(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["phone", AGENT, "--host", host]) == 2
    assert "add --tls, or --cert and --key" in capsys.readouterr().err


def test_a_certificate_needs_its_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["phone", AGENT, "--cert", AGENT]) == 2
    assert "--cert and --key go together" in capsys.readouterr().err


def test_what_is_no_certificate_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["phone", AGENT, "--no-open", "--cert", AGENT, "--key", AGENT]
    assert cli.main(arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"trio-calls phone: cannot serve with {AGENT} and {AGENT}: ")


@pytest.mark.parametrize("command", [["phone", AGENT], ["simulator", "--phone", "--port", "0"]])
def test_the_extra_that_is_missing_is_named(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "segno" else find(name)
    )
    assert cli.main(command) == 1
    assert "install the extra 'phone' of trio-calls" in capsys.readouterr().err


@pytest.mark.shows_secrets("the fingerprint of a certificate is public")
async def test_others_are_shown_a_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = phone_page.PageSettings("0.0.0.0", 0, makes_certificate=True, opens_browser=False)
    monkeypatch.setattr(phone_page, "reachable_address", lambda host: "192.0.2.7")
    async with (
        open_simulator() as simulator,
        phone_page.serve_page(simulator, settings) as page,
    ):
        printed = capsys.readouterr().out
    assert f"https://192.0.2.7:{page.port}/?token={page.token}" in printed
    assert "▄" in printed
    assert "SHA-256 fingerprint" in printed


@pytest.mark.parametrize(
    ("host", "address"), [("localhost", "localhost"), ("127.0.0.1", "127.0.0.1")]
)
def test_an_address_is_reached_as_it_is(host: str, address: str) -> None:
    assert phone_page.is_this_machine(host)
    assert phone_page.reachable_address(host) == address


def test_a_made_certificate_is_shown_by_its_fingerprint() -> None:
    one, other = make_certificate(["localhost"]), make_certificate(["localhost"])
    assert len(one.fingerprint) == 32 * 3 - 1
    assert one.fingerprint != other.fingerprint


@pytest.mark.parametrize(("display", "count"), [(":0", 1), ("", 0)])
async def test_the_browser_is_opened(
    display: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    async with (
        open_simulator() as simulator,
        phone_page.serve_page(simulator, phone_page.PageSettings()) as page,
    ):
        assert len(opened) == count
        for url in opened:
            # Who lists the processes of this machine sees it.
            assert page.token not in url
            async with httpx.AsyncClient() as browser:
                first, second = [await browser.get(url) for _ in range(2)]
            assert (first.status_code, second.status_code) == (303, 403)
            assert first.headers["location"] == f"/?token={page.token}"
