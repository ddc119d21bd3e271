"""What is served, to whom, and with which headers."""

from __future__ import annotations

import pytest
from trio.testing import MockClock

from tests.support.peers.tab import HOST, ORIGIN, Refused, open_browser
from tests.support.wires import on_one_wire
from trio_calls.simulator import Simulator
from trio_calls.web._recordings import Recordings
from trio_calls.web._switchboard import MAX_TABS

pytestmark = on_one_wire

pytestmark = pytest.mark.pure


async def test_the_page_asks_for_nothing_elsewhere(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async with open_browser(simulator) as browser:
        status, headers, page = await browser.get("/")
    assert status == 200
    assert b"<html" in page
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["connect-src"] == f"'self' ws://{HOST}"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/recordings/call-1-caller.wav"])
@pytest.mark.parametrize("token", [None, "", "the-toke", "the-token2", "%ff"])
async def test_a_token_is_asked_for(
    simulator: Simulator, autojump_clock: MockClock, path: str, token: str | None
) -> None:
    async with open_browser(simulator) as browser:
        status, headers, _ = await browser.get(path, token=token)
    assert status == 403
    assert "content-security-policy" in headers


async def test_a_ticket_leads_to_the_page_once(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async with open_browser(simulator) as browser:
        tickets = browser.admission.tickets
        first, second = tickets.issue(), tickets.issue()
        assert (await browser.get(f"/once/{first}", token=None, method="HEAD"))[0] == 403
        status, headers, _ = await browser.get(f"/once/{first}", token=None)
        assert (status, headers["location"]) == (303, f"/?token={browser.admission.token}")
        assert headers["cache-control"] == "no-store"
        for used_up in (first, "guess"):
            status, headers, text = await browser.get(f"/once/{used_up}", token=None)
            assert (status, text[:16]) == (403, b"This address was")
            assert "location" not in headers
        assert (await browser.get(f"/once/{second}", token=None))[0] == 303


async def test_a_ticket_is_for_this_server_only(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async with open_browser(simulator) as browser:
        path = f"/once/{browser.admission.tickets.issue()}"
        assert (await browser.get(path, token=None, host="evil.example"))[0] == 421
        assert (await browser.get(path, token=None))[0] == 303


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", None])
async def test_another_name_is_not_served(
    simulator: Simulator, autojump_clock: MockClock, host: str | None
) -> None:
    async with open_browser(simulator) as browser:
        assert (await browser.get("/", host=host))[0] == 421
        with pytest.raises(Refused) as refused:
            await browser.open_tab(host=host, origin=f"http://{host}")
        assert refused.value.status == 403


@pytest.mark.parametrize(
    "change",
    [
        {"origin": None},
        {"origin": "null"},
        {"origin": "http://evil.example"},
        {"origin": ORIGIN.replace("4242", "4243")},
        {"origin": ORIGIN.replace("http", "https")},
        {"token": None},
        {"token": "guess"},
    ],
)
async def test_only_the_own_page_connects(
    simulator: Simulator, autojump_clock: MockClock, change: dict[str, str | None]
) -> None:
    async with open_browser(simulator) as browser:
        with pytest.raises(Refused) as refused:
            await browser.open_tab(**change)
        assert refused.value.status == 403
        await browser.open_tab()


@pytest.mark.parametrize("path", ["/nothing", "/static/nothing", "/static/../_app.py", "/static/"])
async def test_there_is_nothing_else(
    simulator: Simulator, autojump_clock: MockClock, path: str
) -> None:
    async with open_browser(simulator) as browser:
        assert (await browser.get(path))[0] == 404


async def test_too_many_tabs_are_refused(simulator: Simulator, autojump_clock: MockClock) -> None:
    async with open_browser(simulator) as browser:
        for _ in range(MAX_TABS):
            await browser.open_tab()
        with pytest.raises(Refused, match="Too many tabs"):
            await browser.open_tab()


async def test_parts_of_recordings_are_served(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async with open_browser(simulator) as browser:
        browser.recordings.add("one.wav", b"0123456789")
        for asked, status, content in [
            ("bytes=2-4", 206, b"234"),
            ("bytes=7-", 206, b"789"),
            ("bytes=0-99", 206, b"0123456789"),
            ("bytes=10-", 416, b""),
            ("lines=1-2", 200, b"0123456789"),
        ]:
            answer = await browser.get("/recordings/one.wav", range=asked)
            assert (answer[0], answer[2]) == (status, content)


def test_the_oldest_recordings_go_first() -> None:
    recordings = Recordings(max_bytes=10)
    for name in "abc":
        recordings.add(name, bytes(4))
    assert [recordings.get(name) is None for name in "abc"] == [True, False, False]
