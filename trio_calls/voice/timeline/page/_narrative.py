"""Tells what happened, one thing after another: the page's text. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final, NamedTuple

from trio_calls.voice._outcome import SpeechEnding
from trio_calls.voice.timeline.page._markup import Markup, element, joined
from trio_calls.voice.timeline.page._parties import Parties
from trio_calls.voice.timeline.page._story import Pause, Story, begins, is_done
from trio_calls.voice.timeline.page._times import clock, ending_words, lasting
from trio_calls.voice.timeline.records import CommandEnded, Said, StateChanged

#: From so many entries on, browsers are told to lay out only those that are seen.
_LONG: Final = 500


class _Entry(NamedTuple):
    at: float
    key: str
    who: str
    what: Markup


def tell(story: Story, parties: Parties) -> Markup:
    """Return a list of everything that happened, in the order in which it did."""
    entries = sorted(_entries(story, parties), key=lambda entry: entry.at)
    kind = "story long" if len(entries) > _LONG else "story"
    return element("ol", *map(_item, entries), class_=kind, id="story")


def seek_button(at: float) -> Markup:
    """Return a button that shows a time, and leads to it."""
    return element("button", clock(at), class_="time", type="button", data_seek=at)


def _item(entry: _Entry) -> Markup:
    return element(
        "li",
        seek_button(entry.at),
        element("span", entry.who, class_="who"),
        element("div", entry.what, class_="what"),
        class_=entry.key,
        data_at=entry.at,
    )


def _entries(story: Story, parties: Parties) -> Iterator[_Entry]:
    for change in story.states:
        yield _Entry(change.at, "state", "Call", _state(change))
    for mode in story.modes:
        yield _Entry(mode.at, "mode", "Mode", joined(mode.mode))
    for command in story.commands:
        yield _Entry(command.at, "command", "Command", _command(command))
    for heard in story.heard:
        who = parties.speaker(heard.channel, heard.start, heard.speech_end)
        what = joined(f"spoke for {lasting(heard.speech_end - heard.start)}")
        yield _Entry(heard.start, who.key, who.name, what)
    for said in story.said:
        yield _Entry(begins(said), "agent", "Agent", _said(said))
    for pause in story.pauses:
        yield _Entry(pause.start, "agent paused", "Agent", _pause(pause))
    for mark in story.interruptions:
        who = parties.interrupter(mark.channel, mark.at)
        yield _Entry(mark.at, "interrupted", who.name, joined("interrupted the agent"))
    for note in story.notes:
        details = json.dumps(note.details, ensure_ascii=False) if note.details else ""
        shown = element("code", details) if details else ""
        yield _Entry(note.at, "note", "Note", joined(_text("p", note.text), shown))
    for recorded in story.recordings:
        if recorded.failure is not None:
            what = joined("ended early: ", element("bdi", recorded.failure))
            yield _Entry(recorded.start, "note", "Recording", what)


def _state(change: StateChanged) -> Markup:
    return joined(change.state, f": {ending_words(change.ending)}" if change.ending else "")


def _command(command: CommandEnded) -> Markup:
    outcome = "took" if is_done(command) else f"{command.outcome} after"
    kind = None if is_done(command) else "failed"
    return joined(
        element("b", command.command),
        " ",
        element("span", f"{outcome} {lasting(command.seconds)}", class_=kind),
    )


def _said(said: Said) -> Markup:
    spoken = (
        _text("q", said.text)
        if said.text
        else element("span", f"spoke for {lasting(said.heard_seconds)}")
    )
    if said.ending is SpeechEnding.HEARD:
        return spoken
    estimate = "about here, " if said.text and said.is_text_estimated else ""
    ending = " as the call was over" if said.ending is SpeechEnding.CALL_OVER else ""
    told = (
        f"cut off {estimate}after {lasting(said.heard_seconds)} of {lasting(said.seconds)}{ending}"
        if said.heard_seconds
        else f"not heard at all, of {lasting(said.seconds)}{ending}"
    )
    return joined(spoken if said.heard_seconds else "", " ", element("span", told, class_="cut"))


def _pause(pause: Pause) -> Markup:
    why = "at a sound" if pause.reason == "sound" else f"by the {pause.reason}"
    return joined(f"paused for {lasting(pause.end - pause.start)}, {why}")


def _text(name: str, text: str) -> Markup:
    """Return what somebody wrote, whichever way it is read."""
    return element(name, text, dir="auto")
