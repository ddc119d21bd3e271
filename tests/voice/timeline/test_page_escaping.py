"""Whatever a timeline tells of, none of it becomes markup or script."""

import base64
import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.timelines import Element, read_page, said, told, turn
from trio_calls.voice.timeline.page import page

pytestmark = pytest.mark.pure

HOSTILE = [
    "</script><script>alert(1)</script>",
    "</style></title><img src=x onerror=alert(1)>",
    '" onload="alert(1)" x="',
    "'><svg/onload=alert(1)>",
    "]]><!--",
    "&lt;b&gt; &amp; &#x3c;",
    "javascript:alert(1)",
    "\x00\x1b[31m\x7f\x85\u2028",
    "\ud800 half a character",
    "\u202egnp.exe",
]


def page_that_tells(text: str) -> str:
    """Return a page of a timeline that has a text wherever there may be one."""
    return page(
        told(
            {"at": 1.0, "kind": "state", "state": text, "ending": text},
            {"at": 2.0, "kind": "mode", "mode": text},
            {"at": 3.0, "kind": "command", "command": text, "seconds": 0.1, "outcome": text},
            {"at": 3.5, "kind": "heard", "start": 3.0, "speech_end": 3.2, "end": 3.5}
            | {"channel": 1, "reason": "pause"},
            said(4.0, 1.0, 3.0, text=text),
            {"at": 6.0, "kind": "paused", "reason": text},
            {"at": 6.5, "kind": "resumed", "reason": text},
            {"at": 7.0, "kind": "note", "text": text, "details": {text: [text]}},
            turn(8.0, 0.1, 0.1, 0.1, 0.1),
            {"at": 9.0, "kind": "recording", "path": text, "start": 0.0},
            {"at": 10.0, "kind": "recording_ended", "seconds": 5.0, "failure": text},
            call_id=text,
            caller_number=text,
            callee_number=text,
            opened_at=text,
            state=text,
            mode=text,
        ),
        remark=text,
    )


def skeleton(root: Element) -> list[tuple[str, list[str]]]:
    return [(element.tag, sorted(element.attributes)) for element in root.walk()]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_stays_a_text(text: str) -> None:
    written = page_that_tells(text)
    assert skeleton(read_page(written)) == skeleton(read_page(page_that_tells("harmless")))
    written.encode()  # so that it can be written


@given(st.text(min_size=1))
def test_so_does_any_other(text: str) -> None:
    root = read_page(page_that_tells(text))
    assert skeleton(root) == skeleton(read_page(page_that_tells("harmless")))


def test_a_text_is_shown_as_it_is() -> None:
    text = '</script> & "quotes" <b>'
    assert read_page(page_that_tells(text)).only("q").text == text


def test_what_turns_a_text_round_is_shown() -> None:
    root = read_page(page_that_tells("\u202egnp.exe\x1b"))
    assert root.only("q").text == "\ufffdgnp.exe\ufffd"


def test_scripts_and_families_of_letters_are_left_alone() -> None:
    text = "שלום 👩\u200d💻 नमस्ते\u200c"
    assert read_page(page_that_tells(text)).only("q").text == text


def test_only_the_pages_own_script_and_style_are_allowed() -> None:
    text = page_that_tells("harmless")
    root = read_page(text)
    (policy,) = (
        element.attributes["content"]
        for element in root.every("meta")
        if element.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    allowed = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert allowed["default-src"] == "'none'"
    for name in ("script", "style"):
        (content,) = re.findall(rf"<{name}>(.*?)</{name}>", text, re.S)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert allowed[f"{name}-src"] == f"'sha256-{digest}'"


def test_nothing_is_loaded_from_anywhere() -> None:
    root = read_page(page_that_tells("harmless"))
    assert not [
        element
        for element in root.walk()
        if element.tag in ("link", "img", "iframe", "a", "object")
        or "style" in element.attributes
        or any(name.startswith("on") for name in element.attributes)
    ]
