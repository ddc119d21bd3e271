"""What an application may note. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

#: How long a note may be as JSON, in characters: timelines are kept in memory.
MAX_LENGTH: Final = 2**16

#: How deep lists and objects may be nested.
MAX_DEPTH: Final = 20


def check_note(text: object, details: Mapping[str, object]) -> dict[str, Any]:
    """Return a copy of a note's details that nobody changes any more.

    Raises:
      TypeError: the text is none, or a detail is nothing that JSON can tell.
      ValueError: a number that is none, or more than a note may hold.
    """
    if not isinstance(text, str):
        raise TypeError(f"the text of a note must be str, not {type(text).__name__}")
    checked = {name: _checked(name, value, MAX_DEPTH) for name, value in details.items()}
    length = len(text) + len(json.dumps(checked))
    if length > MAX_LENGTH:
        raise ValueError(f"a note holds {MAX_LENGTH} characters at the most, not {length}")
    return checked


def _checked(name: str, value: object, depth: int) -> Any:
    if depth == 0:
        raise ValueError(f"{name} is nested deeper than {MAX_DEPTH} levels, or in itself")
    match value:
        case None | bool():
            return value
        # Subclasses, such as enums and NumPy's floats, become what they are to JSON.
        case str():
            return str.__str__(value)
        case int():
            return int.__int__(value)
        case float():
            if not math.isfinite(value):
                raise ValueError(f"{name} must be finite, not {value!r}")
            return float.__float__(value)
        case list() | tuple():
            return [_checked(name, inner, depth - 1) for inner in value]
        case Mapping():
            return {_checked_key(name, key): _checked(name, value[key], depth - 1) for key in value}
        case _:
            raise TypeError(
                f"{name} must be something that JSON can tell (text, a number, a bool, None, a "
                f"list, or a dict of these), not {type(value).__name__}"
            )


def _checked_key(name: str, key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"the keys in {name} must be str, not {type(key).__name__}")
    return str.__str__(key)
