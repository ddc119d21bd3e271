"""The page of phones by real sockets and a real web server."""

from __future__ import annotations

import ssl

import pytest
import trio
import trio.lowlevel
import trustme

from tests.support.peers.tab import Tab, hears, open_tab_by_socket
from trio_calls import ActiveCall
from trio_calls.audio import noise
from trio_calls.concurrency import web_serving
from trio_calls.simulator import open_simulator
from trio_calls.testing import run_agent
from trio_calls.web import _tab
from trio_calls.web._page import open_phone_page

pytestmark = [pytest.mark.slow, pytest.mark.pure]


CLOSE = "Connection: close"


async def echo(call: ActiveCall) -> None:
    await call.answer()
    async for chunk in call.audio_stream():
        await call.send_audio(chunk)


async def talk_with_the_echo(url: str, ssl_context: ssl.SSLContext | None = None) -> None:
    voice = noise(0.08, 24000, 1)
    async with open_tab_by_socket(url, ssl_context=ssl_context) as tab:
        tab.send("dial", to="+65 1")
        await tab.wait("call", state="ANSWERED")
        # A machine that is busy with other things tears it now and then.
        with trio.fail_after(20):
            while not hears(tab, voice):
                await tab.speak(voice)


async def fetch(port: int, request: str) -> bytes:
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        await stream.send_all(f"{request}\r\n\r\n".encode())
        return b"".join([piece async for piece in stream])


async def test_a_tab_talks_and_leaves() -> None:
    async with (
        open_simulator() as simulator,
        run_agent(echo, simulator),
        open_phone_page(simulator) as page,
    ):
        await talk_with_the_echo(page.url("127.0.0.1"))
        with trio.fail_after(2):
            await simulator.calls[0].wait_ended()


async def test_it_serves_by_https() -> None:
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)
    async with (
        open_simulator() as simulator,
        run_agent(echo, simulator),
        open_phone_page(simulator, tls=server) as page,
    ):
        url = page.url("localhost")
        assert url.startswith("https://localhost:")
        await talk_with_the_echo(url, client)


async def test_pages_come_over_http() -> None:
    async with open_simulator() as simulator, open_phone_page(simulator) as page:
        host = f"127.0.0.1:{page.port}"
        answer = await fetch(
            page.port, f"GET /?token={page.token} HTTP/1.1\r\nHost: {host}\r\n{CLOSE}"
        )
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"default-src 'none'" in answer
        assert b"hypercorn" not in answer
        refused = await fetch(page.port, f"GET / HTTP/1.1\r\nHost: {host}\r\n{CLOSE}")
        assert refused.startswith(b"HTTP/1.1 403 ")
        stranger = await fetch(
            page.port, f"GET /?token={page.token} HTTP/1.1\r\nHost: evil.test\r\n{CLOSE}"
        )
        assert stranger.startswith(b"HTTP/1.1 421 ")


async def test_a_stranger_gets_no_websocket() -> None:
    async with open_simulator() as simulator, open_phone_page(simulator) as page:
        host = f"127.0.0.1:{page.port}"
        upgrade = (
            "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        )
        for token, origin in [("guess", f"http://{host}"), (page.token, "http://evil.test")]:
            request = f"GET /ws?token={token} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}"
            answer = await fetch(page.port, f"{request}\r\n{upgrade}")
            assert answer.startswith(b"HTTP/1.1 403 ")


async def test_nothing_is_compressed() -> None:
    # Every browser offers to, and Hypercorn would accept.
    async with open_simulator() as simulator, open_phone_page(simulator) as page:
        host = f"127.0.0.1:{page.port}"
        request = (
            f"GET /ws?token={page.token} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n"
            "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "sec-websocket-extensions: permessage-deflate\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        async with await trio.open_tcp_stream("127.0.0.1", page.port) as stream:
            await stream.send_all(request.encode())
            answer = b""
            while b"hello" not in answer:
                answer += await stream.receive_some()
        assert answer.startswith(b"HTTP/1.1 101 ")
        assert b"extensions" not in answer.lower()


async def test_open_tabs_are_told_goodbye() -> None:
    async with open_simulator() as simulator:
        async with trio.open_nursery() as nursery:
            opened, left = trio.Event(), trio.Event()
            codes = []

            async def wait_goodbye(url: str) -> None:
                async with open_tab_by_socket(url) as tab:
                    await tab.wait("hello")
                    opened.set()
                    codes.append(await tab.wait_closed())
                left.set()

            async with open_phone_page(simulator) as page:
                nursery.start_soon(wait_goodbye, page.url("127.0.0.1"))
                await opened.wait()
            await left.wait()
        assert codes == [1001]


async def make_stuck(tab: Tab) -> None:
    """Have a server write to a tab that does not read, until it can write no more."""
    for number in range(700):
        tab.send("register", number=f"{number:0500}")
    await trio.sleep(0.5)


async def test_who_reads_nothing_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    # Hypercorn sends inside a shield: no cancellation ends that.
    monkeypatch.setattr(web_serving, "CLOSING_SECONDS", 1.5)
    async with open_simulator() as simulator, trio.open_nursery() as nursery:

        async def be_stuck(url: str, task_status: trio.TaskStatus[None]) -> None:
            async with open_tab_by_socket(url, reads=False) as tab:
                await make_stuck(tab)
                task_status.started()
                await trio.sleep_forever()

        async with open_phone_page(simulator) as page:
            await nursery.start(be_stuck, page.url("127.0.0.1"))
            left_at = trio.current_time()
        assert 1.4 < trio.current_time() - left_at < 5
        nursery.cancel_scope.cancel()


async def test_a_stuck_and_silent_tab_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tab, "SILENT_SECONDS", 0.5)
    monkeypatch.setattr(_tab, "PING_SECONDS", 0.2)
    over = trio.Event()
    serve = _tab.Tab.run

    async def note(tab: _tab.Tab) -> None:
        try:
            await serve(tab)
        finally:
            over.set()

    monkeypatch.setattr(_tab.Tab, "run", note)
    async with (
        open_simulator() as simulator,
        open_phone_page(simulator) as page,
        open_tab_by_socket(page.url("127.0.0.1"), reads=False) as tab,
    ):
        await make_stuck(tab)
        with trio.fail_after(10):
            await over.wait()
