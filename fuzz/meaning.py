"""What holds for whatever is read from JSON: it means what was said, or is an error without it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import attrs

from trio_calls._quoting import printable
from trio_calls.wire.message import IS_FORGIVEN, REST, WIRE_NAME

#: What is wrong with a text before anything is looked for in it.
NO_JSON: Final = (
    r"a (frame|body) must be (JSON|UTF-8|a JSON object)"
    r"|a frame must not be (nested more than \d+ deep|longer than \d+ characters)"
    r"|a number must not have more than \d+ characters"
    r"|a number must be finite, and of a sane length"
    r"|NaN and Infinity are not JSON"
)


def faults(classes: Iterable[type[Any]]) -> str:
    """Return a pattern for all that can be wrong with these: no word in it comes from a text."""
    names = {field.name for each in classes for field in attrs.fields(each)}
    fault = rf"\$(\.({'|'.join(sorted(names))}))*: (something is missing|wrong type|out of range)"
    return rf"{fault}(; {fault})*"


def check_fields(instance: Any, said: dict[str, Any]) -> None:
    """Raise `AssertionError` unless each field is what an object of JSON says of it."""
    named = {field.metadata[WIRE_NAME] for field in attrs.fields(type(instance))} - {REST}
    for field in attrs.fields(type(instance)):
        value = getattr(instance, field.name)
        if field.metadata[WIRE_NAME] == REST:
            rest = {name: more for name, more in said.items() if name not in named}
            assert value == {name: more for name, more in rest.items() if more is not None}
        else:
            _check_field(field, value, said.get(field.metadata[WIRE_NAME]))


def _check_field(field: attrs.Attribute[Any], value: Any, said: Any) -> None:
    if attrs.has(type(value)):
        check_fields(value, said)
        return
    if isinstance(value, tuple) and any(attrs.has(type(item)) for item in value):
        for item, said_item in zip(value, said, strict=True):
            check_fields(item, said_item)
        return
    meant = [field.default if said is None else said]
    if IS_FORGIVEN in field.metadata:
        meant.append(field.default)
    if isinstance(said, str):
        meant.append(printable(said))
    if isinstance(said, list):
        meant.append(tuple(said))
    if type(said) is int:
        meant.append(float(said))
    assert value in meant, f"{field.name} is not what was said"
    assert _kind(value) in map(_kind, meant), f"{field.name} was made into something else"


def _kind(value: object) -> type:
    """An integer may become a float, and text a secret; nothing else may become anything."""
    if isinstance(value, str):
        return str
    return float if type(value) is int else type(value)
