"""The page at three sizes, by day and by night, read by axe-core; pictures of it for the docs."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from tests.support.browser import picture_path

if TYPE_CHECKING:
    from tests.support.browser import Browser, Page
    from tests.support.peers.phone_server import PhoneServer, Tab

pytestmark = [pytest.mark.pure, pytest.mark.slow]

SIZES = [(360, 740), (820, 1100), (1600, 860)]
#: What the documentation shows.
PICTURES = {
    "phone-idle": ("idle", "light", 1600),
    "phone-rings": ("rings", "dark", 360),
    "phone-whispers": ("whispers", "light", 1600),
    "phone-over": ("over", "light", 820),
}
EVENTS = [
    (0.0, "caller", "calls +65 6222 0000"),
    (0.1, "exchange", "call.in"),
    (0.1, "agent", "call.answer"),
    (0.1, "exchange", "call.answer: ok"),
    (5.2, "agent", "call.connect ringTimeSeconds=30"),
    (5.2, "exchange", "rings +65 6222 0000"),
    (8.1, "callee", "picks up"),
    (8.1, "exchange", "call.connect: ok"),
    (8.2, "agent", "agent.whisper"),
    (8.2, "exchange", "agent.whisper: ok"),
]
MESSAGES = [
    (0.0, "you", "Is the bicycle ready?"),
    (0.4, "agent", "It is. Bring this number:\n" + "2026-11-28-" * 6),
    (7.3, "you", "(image: the bill)"),
]
TIMELINE: list[dict[str, Any]] = [
    {"kind": "call", "at": 0.0, "sample_rate": 24000},
    {
        "kind": "said",
        "at": 2.1,
        "seconds": 1.9,
        "heard_seconds": 1.9,
        "text": "Good morning, how can I help you?",
    },
    {"kind": "heard", "at": 4.4, "start": 2.6, "speech_end": 4.1, "channel": 0},
    {
        "kind": "turn",
        "at": 4.7,
        "pause": 0.3,
        "thinking": 0.16,
        "synthesis": 0.12,
        "queue": 0.04,
        "total": 0.62,
    },
]


async def idle(page: Page, tab: Tab) -> None:
    await page.shows("#link[data-link=up]")
    await page.shows("#sound-notice")


async def rings(page: Page, tab: Tab) -> None:
    await page.click("#wake")
    await tab.tell("ringing", call_id="7", caller="+65 9111 0000", callee="+65 6222 0000")
    await page.shows("#answer")


async def whispers(page: Page, tab: Tab) -> None:
    await page.click("#call")
    await tab.asked()
    await tab.call("CONNECTED", mode="WHISPER")
    for at, who, text in EVENTS:
        await tab.tell("event", at=at, **{"from": who}, text=text)
    for record in TIMELINE:
        await tab.tell("timeline", record=record)
    await tab.tell("conversation", state="open", reason=None)
    for at, who, text in MESSAGES:
        await tab.tell("message", at=at, **{"from": who}, text=text)
    await page.shows("#records li:nth-child(4)")
    await page.shows("#messages li:nth-child(3)")


async def is_over(page: Page, tab: Tab) -> None:
    await whispers(page, tab)
    await tab.call("DISCONNECTED")
    files = [
        {"name": "caller-heard.wav", "url": "/recording.wav"},
        {"name": "callee-heard.wav", "url": "/recording.wav?2"},
    ]
    await tab.tell("recordings", files=files)
    await page.shows("#files li:nth-child(2)")


MOMENTS = {"idle": idle, "rings": rings, "whispers": whispers, "over": is_over}


async def take_picture(page: Page, shown: tuple[str, str, int]) -> None:
    for name, subject in PICTURES.items():
        path = picture_path(name)
        if subject == shown and path is not None:
            await page.screenshot(path=path, full_page=True)
            with Image.open(path) as picture:
                picture.quantize(256).save(path, optimize=True)  # a third of the size


@pytest.mark.parametrize("moment", MOMENTS)
async def test_it_fits_and_axe_finds_nothing(
    browser: Browser, server: PhoneServer, moment: str
) -> None:
    page = await browser.open(server.url)
    numbers = ("+65 6222 0000", "+65 9111 0000") if moment == "rings" else ()
    await MOMENTS[moment](page, await server.tab(*numbers))
    for scheme, (width, height) in itertools.product(["light", "dark"], SIZES):
        await page.emulate_media(color_scheme=scheme)
        await page.set_viewport_size({"width": width, "height": height})
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        assert await page.wrongs() == []
        await take_picture(page, (moment, scheme, width))
    assert not page.complaints
