"""The head of the page: which call it is, and its figures. Pure."""

from __future__ import annotations

import re
from statistics import median

from trio_calls.voice.timeline.blotting import BLOT
from trio_calls.voice.timeline.page._markup import Markup, element
from trio_calls.voice.timeline.page._story import Story, unheard_seconds
from trio_calls.voice.timeline.page._times import ending_words, lasting


def draw_header(story: Story) -> Markup:
    """Return the heading and, below it, what a call comes to in figures."""
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


def _date(opened_at: str) -> str:
    """Write a time of ISO 8601 as people read it; others stay as they are."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)", opened_at)
    return f"{match[1]} {match[2]} UTC" if match else opened_at
