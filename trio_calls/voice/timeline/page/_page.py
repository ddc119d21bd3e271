"""Puts the page together. Pure, but for the style sheet and the script, which are files here."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from importlib.resources import files
from statistics import median
from typing import Final

from trio_calls.voice.timeline.blotting import BLOT
from trio_calls.voice.timeline.page._lanes import draw_lanes
from trio_calls.voice.timeline.page._markup import Markup, element, joined
from trio_calls.voice.timeline.page._narrative import tell
from trio_calls.voice.timeline.page._parties import Parties
from trio_calls.voice.timeline.page._sound import Sound
from trio_calls.voice.timeline.page._story import Story, unheard_seconds
from trio_calls.voice.timeline.page._times import Axis, clock, ending_words, lasting
from trio_calls.voice.timeline.page._turns import turn_table

_KEYS: Final = (
    ("Space", "play and pause"),
    ("←  →", "2 s back and on"),
    ("Home  End", "to the begin and the end"),
    ("+  -  0", "zoom in, out, and back"),
)


def page(story: Story, sounds: Sequence[Sound] = (), remark: str = "") -> str:
    """Return a call's timeline as a page of HTML that needs nothing else.

    Nothing that the story tells becomes markup or script, whatever is in it, and the page loads
    nothing from any network: its policy forbids both.

    Args:
      story: what happened, as `story_of` sorts it.
      sounds: the recordings of the call. Without any, the lanes have no waveforms.
      remark: what else to say of the recordings, such as why one is missing.
    """
    end = max([story.end, *(sound.start + sound.seconds for sound in sounds)])
    start = min([story.start, *(sound.start for sound in sounds)])
    # Marks at the very end need some room for their texts.
    axis = Axis(start, end + max(0.2, 0.015 * (end - start)))
    parties = Parties(story, max((len(sound.peaks) - 1 for sound in sounds), default=0))
    style, script = _asset("page.css"), _asset("page.js")
    body = element(
        "body",
        element("main", *_sections(story, parties, axis, sounds, remark)),
        *map(_audio, sounds),
        element("script", Markup(script)),
        data_start=axis.start,
        data_end=axis.end,
        data_last=end,
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"Call {story.call.call_id}"),
        element("style", Markup(style)),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Allow this style sheet, this script, and sound from the page or from beside it."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "media-src data: blob: 'self' file:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _sections(
    story: Story, parties: Parties, axis: Axis, sounds: Sequence[Sound], remark: str
) -> list[Markup]:
    sections = [
        _header(story),
        _timeline(story, parties, axis, sounds, remark),
        element("h2", "What happened"),
        tell(story, parties),
    ]
    told = element("section", *sections[2:], class_="card told")
    parts = [told]
    if story.turns:
        table = element(
            "div",
            turn_table(story.turns),
            class_="table",
            tabindex=0,
            role="region",
            aria_label="Reaction times",
        )
        about = element(
            "p",
            "From the end of what somebody said until the answer is heard, in seconds.",
            class_="about",
        )
        parts.append(
            element("section", element("h2", "Reaction times"), about, table, class_="card turns")
        )
    return [*sections[:2], element("div", *parts, class_="columns"), _footer()]


def _header(story: Story) -> Markup:
    date, name = _date(story.call.opened_at), f"call {story.call.call_id}"
    ending = story.states[-1].ending
    ended = [ending_words(ending)] if ending else []
    if _are_numbers_blotted(story):
        title, facts = element("h1", f"Call of {date}"), [name, *ended]
    else:
        title, facts = _numbers(story), [date, name, *ended]
    return element("header", title, element("p", " · ".join(facts), class_="lead"), _figures(story))


def _are_numbers_blotted(story: Story) -> bool:
    return {story.call.caller_number, story.call.callee_number} <= {BLOT, None}


def _numbers(story: Story) -> Markup:
    caller, callee = (
        element("bdi", number or "number withheld")
        for number in (story.call.caller_number, story.call.callee_number)
    )
    return element(
        "h1", caller, element("span", " → ", class_="arrow", aria_label=" calls "), callee
    )


def _figures(story: Story) -> Markup:
    totals = [turn.total for turn in story.turns]
    unheard = sum(map(unheard_seconds, story.said))
    figures = [("Length", lasting(story.end - story.start))]
    if totals:
        figures += [
            ("Median reaction", lasting(median(totals))),
            ("Slowest reaction", lasting(max(totals))),
        ]
    figures += [
        ("Interruptions", str(len(story.interruptions))),
        ("Speech that nobody heard", lasting(unheard)),
    ]
    return element(
        "dl",
        *(element("div", element("dt", name), element("dd", value)) for name, value in figures),
        class_="figures",
    )


def _timeline(
    story: Story, parties: Parties, axis: Axis, sounds: Sequence[Sound], remark: str
) -> Markup:
    lanes = element(
        "div",
        draw_lanes(story, parties, axis, sounds),
        element("div", id="playhead", aria_hidden="true", hidden=True),
        id="lanes",
    )
    return element(
        "section",
        element("h2", "Timeline", class_="unseen"),
        _HATCH,
        _player(axis, bool(sounds)),
        element("div", lanes, id="scroll", tabindex=0, role="region", aria_label="Lanes"),
        element("p", remark, class_="remark") if remark else "",
        _legend(),
        class_="card timeline",
    )


_HATCH: Final = element(
    "svg",
    element(
        "defs",
        element(
            "pattern",
            element("path", d="M0 0v7", class_="hatch-line"),
            id="hatch",
            width=7,
            height=7,
            patternUnits="userSpaceOnUse",
            patternTransform="rotate(45)",
        ),
    ),
    width=0,
    height=0,
    aria_hidden="true",
    class_="unseen",
)


def _player(axis: Axis, is_recorded: bool) -> Markup:
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


def _legend() -> Markup:
    items = [
        ("box said", "said and heard"),
        ("box unheard", "said and not heard"),
        ("box paused", "paused"),
        ("box interruption", "interrupted"),
        *((f"swatch {part}", part) for part in ("pause", "thinking", "synthesis", "queue")),
    ]
    return element(
        "ul",
        *(element("li", element("span", class_=f"key {kind}"), text) for kind, text in items),
        class_="legend",
    )


def _audio(sound: Sound) -> Markup:
    return element(
        "audio",
        src=sound.source,
        preload="auto" if sound.is_embedded else "metadata",
        data_start=sound.start,
        data_seconds=sound.seconds,
    )


def _footer() -> Markup:
    keys = [joined(element("kbd", key), f" {meaning}") for key, meaning in _KEYS]
    return element(
        "footer",
        element("p", "Times are those of the clock that began when the voice was opened."),
        element("p", *(joined(key, "  ") for key in keys), class_="keys"),
    )


def _date(opened_at: str) -> str:
    """Write a time of ISO 8601 as people read it; others stay as they are."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)", opened_at)
    return f"{match[1]} {match[2]} UTC" if match else opened_at
