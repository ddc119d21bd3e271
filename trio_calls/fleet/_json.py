"""Strict reading of the small pieces of JSON that the directory consists of.

Whoever may write to Redis may write anything. Keys that are not known are passed over: they may be
of a newer version.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from typing import Any, Final, TypeVar

EnumT = TypeVar("EnumT", bound=enum.Enum)

#: Longer than this nothing is that a worker writes.
MAX_BYTES: Final = 16_384
MAX_TEXT: Final = 512

_MAX_NUMBER: Final = 2**53


def write_object(values: Mapping[str, object]) -> bytes:
    """Return an object as JSON."""
    return json.dumps(values, separators=(",", ":")).encode()


def read_object(data: bytes) -> dict[str, Any]:
    """Return the object that is written as JSON.

    Raises:
      ValueError: it is none.
    """
    if len(data) > MAX_BYTES:
        raise ValueError("too long")
    try:
        found = json.loads(data)
    except (RecursionError, ValueError):
        found = None
    if not isinstance(found, dict):
        # Outside of the handler: the errors of decoding hold what they could not read.
        raise ValueError("no object")
    return found


def text_of(values: Mapping[str, Any], name: str) -> str:
    """Return a text of 1 to `MAX_TEXT` characters.

    Raises:
      ValueError: it is none.
    """
    value = values.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT:
        raise ValueError(f"{name} is no text, or too long")
    return value


def optional_text_of(values: Mapping[str, Any], name: str) -> str | None:
    """Return a text as `text_of`, or None where there is none."""
    return None if values.get(name) is None else text_of(values, name)


def count_of(values: Mapping[str, Any], name: str) -> int:
    """Return a whole number from 0 on.

    Raises:
      ValueError: it is none.
    """
    value = values.get(name)
    if type(value) is not int or not 0 <= value <= _MAX_NUMBER:
        raise ValueError(f"{name} is no number from 0 on")
    return value


def flag_of(values: Mapping[str, Any], name: str) -> bool:
    """Return true or false.

    Raises:
      ValueError: it is neither.
    """
    value = values.get(name)
    if type(value) is not bool:
        raise ValueError(f"{name} is neither true nor false")
    return value


def member_of(values: Mapping[str, Any], name: str, kind: type[EnumT]) -> EnumT:
    """Return a member of an enum, by its name.

    Raises:
      ValueError: it has no such member.
    """
    try:
        return kind[values[name]]
    except (KeyError, TypeError):
        raise ValueError(f"{name} is no {kind.__name__}") from None


def optional_member_of(values: Mapping[str, Any], name: str, kind: type[EnumT]) -> EnumT | None:
    """Return a member as `member_of`, or None where there is none."""
    return None if values.get(name) is None else member_of(values, name, kind)
