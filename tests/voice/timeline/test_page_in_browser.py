"""The page in a browser, where one is installed: it can be played, and shows where it is."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.browser import find_chromium
from tests.support.chromium import Browser, open_browser
from tests.support.timelines import OVER, heard, lines, said, turn, write_recording
from trio_calls.voice.timeline.page import _loading, write_page

pytestmark = [
    pytest.mark.pure,
    pytest.mark.slow,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium is installed here"),
]

SECONDS = 40
START = 0.5
HOSTILE = '</script><script>window.hit = true</script><img src="x" onerror="window.hit = true">'

#: The worst contrast of any text with what is behind it, and whose it is.
WORST_CONTRAST = """
(() => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].reduce((sum, value, index) => {
    const share = value / 255;
    const linear = share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    return sum + [0.2126, 0.7152, 0.0722][index] * linear;
  }, 0);
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = parse(getComputedStyle(each).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
  };
  const inSvg = (element) => element.namespaceURI.endsWith("svg");
  const worst = [...document.querySelectorAll("main *, svg text")].filter((element) =>
    [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())
    && element.getClientRects().length && element.tagName !== "title"
  ).map((element) => {
    const style = getComputedStyle(element);
    const box = inSvg(element) && element.closest("g")?.querySelector(".box");
    const pair = [
      light(parse(inSvg(element) ? style.fill : style.color)),
      light(box ? parse(getComputedStyle(box).fill) : behind(element)),
    ].sort((a, b) => b - a);
    return [(pair[0] + 0.05) / (pair[1] + 0.05), element.outerHTML];
  }).sort((a, b) => a[0] - b[0])[0];
  return worst;
})()
"""


#: Plays, and comes to how far the sound has got as soon as it has.
PLAYED = """
(async () => {
  const audio = document.querySelector("audio");
  document.getElementById("play").click();
  while (!audio.currentTime && !audio.error) await new Promise((done) => setTimeout(done));
  return audio.error ? audio.error.message : audio.currentTime;
})()
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    executable = find_chromium()
    assert executable is not None
    with open_browser(executable, tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("call")
    samples = np.random.default_rng(1).integers(-3000, 3000, (SECONDS * 8000, 2), np.int16)
    write_recording(folder / "call.wav", samples)
    records = (
        {"at": START, "kind": "recording", "path": "call.wav", "start": START},
        heard(2.0, 5.0),
        turn(5.0, 0.5, 0.3, 0.1, 0.1),
        said(6.0, 4.0, 9.0, text=HOSTILE),
        {"at": 10.4, "kind": "interrupted", "channel": 0},
        {"at": 12.0, "kind": "command", "command": "connect", "seconds": 2.0, "outcome": "done"},
        {"at": 14.0, "kind": "state", "state": "CONNECTED"},
        {"at": 14.0, "kind": "mode", "mode": "BARGE"},
        {"at": 15.0, "kind": "note", "text": HOSTILE, "details": {HOSTILE: 1}},
        {**OVER, "at": START + SECONDS},
    )
    timeline = folder / "call.jsonl"
    timeline.write_text("".join(lines(*records, caller_number=HOSTILE)), encoding="utf-8")
    return write_page(timeline).path


@pytest.fixture
def opened(browser: Browser, page: Path) -> Iterator[Browser]:
    browser.open(page)
    yield browser
    assert browser.complaints == []
    assert browser.run("window.hit") is None


def shown_time(browser: Browser) -> float:
    minutes, seconds = browser.run("document.getElementById('now').textContent").split(":")
    return 60 * int(minutes) + float(seconds)


def place_of(browser: Browser, seconds: float) -> tuple[float, float]:
    """Return where a time is in the window, in the middle of the agent's lane."""
    x, y = browser.run(
        f"""(() => {{
          const box = document.querySelector(".lane.agent svg").getBoundingClientRect();
          const {{start, end}} = document.body.dataset;
          return [box.left + box.width * ({seconds} - start) / (end - start), box.top + 30];
        }})()"""
    )
    return x, y


def test_a_click_moves_to_that_time(opened: Browser) -> None:
    x, y = place_of(opened, 20.0)
    opened.click(x, y)
    assert shown_time(opened) == pytest.approx(20.0, abs=0.11)
    playhead = "document.getElementById('playhead').getBoundingClientRect()"
    assert opened.run(f"{playhead}.left + {playhead}.width / 2") == pytest.approx(x, abs=2)


def test_it_plays_from_there(opened: Browser) -> None:
    opened.click(*place_of(opened, 20.0))
    opened.press(" ")
    # The promise is kept as soon as the sound has got on.
    played = opened.run(
        """new Promise((done, failed) => {
          const audio = document.querySelector("audio");
          audio.addEventListener("error", () => failed(audio.error.message));
          const wait = () => audio.currentTime > 19.7 ? done(audio.currentTime) : setTimeout(wait);
          wait();
        })"""
    )
    assert played == pytest.approx(20.0 - START, abs=1.0)
    assert shown_time(opened) > 20.0
    assert opened.run("document.getElementById('play').textContent") == "Pause"
    opened.press(" ")
    assert opened.run("document.querySelector('audio').paused")


def test_recordings_follow_one_another(browser: Browser, tmp_path: Path) -> None:
    begins = {"a.wav": 0.0, "b.wav": 5.0}
    for name in begins:
        write_recording(tmp_path / name, np.zeros((2400, 2), np.int16))
    records = [
        {"at": start, "kind": "recording", "path": name, "start": start}
        for name, start in begins.items()
    ]
    timeline = tmp_path / "call.jsonl"
    timeline.write_text("".join(lines(*records, {**OVER, "at": 6.0})), encoding="utf-8")
    browser.open(write_page(timeline).path)
    browser.press(" ")
    browser.run(
        """new Promise((done) => {
          const last = document.querySelectorAll("audio")[1];
          last.addEventListener("ended", () => requestAnimationFrame(done));
        })"""
    )
    assert shown_time(browser) == pytest.approx(5.3, abs=0.11)
    assert browser.run("document.getElementById('play').textContent") == "Play"
    assert browser.complaints == []


def test_it_plays_what_is_beside_it(
    browser: Browser, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_loading, "MOST_EMBEDDED_BYTES", 1000)
    outside = page.with_name("outside.html")
    assert write_page(page.with_name("call.jsonl"), output=outside).remark
    browser.open(outside)
    assert browser.run(PLAYED) > 0
    assert browser.complaints == []


def test_a_recording_that_was_taken_away(browser: Browser, page: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved.html"
    text = page.read_text(encoding="utf-8")
    moved.write_text(re.sub(r'src="data:[^"]*"', 'src="gone.wav"', text), encoding="utf-8")
    browser.open(moved)
    browser.press(" ")
    trouble = browser.run(
        """new Promise((done) => {
          const trouble = document.getElementById("trouble");
          const look = () => trouble.textContent ? done(trouble.textContent) : setTimeout(look);
          look();
        })"""
    )
    assert trouble == "This browser cannot play the recording."
    browser.complaints.clear()


def test_keys_lead_through_it(opened: Browser) -> None:
    opened.press("End")
    assert shown_time(opened) == pytest.approx(START + SECONDS, abs=0.1)
    opened.press("Home")
    opened.press("ArrowRight")
    assert shown_time(opened) == 2.0
    opened.press("ArrowLeft")
    opened.press("ArrowLeft")
    assert shown_time(opened) == 0.0


def test_a_time_in_the_text_leads_there(opened: Browser) -> None:
    opened.run("document.querySelector('#story .interrupted button').click()")
    assert shown_time(opened) == pytest.approx(10.4, abs=0.1)
    current = opened.run("document.querySelector('#story [aria-current]').className")
    assert current == "interrupted"


def test_zoom_keeps_the_time_where_it_is(opened: Browser) -> None:
    opened.click(*place_of(opened, 10.0))
    before = place_of(opened, 10.0)[0]
    width = opened.run("document.getElementById('lanes').clientWidth")
    opened.press("+")
    assert opened.run("document.getElementById('lanes').clientWidth") > 1.5 * width
    assert place_of(opened, 10.0)[0] == pytest.approx(before, abs=2)
    opened.press("0")
    assert opened.run("document.getElementById('lanes').clientWidth") == width


@pytest.mark.parametrize("width", [1200, 390])
def test_it_fits_into_the_window(opened: Browser, page: Path, width: int) -> None:
    opened.open(page, width)
    root = "document.documentElement"
    assert opened.run(f"{root}.scrollWidth <= {root}.clientWidth")


@pytest.mark.parametrize("is_dark", [False, True])
def test_every_text_can_be_read(opened: Browser, page: Path, is_dark: bool) -> None:
    opened.open(page, is_dark=is_dark)
    contrast, where = opened.run(WORST_CONTRAST)
    assert contrast >= 4.5, json.dumps(where)
