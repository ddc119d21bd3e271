"""Chromium with a microphone that beeps, for tests of the phone's page.

Playwright's synchronous interface stays in one thread; what a test awaits runs there.
"""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import trio

from tests.support.sounds import share_heard

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: What a machine that is busy with other things may take for anything.
PATIENCE_MS: Final = 15_000
#: How much of some speech is to be heard, on a machine that tears holes into it.
WELL_HEARD: Final = 0.8
#: It beeps twice a second.
MICROPHONE: Final = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")

#: In the audio thread: what is recorded in the page's own thread has holes where that is busy.
_RECORDER = """
registerProcessor("recorder", class extends AudioWorkletProcessor {
    process([[samples]]) {
        if (samples) this.port.postMessage(samples.slice());
        return true;
    }
});
"""
_LISTEN = """async (recording) => {
    const { context, output } = window.phone.audio;
    const script = new Blob([recording], { type: "text/javascript" });
    await context.audioWorklet.addModule(URL.createObjectURL(script));
    const recorder = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
    window.heard = [];
    recorder.port.onmessage = ({ data }) => window.heard.push(data);
    output.connect(recorder);
}"""
_HEARD = """() => {
    const round = (sample) => Math.round(sample * 32768);
    const samples = window.heard.flatMap((block) => Array.from(block, round));
    const bytes = new Uint8Array(new Int16Array(samples).buffer);
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""


@cache
def _axe() -> str:
    """Return axe-core, once for each page."""
    import axe_playwright_python  # noqa: PLC0415 - in an extra of its own

    path = Path(axe_playwright_python.__file__).with_name("axe.min.js")
    return f"if (!window.axe) {{ {path.read_text(encoding='utf-8')} }}"


def find_chromium() -> str | None:
    """Return where Chromium is, or None: it is the system's, as Playwright's is 150 MB."""
    named = os.environ.get("TRIO_CALLS_CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """A page of Playwright, to be awaited: `await page.click("#call")`.

    Attributes:
      complaints: what the page has logged as an error, and what it has failed with.
    """

    def __init__(self, browser: Browser, page: Any) -> None:
        self._browser = browser
        self.page = page
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self._hear(message.type, message.text))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def call(*args: Any, **options: Any) -> Any:
            return await self._browser.run(getattr(self.page, name), *args, **options)

        return call

    async def shows(self, selector: str, text: str | None = None) -> None:
        """Wait until something is to be seen, with that text in it."""
        where = self.page.locator(selector, has_text=text) if text else self.page.locator(selector)
        await self._browser.run(where.first.wait_for, timeout=PATIENCE_MS)

    async def text(self, selector: str) -> str:
        return str(await self._browser.run(self.page.inner_text, selector))

    async def press(self, key: str) -> None:
        await self._browser.run(self.page.keyboard.press, key)

    async def wrongs(self) -> list[str]:
        """Return what axe-core finds wrong for those who cannot see or use a mouse."""
        await self.evaluate(_axe())
        found = await self.evaluate("axe.run({ resultTypes: ['violations'] })")
        return [
            f"{rule['id']}: {node['html']}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]

    async def listen(self) -> None:
        """Record from now on what the page's loudspeaker is given.

        The page must be opened with `bypass_csp`: its own policy knows no such recorder.
        """
        await self.evaluate(_LISTEN, _RECORDER)

    async def heard(self) -> bytes:
        """Return what was recorded, as 16-bit PCM."""
        return base64.b64decode(await self.evaluate(_HEARD))

    async def hears(self, said: bytes, sample_rate: int) -> None:
        """Wait until most of some speech was recorded: on a busy machine that is later."""
        share = 0.0
        for _ in range(40):
            share = share_heard(said, await self.heard(), sample_rate)
            if share >= WELL_HEARD:
                return
            await trio.sleep(0.3)
        raise AssertionError(f"the tab heard {share:.0%} of it")

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error":
            self.complaints.append(text)


class Browser:
    """Chromium, and the thread in which Playwright runs."""

    def __init__(self, thread: ThreadPoolExecutor, chromium: Any) -> None:
        self._thread = thread
        self._chromium = chromium

    async def run(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Run a function in Playwright's thread."""
        future = self._thread.submit(function, *args, **options)
        return await trio.to_thread.run_sync(future.result)

    async def open(self, url: str, **options: Any) -> Page:
        """Open a page that shares nothing with others: in a context of its own.

        It does not move, unless asked to: to draw that is most of what a busy machine does.
        """
        options.setdefault("reduced_motion", "reduce")
        page: Page = await self.run(self._new_page, options)
        await page.goto(url)
        return page

    def _new_page(self, options: dict[str, Any]) -> Page:
        return Page(self, self._chromium.new_context(**options).new_page())

    async def close_pages(self) -> None:
        def close() -> None:
            for context in self._chromium.contexts:
                context.close()

        await self.run(close)


@contextmanager
def open_browser(executable: str, *arguments: str) -> Iterator[Browser]:
    """Start Chromium, and end it."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - in an extra of its own

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="playwright") as thread:
        playwright = thread.submit(sync_playwright().start).result()
        try:
            # A container may have no sandbox and little shared memory. The pages are our own.
            arguments = ("--no-sandbox", "--disable-dev-shm-usage", *arguments)
            launch = partial(playwright.chromium.launch, executable_path=executable, args=arguments)
            chromium = thread.submit(launch).result()
            yield Browser(thread, chromium)
            thread.submit(chromium.close).result()
        finally:
            thread.submit(playwright.stop).result()


def picture_path(name: str) -> Path | None:
    """Return where a picture for the documentation belongs, if pictures are asked for."""
    if not os.environ.get("TRIO_CALLS_PICTURES"):
        return None
    return Path(__file__).resolve().parents[2] / "docs" / "_static" / f"{name}.png"
