"""The microphone of the page, at the rate of the page, and in browsers that insist on its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.support.waiting import until
from trio_calls.audio import level_dbfs, to_samples

if TYPE_CHECKING:
    from tests.support.browser import Browser
    from tests.support.peers.phone_server import PhoneServer

pytestmark = [pytest.mark.pure, pytest.mark.slow]

RATE = 24000
WINDOW = RATE // 20
#: The key 5.
TONES = (770, 1336)

#: As in Firefox: a microphone is joined to a context of its own rate only.
OWN_RATE_ONLY = """
    const join = AudioContext.prototype.createMediaStreamSource;
    const { sampleRate } = new AudioContext();
    AudioContext.prototype.createMediaStreamSource = function (stream) {
        const isJoined = this.sampleRate === sampleRate;
        if (!isJoined) throw new DOMException("another rate", "NotSupportedError");
        window.joined = this.sampleRate;
        return join.call(this, stream);
    };
"""


def has_tones(pcm: bytes) -> bool:
    """Return whether both tones of the key sound at the same time."""
    samples = to_samples(pcm)
    times = np.arange(WINDOW) / RATE
    waves = np.exp(-2j * np.pi * np.outer(TONES, times))
    windows = samples[: samples.size // WINDOW * WINDOW].reshape(-1, WINDOW) / 32768
    amplitudes = 2 * abs(windows @ waves.T) / WINDOW
    return bool((amplitudes > 0.03).all(axis=1).any())


@pytest.mark.parametrize("script", ["", OWN_RATE_ONLY], ids=["any rate", "its own rate"])
async def test_beeps_and_keys_are_said(browser: Browser, server: PhoneServer, script: str) -> None:
    page = await browser.open("about:blank")
    await page.add_init_script(script)
    await page.goto(server.url)
    tab = await server.tab()
    await page.click("#call")
    await tab.asked()
    await tab.call("ANSWERED")
    await page.shows("body[data-microphone=live]")
    await until(lambda: level_dbfs(bytes(tab.audio)) > -45)
    if script:
        assert await page.evaluate("window.joined") != RATE
    assert not has_tones(bytes(tab.audio))
    await page.press("5")
    await until(lambda: has_tones(bytes(tab.audio)))
    await page.click("#mute")
    await page.shows("#mute[aria-pressed=true]")
    tab.audio.clear()
    await until(lambda: level_dbfs(bytes(tab.audio[-RATE:])) < -90 and len(tab.audio) > 2 * RATE)
    assert not page.complaints
