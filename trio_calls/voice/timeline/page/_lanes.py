"""Draws the lanes: who was heard when, how loud, and what happened besides. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from trio_calls.voice.timeline.page._markup import Markup, element, joined
from trio_calls.voice.timeline.page._parties import AGENT, Parties, Party
from trio_calls.voice.timeline.page._shapes import (
    BASELINE,
    LANE,
    STRIP,
    STRIP_TOP,
    WAVE,
    box,
    interruption,
    labelled,
    row,
    shade,
    waveform,
)
from trio_calls.voice.timeline.page._sound import Sound
from trio_calls.voice.timeline.page._story import Story, begins, is_done, unheard_seconds
from trio_calls.voice.timeline.page._times import Axis, clock, lasting, tick_label
from trio_calls.voice.timeline.records import Said, Turn

#: The parts of a reaction time, in order.
PARTS: Final = ("pause", "thinking", "synthesis", "queue")

_RULER: Final = 22
_REACTION: Final = 12

#: The share of the width that a mark needs for its text where the lanes are the widest. Texts are
#: what takes browsers long, and some applications note something at every frame.
_LEAST_ROOM: Final = 0.0005

#: The states and modes that have colours of their own.
_COLOURED: Final = {"PENDING", "ANSWERED", "CONNECTED", "BARGE", "WHISPER", "SPY"}


def draw_lanes(story: Story, parties: Parties, axis: Axis, sounds: Sequence[Sound]) -> Markup:
    """Draw all the lanes of a call, from the ruler down."""
    legs = [
        _leg_lane(story, parties, channel, axis, sounds)
        for channel in range(1, len(parties.legs) + 1)
    ]
    states = [(state.at, state.state) for state in story.states]
    modes = [(mode.at, mode.mode) for mode in story.modes]
    commands = [
        (command.at, command.command + ("" if is_done(command) else f": {command.outcome}"))
        for command in story.commands
    ]
    notes = [(note.at, note.text) for note in story.notes]
    return joined(
        _ruler(axis),
        _bands("State", states, story.end, axis),
        _bands("Mode", modes, story.end, axis),
        legs[0],
        _reactions(story.turns, axis),
        _agent_lane(story, axis, sounds),
        *legs[1:],
        _marks("Commands", commands, axis),
        _marks("Notes", notes, axis),
    )


def _ruler(axis: Axis) -> Markup:
    ticks = [
        joined(
            element("line", x1=axis.x(at), x2=axis.x(at), y1=14, y2=_RULER),
            element("text", tick_label(at), x=axis.x(at), dx=4, y=BASELINE),
        )
        for at in axis.ticks()
    ]
    picture = element("svg", *ticks, width="100%", height=_RULER, aria_hidden="true", id="ruler")
    return element("div", picture, class_="row ruler")


def _bands(name: str, changes: Sequence[tuple[float, str]], end: float, axis: Axis) -> Markup:
    """Draw what held from when to when, each up to the next one."""
    following = [*(at for at, _ in changes), end][1:]
    drawn = [
        labelled(what, f"band {_colour_of(what)}", axis, (at, until), room=until)
        for (at, what), until in zip(changes, following, strict=True)
        if until > at
    ]
    if not drawn:
        return joined()
    about = ", ".join(f"{what} from {clock(at)}" for at, what in changes)
    return row(name.lower(), name, about, STRIP, *drawn)


def _colour_of(name: str) -> str:
    return name.lower() if name in _COLOURED else "other"


def _leg_lane(
    story: Story, parties: Parties, channel: int, axis: Axis, sounds: Sequence[Sound]
) -> Markup:
    party = parties.legs[channel - 1]
    spans = [
        (heard.start, heard.speech_end)
        for heard in sorted(story.heard, key=lambda heard: heard.start)
        if party in parties.speakers(heard.channel, heard.start, heard.speech_end)
    ]
    following = [*(start for start, _ in spans), axis.end][1:]
    strips = [
        labelled(lasting(end - start), "heard", axis, (start, end), room=room, y=STRIP_TOP)
        for (start, end), room in zip(spans, following, strict=True)
    ]
    waves = [
        waveform(sound, channel - 1, axis, f"wave-leg-{channel}-{index}")
        for index, sound in enumerate(sounds)
        if channel < len(sound.peaks)
    ]
    marks = [
        interruption(mark.at, axis)
        for mark in story.interruptions
        if party in parties.interrupters(mark.channel, mark.at)
    ]
    shades = [shade(axis, start, end) for start, end in spans]
    return _lane(party, f"spoke {len(spans)} times", *shades, *strips, *waves, *marks)


def _agent_lane(story: Story, axis: Axis, sounds: Sequence[Sound]) -> Markup:
    said = sorted(story.said, key=begins)
    following = [*map(begins, said), axis.end][1:]
    strips = [_said(speech, room, axis) for speech, room in zip(said, following, strict=True)]
    waves = [
        waveform(sound, len(sound.peaks) - 1, axis, f"wave-agent-{index}")
        for index, sound in enumerate(sounds)
    ]
    pauses = [
        box(
            "pause",
            axis,
            (pause.start, pause.end),
            title=f"paused for {lasting(pause.end - pause.start)}",
            y=STRIP_TOP,
            height=STRIP,
        )
        for pause in story.pauses
    ]
    marks = [interruption(mark.at, axis) for mark in story.interruptions]
    about = f"spoke {len(said)} times, and was interrupted {len(marks)} times"
    return _lane(AGENT, about, *strips, *waves, *pauses, *marks)


def _lane(party: Party, about: str, *children: str) -> Markup:
    number = [" ", element("bdi", party.number)] if party.number else []
    caption = element("div", element("b", party.name), *number, class_="caption")
    middle = element("line", class_="middle", x1=0, x2="100%", y1=WAVE // 2, y2=WAVE // 2)
    picture = element(
        "svg",
        middle,
        *children,
        width="100%",
        height=LANE,
        role="img",
        aria_label=f"{party.name}: {about}",
    )
    return element("div", caption, picture, class_=f"row lane {party.key}", data_row=party.key)


def _said(said: Said, room: float, axis: Axis) -> Markup:
    """Draw what was heard of a speech and, hatched, what would have come."""
    drawn = []
    unheard = unheard_seconds(said)
    if said.start is not None:
        span = (said.start, said.end)
        text = said.text or lasting(said.heard_seconds)
        text_room = said.end if unheard else room
        drawn = [
            shade(axis, *span),
            labelled(text, "said", axis, span, room=text_room, y=STRIP_TOP),
        ]
    if unheard:
        span = (said.end, max(said.end, min(said.end + unheard, room)))
        title = f"{lasting(unheard)} that nobody heard"
        place = {"y": STRIP_TOP, "height": STRIP, "fill": "url(#hatch)"}
        drawn.append(box("unheard", axis, span, title=title, **place))
    return joined(*drawn)


def _reactions(turns: Sequence[Turn], axis: Axis) -> Markup:
    if not turns:
        return joined()
    bars = []
    for turn in turns:
        at = turn.speech_end
        for part in PARTS:
            seconds: float = getattr(turn, part)
            title = f"{part} {lasting(seconds)}"
            span = (at, at + seconds)
            bars.append(box(f"part {part}", axis, span, title=title, height=_REACTION))
            at += seconds
    return row("reaction", "Reaction", f"{len(turns)} turns", _REACTION, *bars)


def _marks(name: str, marks: Sequence[tuple[float, str]], axis: Axis) -> Markup:
    """Draw marks with texts, each of which has room up to the next one."""
    if not marks:
        return joined()
    in_order = sorted(marks)
    following = [*(at for at, _ in in_order), axis.end][1:]
    drawn = [
        _mark(text, axis, at, room) for (at, text), room in zip(in_order, following, strict=True)
    ]
    about = "; ".join(f"{clock(at)} {text}" for at, text in in_order)
    return row(name.lower(), name, about, STRIP, *drawn)


def _mark(text: str, axis: Axis, at: float, room: float) -> Markup:
    x = axis.x(at)
    if room - at < _LEAST_ROOM * (axis.end - axis.start):
        return element("line", class_="stem", x1=x, x2=x, y1=0, y2=STRIP)
    return element(
        "svg",
        element("title", f"{clock(at)} {text}"),
        element("path", d=f"M0 0v{STRIP}", class_="stem"),
        element("text", text, x=6, y=BASELINE),
        class_="mark",
        x=x,
        width=axis.width(at, room),
        height=STRIP,
    )
