"""Timelines and recordings of calls that never were, and pages as their readers find them."""

import json
import wave
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import attrs
import numpy as np
from numpy.typing import NDArray

from trio_calls.voice.timeline.json_lines import parse_timeline
from trio_calls.voice.timeline.page import Sound, Story, page, story_of

CALL = {
    "at": 0.0,
    "kind": "call",
    "version": 1,
    "call_id": "c-1",
    "caller_number": "+65 9111 0000",
    "callee_number": "+65 6222 0000",
    "sample_rate": 8000,
    "opened_at": "2026-11-28T16:35:02.112Z",
    "state": "ANSWERED",
    "mode": None,
}
HEARD = {"channel": 0, "reason": "pause"}
SAID = {"ending": "HEARD", "text": None, "is_text_estimated": False}
OVER = {"at": 100.0, "kind": "state", "state": "DISCONNECTED", "ending": "CALLER"}


def line(record: dict[str, object]) -> str:
    return json.dumps(record) + "\n"


def lines(*records: dict[str, object], **call: object) -> list[str]:
    """Return the lines of a timeline; `call` are members of its first record."""
    return [line(record) for record in ({**CALL, **call}, *records)]


def told(*records: dict[str, object], **call: object) -> Story:
    """Return what a timeline tells."""
    return story_of(parse_timeline("".join(lines(*records, **call)).encode()))


def said(
    start: float, heard: float, of: float | None = None, **members: object
) -> dict[str, object]:
    """Return the record of a speech that was heard for so many seconds, of so many."""
    is_cut = of is not None
    return {
        **SAID,
        "at": start + heard,
        "kind": "said",
        "start": start,
        "end": start + heard,
        "seconds": of if of is not None else heard,
        "heard_seconds": heard,
        "ending": "INTERRUPTED" if is_cut else "HEARD",
        "is_text_estimated": is_cut,
        **members,
    }


def heard(start: float, end: float, **members: object) -> dict[str, object]:
    """Return the record of an utterance."""
    times = {"at": end + 0.5, "start": start, "speech_end": end, "end": end + 0.5}
    return {**HEARD, "kind": "heard", **times, **members}


def turn(speech_end: float, *parts: float) -> dict[str, object]:
    """Return the record of a reaction time: pause, thinking, synthesis, queue."""
    named = dict(zip(("pause", "thinking", "synthesis", "queue"), parts, strict=True))
    at = speech_end + sum(parts)
    return {"at": at, "kind": "turn", "speech_end": speech_end, **named, "total": sum(parts)}


def write_recording(path: Path, samples: NDArray[np.int16], sample_rate: int = 8000) -> Path:
    """Write samples of shape (frames, channels) to a WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


@attrs.define(eq=False)
class Element:
    """An element of a page, with what is in it."""

    tag: str
    attributes: dict[str, str]
    parent: "Element | None" = attrs.field(repr=False)
    children: list["Element | str"] = attrs.field(factory=list, repr=False)

    @property
    def text(self) -> str:
        """All the text in it, as it is read."""
        return "".join(
            child if isinstance(child, str) else child.text
            for child in self.children
            if isinstance(child, str) or child.tag not in ("title", "style", "script")
        )

    @property
    def kinds(self) -> set[str]:
        return set(self.attributes.get("class", "").split())

    def every(self, tag: str = "", kind: str = "", **attributes: str) -> "list[Element]":
        """Find the elements in it that have this tag, this class and these attributes."""
        return [
            element
            for element in self.walk()
            if tag in ("", element.tag)
            and (not kind or kind in element.kinds)
            and all(element.attributes.get(name) == value for name, value in attributes.items())
        ]

    def only(self, tag: str = "", kind: str = "", **attributes: str) -> "Element":
        (element,) = self.every(tag, kind, **attributes)
        return element

    def lane(self, name: str) -> "Element":
        """Find a row of the timeline."""
        return self.only("div", **{"data-row": name})

    def walk(self) -> "Iterator[Element]":
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child.walk()


class _Reader(HTMLParser):
    VOID = ("meta", "input")

    def __init__(self) -> None:
        super().__init__()
        self.root = self.now = Element("", {}, None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self.now)
        self.now.children.append(element)
        if tag not in self.VOID:
            self.now = element

    def handle_endtag(self, tag: str) -> None:
        assert self.now.tag == tag
        assert self.now.parent is not None
        self.now = self.now.parent

    def handle_data(self, data: str) -> None:
        self.now.children.append(data)


def read_page(text: str) -> Element:
    """Read a page as a browser does; every element has to be closed where it was opened."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert reader.now is reader.root
    return reader.root


def drawn(*records: dict[str, object], sounds: tuple[Sound, ...] = (), **call: object) -> Element:
    """Return the page of a timeline."""
    return read_page(page(told(*records, **call), sounds))


def times(element: Element, root: Element) -> tuple[float, float]:
    """Return from when to when something is drawn, in seconds."""
    body = root.only("body").attributes
    start, end = float(body["data-start"]), float(body["data-end"])
    scale = (end - start) / 100
    x, width = (
        float(element.attributes[name].removesuffix("%")) * scale for name in ("x", "width")
    )
    return start + x, start + x + width
