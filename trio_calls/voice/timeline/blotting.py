"""Leaving telephone numbers out of records. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

from trio_calls.voice.timeline.records import (
    CallOpened,
    CommandEnded,
    Note,
    Record,
    RecordingEnded,
    RecordingStarted,
    Said,
)

#: What stands where a number stood.
BLOT: Final = "•••"

#: From so many digits on it may be somebody's number: shorter ones are prices, dates and times.
MIN_DIGITS: Final = 7

#: What people write between the digits of a number, and how much of it at the most.
_GAP: Final = r"[\s().\-\u2010-\u2015\u2212/·]{0,3}"
_SCHEME: Final = re.compile(r"^(?:sips?|tel):", re.IGNORECASE)
_MAX_MORE_DIGITS: Final = 15
_ANY_NUMBER: Final = re.compile(rf"\+?\(?\d(?:{_GAP}\d){{{MIN_DIGITS - 1},}}")

#: What only the call's own numbers are left out of: the names of files are dates, often.
_NAMES_OF_OTHERS: Final[Mapping[type, str]] = {
    CommandEnded: "outcome",
    RecordingStarted: "path",
    RecordingEnded: "failure",
}


class Blotter:
    """Leaves the numbers of a call out, and whatever else looks like one.

    The call's own numbers are left out wherever they appear, however short they are and however
    their digits are parted.

    Args:
      numbers: of the call, in whatever form the exchange tells them.
    """

    def __init__(self, numbers: Iterable[str | None]) -> None:
        own = {pattern for number in numbers if number for pattern in _patterns_of(number)}
        self._own = re.compile("|".join(sorted(own)), re.IGNORECASE) if own else None

    def blot(self, record: Record) -> Record:
        """Return a record without numbers."""
        changes = self._changes(record)
        return attrs.evolve(record, **changes) if changes else record

    def _changes(self, record: Record) -> dict[str, Any]:
        match record:
            case CallOpened():
                numbers = {"caller_number", "callee_number"}
                return {name: getattr(record, name) and BLOT for name in numbers}
            case Said(text=str(text)):
                return {"text": self._in_text(text)}
            case Note():
                text, details = self._in_text(record.text), self._in_value(record.details)
                return {"text": text, "details": details}
            case CommandEnded() | RecordingStarted() | RecordingEnded():
                name = _NAMES_OF_OTHERS[type(record)]
                return {name: self._own_in(getattr(record, name))}
            case _:
                return {}

    def _own_in(self, text: str | None) -> str | None:
        return self._own.sub(BLOT, text) if text and self._own else text

    def _in_text(self, text: str) -> str:
        return _ANY_NUMBER.sub(BLOT, self._own_in(text) or "")

    def _in_value(self, value: Any) -> Any:
        match value:
            case str():
                return self._in_text(value)
            case Mapping():
                return self._in_items(value)
            case list():
                return [self._in_value(inner) for inner in value]
            case int() | float() if not isinstance(value, bool):
                return BLOT if self._is_number(value) else value
            case _:
                return value

    def _in_items(self, value: Mapping[str, Any]) -> dict[str, Any]:
        items: dict[str, Any] = {}
        for key, inner in value.items():
            name = blotted = self._in_text(key)
            number = 1
            while name in items:
                # Two numbers are two keys still.
                number += 1
                name = f"{blotted} ({number})"
            items[name] = self._in_value(inner)
        return items

    def _is_number(self, value: float) -> bool:
        """Return whether a number of JSON may be a telephone's: it is whole, then."""
        if value != int(value):
            return False
        digits = str(abs(int(value)))
        return self._in_text(digits) != digits


def _patterns_of(number: str) -> Iterator[str]:
    """Yield what finds a number of a call: its digits, or else the name that it is."""
    user = _SCHEME.sub("", number).partition("@")[0]
    digits = re.findall(r"\d", user)
    if re.search(r"[^\W\d_]", user) or not digits:
        yield from (rf"(?<!\w){re.escape(name)}(?!\w)" for name in (number, user) if name)
    elif len(digits) <= MIN_DIGITS:
        yield rf"\+?\(?(?<!\d){_GAP.join(digits)}(?!\d)"
    else:
        # Without the code of the country or the town, or with a longer one, it is the same.
        end = _GAP.join(digits[-MIN_DIGITS:])
        yield rf"\+?\(?(?:\d{_GAP}){{0,{_MAX_MORE_DIGITS}}}{end}(?!\d)"
