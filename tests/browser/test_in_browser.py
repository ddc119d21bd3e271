"""An agent, the simulator, and telephones that are tabs of a browser: what each of them hears."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs
import numpy as np
import pytest
import trio

from tests.support.sounds import share_heard, speech
from tests.support.waiting import until
from trio_calls import ActiveCall
from trio_calls.audio import level_dbfs, to_samples
from trio_calls.simulator import open_simulator
from trio_calls.testing import run_agent

if TYPE_CHECKING:
    from tests.support.browser import Browser, Page
    from trio_calls.call.scope import CallHandler

pytestmark = [pytest.mark.pure, pytest.mark.slow]

RATE = 24000
FRAME = 960
CALLER, CALLEE = "+65 9111 0000", "+65 6222 0000"
NOT_HEARD = 0.1


@attrs.define
class Agent:
    """Greets whoever calls, listens, and notes what it heard and how its calls ended."""

    heard: bytearray = attrs.field(factory=bytearray)
    ended: trio.Event = attrs.field(factory=trio.Event)

    async def handle_call(self, call: ActiveCall) -> None:
        await call.answer()
        await call.send_audio(speech("greeting", RATE))
        async for chunk in call.audio_stream():
            self.heard += chunk
        self.ended.set()


@asynccontextmanager
async def phones(handler: CallHandler) -> AsyncIterator[str]:
    """Serve the page beside a simulator whose calls an agent takes; yields its address."""
    from trio_calls.web._page import open_phone_page  # noqa: PLC0415 - an extra's

    async with (
        open_simulator() as simulator,
        run_agent(handler, simulator),
        open_phone_page(simulator) as page,
    ):
        yield page.url("127.0.0.1")


async def open_phone(browser: Browser, url: str, number: str) -> Page:
    page = await browser.open(url, bypass_csp=True)
    await page.shows("#link[data-link=up]")
    assert await page.input_value("#number") == number
    await page.click("#wake")
    await page.shows("body[data-microphone=live]")
    return page


async def call(page: Page, to: str = CALLEE) -> None:
    await page.fill("#to", to)
    await page.click("#call")


def beeps(pcm: bytes) -> int:
    """Count how often it becomes loud."""
    samples = to_samples(pcm)
    frames = samples[: samples.size // FRAME * FRAME].reshape(-1, FRAME).astype(float)
    is_loud = np.sqrt((frames**2).mean(axis=1)) > 300
    return int(np.count_nonzero(is_loud[1:] & ~is_loud[:-1]))


async def test_tab_and_agent_hear_each_other(browser: Browser) -> None:
    agent = Agent()
    async with phones(agent.handle_call) as url:
        page = await open_phone(browser, url, CALLER)
        await page.listen()
        await call(page)
        await page.shows("#state", "ANSWERED")
        await page.shows("#lines li", "answer")
        await page.hears(speech("greeting", RATE), RATE)
        await until(lambda: beeps(bytes(agent.heard)) >= 3)
        await page.click("#hang-up")
        with trio.fail_after(5):
            await agent.ended.wait()
        await page.shows("#subtitle", "You hung up.")
        await page.shows("#files a")
        assert await page.evaluate(
            """() => new Promise((resolve) => {
                const player = document.querySelector("#files audio");
                const tell = () => resolve(player.duration > 2);
                player.readyState ? tell() : player.addEventListener("loadedmetadata", tell);
            })"""
        )
    assert not page.complaints


async def test_the_address_for_once_leads_to_the_page(browser: Browser) -> None:
    from trio_calls.web._page import open_phone_page  # noqa: PLC0415 - an extra's

    async with open_simulator() as simulator, open_phone_page(simulator) as page:
        once = page.url_for_once("127.0.0.1")
        first, second = await browser.open(once), await browser.open(once)
        await first.shows("#link[data-link=up]")
        assert first.page.url == page.url("127.0.0.1")
        await second.shows("body", "This address was good for once")
        assert second.page.url == once


async def test_callee_hears_the_whisper_alone(browser: Browser) -> None:
    guidance = speech("guidance", RATE)

    async def whisper(call: ActiveCall) -> None:
        await call.answer()
        await call.connect()
        await call.whisper()
        await call.send_audio(guidance)
        await call.wait_disconnected()

    async with phones(whisper) as url:
        caller = await open_phone(browser, url, CALLER)
        callee = await open_phone(browser, url, CALLEE)
        for page in (caller, callee):
            await page.listen()
        await call(caller)
        await caller.click("#mute")  # its beeps would be mixed into what the callee hears
        await callee.shows("#title", f"{CALLER} calls you")
        await callee.click("#answer")
        for page in (caller, callee):
            await page.shows("#mode", "WHISPER")
        await callee.hears(guidance, RATE)
        heard_by_caller = await caller.heard()
        assert share_heard(guidance, heard_by_caller, RATE) <= NOT_HEARD
        assert level_dbfs(heard_by_caller) > -60  # the callee's beeps
        await callee.click("#hang-up")
        await caller.shows("#subtitle", "The callee hung up.")


async def test_leaving_the_page_hangs_up(browser: Browser) -> None:
    agent = Agent()
    async with phones(agent.handle_call) as url:
        page = await open_phone(browser, url, CALLER)
        await call(page)
        await page.shows("#state", "ANSWERED")
        await page.goto("about:blank")
        with trio.fail_after(5):  # sooner than a dead tab is found by its silence
            await agent.ended.wait()


async def test_a_reload_hangs_up_and_begins_anew(browser: Browser) -> None:
    agent = Agent()
    async with phones(agent.handle_call) as url:
        page = await open_phone(browser, url, CALLER)
        await call(page)
        await page.shows("#state", "ANSWERED")
        await page.reload()
        with trio.fail_after(5):
            await agent.ended.wait()
        await page.shows("#title", "Ready")
        await page.shows("#link[data-link=up]")
        await call(page)
        await page.shows("#state", "ANSWERED")


async def test_two_calls_at_once_stay_apart(browser: Browser) -> None:
    said = {CALLER: speech("greeting", RATE), CALLEE: speech("guidance", RATE)}

    async def tell(call: ActiveCall) -> None:
        await call.answer()
        await call.send_audio(said[call.caller_number or ""])
        await call.wait_disconnected()

    async with phones(tell) as url:
        pages = {number: await open_phone(browser, url, number) for number in said}
        for page in pages.values():
            await page.listen()
            await call(page, "+65 6999 0000")
        for number, page in pages.items():
            await page.hears(said[number], RATE)
        for number, page in pages.items():
            (other,) = (speech for of, speech in said.items() if of != number)
            assert share_heard(other, await page.heard(), RATE) <= NOT_HEARD


async def test_a_server_that_goes_away(browser: Browser) -> None:
    agent = Agent()
    async with phones(agent.handle_call) as url:
        page = await open_phone(browser, url, CALLER)
        await call(page)
        await page.shows("#state", "ANSWERED")
    await page.shows("#link[data-link=down]")
    await page.shows("#subtitle", "The connection to the server is lost.")
