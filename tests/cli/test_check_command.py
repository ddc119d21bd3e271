"""`trio-calls check`: a line for each thing that can be wrong, and what to do about it."""

import functools
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trio
import trio.testing
import trustme

from tests.support.processes import finished, running_simulator
from trio_calls import cli
from trio_calls.cli.check import _check, _Checks
from trio_calls.simulator import open_simulator

pytestmark = pytest.mark.slow

SECRETS = ("a-very-secret-key", "a-very-secret-uuid")


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("CERT_PATH", "KEY_PATH", "SAMPLE_RATE", "BASE_URL", "WIRE"):
        monkeypatch.delenv(f"WSS_{name}", raising=False)
    monkeypatch.setenv("WSS_API_KEY", SECRETS[0])
    monkeypatch.setenv("WSS_CONNECTOR_UUID", SECRETS[1])
    return monkeypatch


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    """Run a check that fails, and return the line that says so."""
    assert cli.main(["check"]) == 1
    printed = capsys.readouterr()
    assert printed.err == ""
    assert not any(secret in printed.out for secret in SECRETS)
    *passed, failed = printed.out.splitlines()
    assert all(line.startswith("✓ ") for line in passed)
    assert failed.startswith("✗ ")
    return failed


async def check_in_process(
    settings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **variables: str
) -> tuple[bool, str]:
    """Check beside the simulator: whether all is well, and what was printed."""
    for name, value in variables.items():
        settings.setenv(name, value)
    is_well = await _check()
    return is_well, capsys.readouterr().out


async def test_all_is_well(
    settings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_simulator(port=0) as simulator:
        is_well, printed = await check_in_process(
            settings,
            capsys,
            WSS_API_KEY="simulated-key",
            WSS_CONNECTOR_UUID="simulated-connector",
            WSS_BASE_URL=simulator.config.base_url,
        )
        assert is_well
        assert [line.split()[:2] for line in printed.splitlines()] == [
            ["✓", name] for name in ("settings", "name", "connection", "TLS", "key")
        ]
        assert "\x1b" not in printed
        assert "simulated-" not in printed


async def test_a_wrong_key() -> None:
    async with running_simulator() as (_, variables):
        status, printed = await finished(
            "check", variables={**variables, "WSS_API_KEY": SECRETS[0]}
        )
    assert status == 1
    line = printed.splitlines()[-1]
    assert line.startswith("✗ key ")
    assert "check WSS_API_KEY and WSS_CONNECTOR_UUID" in line
    assert SECRETS[0] not in printed


def test_no_key(settings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    settings.delenv("WSS_API_KEY")
    assert last_line(capsys).startswith("✗ settings   WSS_API_KEY is not set")


def test_the_variables_that_were_read_are_named(
    settings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("API_KEY", "CONNECTOR_UUID"):
        settings.delenv(f"WSS_{name}")
        settings.setenv(f"AGENTDUET_{name}", SECRETS[0])
    settings.setenv("AGENTDUET_BASE_URL", "wss://nowhere.invalid")
    settings.setenv("WSS_WIRE", "second")
    assert cli.main(["check"]) == 1
    found, failed = capsys.readouterr().out.splitlines()
    assert "AGENTDUET_API_KEY and AGENTDUET_CONNECTOR_UUID are set" in found
    assert found.endswith("wss://nowhere.invalid, on the second wire (WSS_WIRE)")
    assert "check AGENTDUET_BASE_URL" in failed


def test_a_name_that_does_not_exist(
    settings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.setenv("WSS_BASE_URL", "wss://nowhere.invalid")
    assert last_line(capsys).startswith("✗ name       nowhere.invalid has no address")


def test_nobody_at_the_port(
    closed_port: int, settings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.setenv("WSS_BASE_URL", f"ws://127.0.0.1:{closed_port}")
    line = last_line(capsys)
    assert line.startswith(f"✗ connection no connection to 127.0.0.1 port {closed_port} (")


@asynccontextmanager
async def tls_server(authority: trustme.CA) -> AsyncIterator[int]:
    """Serve TLS, and nothing behind it, on the port that is yielded."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async def shake_hands(stream: trio.SSLStream[trio.SocketStream]) -> None:
        with suppress(trio.BrokenResourceError):
            await stream.do_handshake()
            await stream.receive_some()
        await trio.aclose_forcefully(stream)

    async with trio.open_nursery() as nursery:
        serve = functools.partial(trio.serve_ssl_over_tcp, host="127.0.0.1")
        (listener,) = await nursery.start(serve, shake_hands, 0, context)
        yield listener.transport_listener.socket.getsockname()[1]
        nursery.cancel_scope.cancel()


@pytest.fixture
async def tls_url(settings: pytest.MonkeyPatch, authority: trustme.CA) -> AsyncIterator[str]:
    async with tls_server(authority) as port:
        yield f"wss://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


async def test_a_certificate_that_is_no_file(
    tls_url: str, settings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.delenv("WSS_API_KEY")
    settings.delenv("WSS_CONNECTOR_UUID")
    is_well, printed = await check_in_process(
        settings,
        capsys,
        WSS_CERT_PATH="/nowhere/cert.pem",
        WSS_KEY_PATH="/nowhere/key.pem",
        WSS_BASE_URL=tls_url,
    )
    assert not is_well
    assert printed.startswith("✓ settings   WSS_CERT_PATH and WSS_KEY_PATH are set")
    assert "✗ TLS        the client certificate cannot be used" in printed


async def test_an_exchange_that_nobody_vouches_for(
    tls_url: str, settings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    is_well, printed = await check_in_process(settings, capsys, WSS_BASE_URL=tls_url)
    assert not is_well
    assert "✗ TLS        127.0.0.1 cannot be verified (" in printed


async def test_tls_that_verifies(
    tls_url: str,
    authority: trustme.CA,
    tmp_path: Path,
    settings: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    is_well, printed = await check_in_process(
        settings, capsys, WSS_BASE_URL=tls_url, SSL_CERT_FILE=str(tmp_path / "ca.pem")
    )
    assert not is_well
    assert "✓ TLS        127.0.0.1 is who it says it is" in printed
    assert printed.splitlines()[-1].startswith("✗ key        ")


async def test_an_exchange_that_does_not_answer(
    autojump_clock: trio.testing.MockClock,
    settings: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def stall(self: object) -> str:
        await trio.sleep_forever()

    settings.setattr(_Checks, "resolve", stall)
    is_well, printed = await check_in_process(settings, capsys)
    assert not is_well
    assert "✗ name       no answer within 15 s" in printed


async def test_a_port_that_speaks_no_tls(
    settings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_simulator(port=0) as simulator:
        url = simulator.config.base_url.replace("ws://", "wss://")
        is_well, printed = await check_in_process(settings, capsys, WSS_BASE_URL=url)
    assert not is_well
    assert printed.splitlines()[-1].startswith("✗ TLS        no TLS with 127.0.0.1 (")
