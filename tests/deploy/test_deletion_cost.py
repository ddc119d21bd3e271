"""A pod that says what it costs to delete it, and an API server that is told."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
import trustme

from examples.deploy import deletion_cost
from examples.deploy.deletion_cost import ANNOTATION, Pod, cost_of, keep_cost
from trio_calls import ActiveCall
from trio_calls.simulator import Simulator
from trio_calls.telemetry import open_monitor
from trio_calls.testing import run_agent

MONITOR = "http://monitor"
URL = "https://10.0.0.1/api/v1/namespaces/call-centre/pods/agents-1"


class Cluster:
    """A monitor with calls, and an API server.

    Attributes:
      calls: how many the monitor shows; an error if it answers with that.
      answers: the statuses of the next answers of the API server; 200 when they are used up.
      patches: what it was asked for: when, what, and with which token.
    """

    def __init__(self) -> None:
        self.calls: int | httpx.HTTPError = 0
        self.answers: list[int] = []
        self.patches: list[tuple[float, dict[str, Any], str]] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "monitor":
            assert request.url.path == "/calls"
            if isinstance(self.calls, httpx.HTTPError):
                raise self.calls
            return httpx.Response(200, json=[{}] * self.calls)
        assert (request.method, str(request.url)) == ("PATCH", URL)
        assert request.headers["content-type"] == "application/merge-patch+json"
        token = request.headers["authorization"].removeprefix("Bearer ")
        self.patches.append((trio.current_time(), json.loads(request.content), token))
        return httpx.Response(self.answers.pop(0) if self.answers else 200, json={})

    @property
    def costs(self) -> list[str]:
        return [patch["metadata"]["annotations"][ANNOTATION] for _, patch, _ in self.patches]


@pytest.fixture
def token_path(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("first-token\n", encoding="utf-8")
    return path


@pytest.fixture
def virtual_time() -> None:
    """Run the test in virtual time; see `tests/conftest.py`."""


@pytest.fixture
async def cluster(token_path: Path, virtual_time: None) -> AsyncIterator[Cluster]:
    """One in which the cost is kept, every 10 s, in steps of 5 calls."""
    cluster = Cluster()
    async with (
        httpx.AsyncClient(transport=httpx.MockTransport(cluster.handle)) as http,
        trio.open_nursery() as nursery,
    ):

        @nursery.start_soon
        async def keep() -> None:
            await keep_cost(http, MONITOR, Pod(URL, token_path), every_seconds=10, step=5)

        yield cluster
        nursery.cancel_scope.cancel()


def test_only_a_pod_without_calls_costs_nothing() -> None:
    assert [cost_of(calls, 5) for calls in (0, 1, 5, 6, 50)] == [0, 5, 5, 10, 50]


async def test_the_server_is_told_of_changes_only(cluster: Cluster) -> None:
    await trio.sleep(30)
    assert cluster.costs == ["0"]
    cluster.calls = 7
    await trio.sleep(30)
    cluster.calls = 10
    await trio.sleep(30)
    assert cluster.costs == ["0", "10"]
    cluster.calls = 0
    await trio.sleep(10)
    assert cluster.costs == ["0", "10", "0"]


async def test_a_token_is_read_when_it_is_needed(cluster: Cluster, token_path: Path) -> None:
    await trio.sleep(20)
    await trio.Path(token_path).write_text("second-token", encoding="utf-8")
    cluster.calls = 1
    await trio.sleep(20)
    assert [token for _, _, token in cluster.patches] == ["first-token", "second-token"]


async def test_what_fails_is_tried_again(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    cluster.answers = [403, 500]
    await trio.sleep(60)
    assert cluster.costs == ["0", "0", "0"]
    assert len(caplog.records) == 2
    assert "403" in caplog.text
    assert "first-token" not in caplog.text


async def test_an_agent_that_still_starts_is_waited_for(cluster: Cluster) -> None:
    cluster.calls = httpx.ConnectError("nobody listens")
    await trio.sleep(30)
    assert cluster.patches == []
    cluster.calls = 3
    await trio.sleep(10)
    assert cluster.costs == ["5"]


async def test_calls_are_those_that_a_monitor_shows(loopback_simulator: Simulator) -> None:
    async def handle(call: ActiveCall) -> None:
        await call.answer()
        await call.wait_disconnected()

    async with (
        run_agent(handle, loopback_simulator) as client,
        open_monitor(client, "127.0.0.1:0") as monitor,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        assert await deletion_cost.count_calls(http, monitor.url) == 0
        calls = [loopback_simulator.place_call() for _ in range(3)]
        for call in calls:
            await call.caller.wait_talking()
        assert await deletion_cost.count_calls(http, monitor.url) == 3


@pytest.mark.parametrize("host", ["10.0.0.1", "fd00::1"])
def test_a_pod_finds_itself(host: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setenv("POD_NAMESPACE", "call-centre")
    monkeypatch.setenv("POD_NAME", "agents-1")
    pod = Pod.own(tmp_path)
    assert pod.token_path == tmp_path / "token"
    assert httpx.URL(pod.url).host == host
    assert httpx.URL(pod.url).path == "/api/v1/namespaces/call-centre/pods/agents-1"


@pytest.mark.parametrize("is_theirs", [True, False])
async def test_the_token_goes_to_the_server_of_the_cluster(
    is_theirs: bool, token_path: Path, tmp_path: Path
) -> None:
    cluster_authority, other = trustme.CA(), trustme.CA()
    cluster_authority.cert_pem.write_to_path(tmp_path / "ca.crt")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    signer = cluster_authority if is_theirs else other
    signer.issue_cert("127.0.0.1").configure_cert(server)
    received = bytearray()

    async def answer(stream: trio.SSLStream[trio.SocketStream]) -> None:
        try:
            while b"pod-deletion-cost" not in received:
                received.extend(await stream.receive_some())
        except trio.BrokenResourceError:
            return
        await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")

    trust = ssl.create_default_context(cafile=tmp_path / "ca.crt")
    async with (
        httpx.AsyncClient(verify=trust, trust_env=False) as http,
        trio.open_nursery() as nursery,
    ):
        listeners = await nursery.start(trio.serve_ssl_over_tcp, answer, 0, server)
        port = listeners[0].transport_listener.socket.getsockname()[1]
        pod = Pod(f"https://127.0.0.1:{port}/pods/agents-1", token_path)
        with trio.fail_after(10):
            if is_theirs:
                await deletion_cost.set_cost(http, pod, 5)
            else:
                with pytest.raises(httpx.ConnectError):
                    await deletion_cost.set_cost(http, pod, 5)
        nursery.cancel_scope.cancel()
    assert (b"Bearer first-token" in received) is is_theirs
