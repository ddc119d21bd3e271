"""What a tab is told, as JSON. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from trio_calls.web._faults import FAULTS


def hello(*, sample_rate: int, number: str, dial: str, agent: str | None) -> str:
    """Greet a page: its number, a number to call, what can go wrong, and the agent's name."""
    faults = [{"name": fault.name, "title": fault.title} for fault in FAULTS]
    return _text(
        "hello", sample_rate=sample_rate, number=number, dial=dial, faults=faults, agent=agent
    )


def registered(number: str) -> str:
    """Say that the page has a number."""
    return _text("registered", number=number)


def error(message: str, about: str) -> str:
    """Say in a sentence what cannot be done; `about` is the type of what was asked for."""
    return _text("error", message=message, about=about)


def ringing(*, call_id: str, caller: str, callee: str) -> str:
    """Ring."""
    return _text("ringing", call_id=call_id, caller=caller, callee=callee)


def ring_ended(*, call_id: str, reason: str) -> str:
    """Ring no longer."""
    return _text("ring_ended", call_id=call_id, reason=reason)


def call(*, call_id: str, role: str, state: str, mode: str | None, ending: str | None) -> str:
    """Say how a call is."""
    return _text("call", call_id=call_id, role=role, state=state, mode=mode, ending=ending)


def event(*, at: float, party: str, text: str) -> str:
    """Say what has happened, `at` seconds after the call was placed."""
    return _text("event", at=round(at, 3), text=text, **{"from": party})


def timeline(record: str) -> str:
    """Pass on a record of the agent's timeline, which is JSON already."""
    return f'{{"type":"timeline","record":{record.rstrip()}}}'


def recordings(files: Iterable[Mapping[str, str]]) -> str:
    """Say which recordings there are of the call that is over."""
    return _text("recordings", files=list(files))


def message(*, is_from_agent: bool, text: str, at: float) -> str:
    """Show what was written, `at` seconds after the conversation began."""
    party = "agent" if is_from_agent else "you"
    return _text("message", text=text, at=round(at, 3), **{"from": party})


def conversation(*, state: str, reason: str | None) -> str:
    """Say how the conversation is."""
    return _text("conversation", state=state, reason=reason)


def ping(number: int) -> str:
    """Ask for a sign of life."""
    return _text("ping", n=number)


def _text(kind: str, **members: Any) -> str:
    return json.dumps({"type": kind, **members}, ensure_ascii=False, separators=(",", ":"))
