"""The shapes that lanes are drawn with. Pure.

Everything is placed in per cent of the width, so that lanes can be stretched and text cannot.
"""

from __future__ import annotations

from typing import Final

from trio_calls.voice.timeline.page._markup import Markup, element
from trio_calls.voice.timeline.page._sound import HEIGHTS, Sound, outline
from trio_calls.voice.timeline.page._times import Axis, clock

#: Heights, in pixels: of a waveform, of a strip with text, and of a lane that has both.
WAVE: Final = 56
STRIP: Final = 22
STRIP_TOP: Final = 60
LANE: Final = STRIP_TOP + STRIP

#: Where the baseline of text in a strip is, below its top.
BASELINE: Final = 15

#: The amplitude that fills a lane at the least, so that noise does not look like speech.
_LEAST_LOUDEST: Final = 2048


def row(kind: str, name: str, about: str, height: int, *children: str) -> Markup:
    """Draw a row of the timeline, under its name; `about` is what it says to those who see none."""
    picture = element(
        "svg", *children, width="100%", height=height, role="img", aria_label=f"{name}: {about}"
    )
    caption = element("div", name, class_="caption")
    return element("div", caption, picture, class_=f"row {kind}", data_row=kind)


def box(kind: str, axis: Axis, span: tuple[float, float], **attributes: object) -> Markup:
    """Draw a rectangle from one time to another. `title` is what a pointer shows of it."""
    start, end = span
    title = attributes.pop("title", None)
    return element(
        "rect",
        *([element("title", f"{clock(start)} {title}")] if title else []),
        class_=kind,
        x=axis.x(start),
        width=axis.width(start, end),
        **attributes,
    )


def labelled(
    text: str, kind: str, axis: Axis, span: tuple[float, float], *, room: float, y: int = 0
) -> Markup:
    """Draw a box with a text, for which there is room up to a time after the box's end."""
    start, end = span
    return element(
        "g",
        element("title", f"{clock(start)} {text}"),
        box("box", axis, span, y=y, height=STRIP, rx=4),
        element(
            "svg",
            element("text", text, x=6, y=BASELINE),
            x=axis.x(start),
            width=axis.width(start, max(end, room)),
            y=y,
            height=STRIP,
        ),
        class_=kind,
    )


def shade(axis: Axis, start: float, end: float) -> Markup:
    """Draw the ground on which a waveform is speech."""
    return box("shade", axis, (start, end), height=WAVE)


def waveform(sound: Sound, channel: int, axis: Axis, name: str) -> Markup:
    """Draw how loud a channel of a recording is; `name` is the shape's own on the page."""
    peaks = sound.peaks[channel]
    loudest = max(_LEAST_LOUDEST, *(int(each.max()) for each in sound.peaks))
    return element(
        "svg",
        element("path", d=outline(peaks, loudest), id=name),
        element("use", href=f"#{name}", transform="scale(1 -1)"),
        class_="wave",
        x=axis.x(sound.start),
        width=axis.width(sound.start, sound.start + sound.seconds),
        height=WAVE,
        viewBox=f"0 {-HEIGHTS} {len(peaks)} {2 * HEIGHTS}",
        preserveAspectRatio="none",
    )


def interruption(at: float, axis: Axis) -> Markup:
    """Draw a mark across a lane."""
    return element(
        "svg",
        element("title", f"{clock(at)} interrupted"),
        element("path", d=f"M-5 0h10l-4 7v{LANE}h-2v-{LANE}z"),
        class_="interruption",
        x=axis.x(at),
        width=1,
        height=LANE,
        overflow="visible",
    )
