"""The player: what plays the recordings, and moves through the lanes. Pure."""

from __future__ import annotations

from typing import Final

from trio_calls.voice.timeline.page._markup import Markup, element, joined
from trio_calls.voice.timeline.page._sound import Sound
from trio_calls.voice.timeline.page._times import Axis, clock

_PLAYING: Final = ("Space", "play and pause")
_MOVING: Final = (
    ("←  →", "2 s back and on"),
    ("Home  End", "to the begin and the end"),
    ("+  -  0", "zoom in, out, and back"),
)


def draw_player(axis: Axis, *, is_recorded: bool) -> Markup:
    """Return buttons and a slider, which are shown where scripts run."""
    play = element("button", "Play", id="play", type="button") if is_recorded else ""
    return element(
        "div",
        play,
        element("span", clock(0.0), id="now", class_="clock"),
        element(
            "input",
            type="range",
            id="seek",
            min=axis.start,
            max=axis.end,
            step="any",
            value=0,
            aria_label="Time",
        ),
        element(
            "span",
            element(
                "button", "\N{MINUS SIGN}", id="narrower", type="button", aria_label="Zoom out"
            ),
            element("button", "+", id="wider", type="button", aria_label="Zoom in"),
            class_="zoom",
        ),
        element("p", id="trouble", role="status"),
        class_="player",
        id="player",
        hidden=True,
    )


def draw_keys(*, is_recorded: bool) -> Markup:
    """Return which keys do what."""
    keys = [_PLAYING, *_MOVING] if is_recorded else _MOVING
    named = [joined(element("kbd", key), f" {meaning}  ") for key, meaning in keys]
    return element("p", *named, class_="keys")


def draw_audio(sound: Sound) -> Markup:
    """Return what plays a recording. It is not seen."""
    return element(
        "audio",
        src=sound.source,
        preload="auto" if sound.is_embedded else "metadata",
        data_start=sound.start,
        data_seconds=sound.seconds,
    )
