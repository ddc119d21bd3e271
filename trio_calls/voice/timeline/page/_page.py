"""Puts the page together. Pure, but for the style sheet and the script, which are files here."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files

from trio_calls.voice.timeline.page._header import draw_header
from trio_calls.voice.timeline.page._lanes import draw_lanes
from trio_calls.voice.timeline.page._legend import HATCH, draw_legend
from trio_calls.voice.timeline.page._markup import Markup, element
from trio_calls.voice.timeline.page._narrative import tell
from trio_calls.voice.timeline.page._parties import Parties
from trio_calls.voice.timeline.page._player import draw_audio, draw_keys, draw_player
from trio_calls.voice.timeline.page._sound import Sound
from trio_calls.voice.timeline.page._story import Story
from trio_calls.voice.timeline.page._times import Axis
from trio_calls.voice.timeline.page._turns import turn_table
from trio_calls.voice.timeline.records import Turn


def page(story: Story, sounds: Sequence[Sound] = (), remark: str = "") -> str:
    """Return a call's timeline as a page of HTML that needs nothing else.

    Nothing that the story tells becomes markup or script, whatever is in it, and the page loads
    nothing from any network. Its policy forbids other scripts, and loading.

    Args:
      story: what happened, as `story_of` sorts it.
      sounds: the recordings of the call. Without any, the lanes have no waveforms.
      remark: what else to say of the recordings, such as why one is missing.
    """
    end = max([story.end, *(sound.start + sound.seconds for sound in sounds)])
    start = min([story.start, *(sound.start for sound in sounds)])
    # Marks at the very end need some room for their texts.
    axis = Axis(start, end + max(0.2, 0.015 * (end - start)))
    parties = Parties(story, sounds)
    style, script = _asset("page.css"), _asset("page.js")
    body = element(
        "body",
        element("main", *_sections(story, parties, axis, sounds, remark)),
        *map(draw_audio, sounds),
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
        "media-src data: 'self' file:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _sections(
    story: Story, parties: Parties, axis: Axis, sounds: Sequence[Sound], remark: str
) -> list[Markup]:
    told = element("section", element("h2", "What happened"), tell(story, parties), class_="card")
    columns = [told, _turns(story.turns)] if story.turns else [told]
    about = "Times are those of the clock that began when the voice was opened."
    return [
        draw_header(story),
        _timeline(story, parties, axis, sounds, remark),
        element("div", *columns, class_="columns"),
        element("footer", element("p", about), draw_keys(is_recorded=bool(sounds))),
    ]


def _timeline(
    story: Story, parties: Parties, axis: Axis, sounds: Sequence[Sound], remark: str
) -> Markup:
    lanes = element(
        "div",
        draw_lanes(story, parties, axis, sounds),
        element("div", id="playhead", aria_hidden="true", hidden=True),
        id="lanes",
    )
    remarks = [text for text in (_forgotten(story.call.forgotten), remark) if text]
    return element(
        "section",
        element("h2", "Timeline", class_="unseen"),
        HATCH,
        draw_player(axis, is_recorded=bool(sounds)),
        element("div", lanes, id="scroll", tabindex=0, role="region", aria_label="Lanes"),
        *(element("p", text, class_="remark") for text in remarks),
        draw_legend(),
        class_="card",
    )


def _forgotten(records: int) -> str:
    if not records:
        return ""
    return f"The begin is missing: {records} record(s) were gone before the file was opened."


def _turns(turns: Sequence[Turn]) -> Markup:
    about = "From the end of what somebody said until the answer is heard, in seconds."
    table = element(
        "div",
        turn_table(turns),
        class_="table",
        tabindex=0,
        role="region",
        aria_label="Reaction times",
    )
    return element(
        "section",
        element("h2", "Reaction times"),
        element("p", about, class_="about"),
        table,
        class_="card turns",
    )
