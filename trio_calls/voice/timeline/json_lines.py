"""Records ⇄ the lines of a file: one JSON object a line. Pure but for `read_timeline`.

Strict about what it knows, and tolerant of what is new: members that are not known here are left
out, and a kind that is not known here is an `UnknownRecord`. What another version of the format
means, nobody can guess: that is an error.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn, cast

import attrs

from trio_calls.voice._endpointing import EndReason
from trio_calls.voice._errors import TimelineError
from trio_calls.voice._outcome import SpeechEnding
from trio_calls.voice.timeline.records import (
    KNOWN_KINDS,
    VERSION,
    CallOpened,
    Record,
    UnknownRecord,
)

#: A millisecond is what a clock can tell of a telephone call, and more is noise to read.
_DIGITS: Final = 3


def to_line(record: Record) -> bytes:
    """Return a record as a line of a file, with its end."""
    if isinstance(record, UnknownRecord):
        members = dict(record.members)
    else:
        members = {
            field.name: _to_member(getattr(record, field.name))
            for field in attrs.fields(type(record))
        }
    first = {"at": _to_member(record.at), "kind": record.kind}
    text = json.dumps({**first, **members, **first}, ensure_ascii=False, allow_nan=False)
    # Half of a surrogate pair is no character. The escape that this makes is JSON's, too.
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _to_member(value: object) -> object:
    if isinstance(value, float):
        return round(value, _DIGITS)
    return value.value if isinstance(value, EndReason | SpeechEnding) else value


def read_timeline(path: str | os.PathLike[str]) -> list[Record]:
    """Read a timeline, the record of the call first.

    A last line that is cut short, as by a crash, is left out.

    Raises:
      TimelineError: it is no timeline, or of another version, or damaged. The message names the
        line, and shows nothing of it.
      OSError: the file cannot be read.
    """
    try:
        return parse_timeline(Path(path).read_bytes())
    except TimelineError as error:
        raise TimelineError(f"{os.fspath(path)}: {error}") from None


def parse_timeline(content: bytes) -> list[Record]:
    """Return the records of a file's content, as `read_timeline` does.

    Raises:
      TimelineError: as `read_timeline`, without the name of the file.
    """
    *lines, rest = content.split(b"\n")
    records = [_parse_line(line, number) for number, line in enumerate(lines, 1)]
    if rest:
        try:
            records.append(_parse_line(rest, len(lines) + 1))
        except TimelineError:
            if not records:
                raise
    if not records:
        raise TimelineError("it is empty")
    return records


def _parse_line(line: bytes, number: int) -> Record:
    try:
        members = _parse_object(line)
        record = _to_record(members)
        if number == 1 and not isinstance(record, CallOpened):
            raise TimelineError("a timeline begins with the record of its call")
    except TimelineError as error:
        raise TimelineError(f"line {number}: {error}") from None
    return record


def _parse_object(line: bytes) -> dict[str, Any]:
    try:
        members = json.loads(line.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise TimelineError("this is no JSON") from None
    if not isinstance(members, dict):
        raise TimelineError("this is no JSON object")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _to_record(members: dict[str, Any]) -> Record:
    kind = _member(members, "kind", str)
    if kind not in _FIELDS:
        at = cast(float, _member(members, "at", float))
        return UnknownRecord(at, cast(str, kind), members)
    if kind == CallOpened.kind and _member(members, "version", int) != VERSION:
        raise TimelineError(
            f"this is version {members['version']} of the format, and only {VERSION} is known here"
        )
    record_class, fields = _FIELDS[cast(str, kind)]
    return record_class(
        **{
            name: _member(members, name, of_type)
            for name, (of_type, is_required) in fields.items()
            if is_required or name in members
        }
    )


def _member(members: Mapping[str, Any], name: str, of_type: Any) -> object:
    if name not in members:
        raise TimelineError(f"{name!r} is missing")
    expected, read = _READERS[of_type]
    try:
        return read(members[name])
    except ValueError:
        raise TimelineError(f"{name!r} must be {expected}") from None


def _exactly(kind: type) -> Callable[[Any], Any]:
    def read(value: object) -> object:
        if type(value) is not kind:
            raise ValueError
        return value

    return read


def _read_number(value: object) -> float:
    # JSON knows no difference between 1 and 1.0. One that is too large for a float is no time.
    if type(value) is int and abs(value) < 2**53:
        return float(value)
    if type(value) is float and math.isfinite(value):
        return value
    raise ValueError


def _or_none(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


#: What a member must be, in words, and what reads it, by the type of the attribute.
_READERS: Final[Mapping[Any, tuple[str, Callable[[Any], Any]]]] = {
    bool: ("true or false", _exactly(bool)),
    int: ("a whole number", _exactly(int)),
    float: ("a number", _read_number),
    float | None: ("a number or null", _or_none(_read_number)),
    str: ("text", _exactly(str)),
    str | None: ("text or null", _or_none(_exactly(str))),
    EndReason: ("why an utterance has ended", EndReason),
    SpeechEnding: ("why a speech is over", SpeechEnding),
    Mapping[str, Any]: ("an object", _exactly(dict)),
}

#: The class of each kind; and of each of its members the type, and whether it must be there.
_FIELDS: Final[Mapping[str, tuple[Callable[..., Record], Mapping[str, tuple[Any, bool]]]]] = {
    record_class.kind: (
        record_class,
        {
            field.name: (field.type, field.default is attrs.NOTHING)
            for field in attrs.fields(attrs.resolve_types(record_class))
        },
    )
    for record_class in KNOWN_KINDS
}
