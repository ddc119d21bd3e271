"""What an application may note is checked where it notes it."""

from __future__ import annotations

import enum
import math
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

from trio_calls.voice.timeline.notes import MAX_DEPTH, MAX_LENGTH, check_note

pytestmark = pytest.mark.pure


class Colour(enum.StrEnum):
    RED = "red"


class Size(enum.IntEnum):
    LARGE = 3


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (0.5, 0.5),
        ("text", "text"),
        ((1, [2]), [1, [2]]),
        (OrderedDict(a={"b": ()}), {"a": {"b": []}}),
        (Colour.RED, "red"),
        (Size.LARGE, 3),
        (np.float64(0.5), 0.5),
        (nested(MAX_DEPTH - 1), nested(MAX_DEPTH - 1)),
        ("x" * 65_000, "x" * 65_000),
    ],
)
def test_what_json_can_tell(value: object, expected: object) -> None:
    checked = check_note("", {"value": value})["value"]
    assert checked == expected
    assert type(checked) in {type(None), bool, int, float, str, list, dict}


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (b"bytes", "^value must be something that JSON can tell .*, not bytes$"),
        ({1}, "not set$"),
        ([object()], "not object$"),
        (np.int64(7), "not int64$"),
        ({7: "x"}, "^the keys in value must be str, not int$"),
        ({"a": {None: 1}}, "^the keys in value must be str, not NoneType$"),
    ],
)
def test_what_json_cannot_tell(value: object, complaint: str) -> None:
    with pytest.raises(TypeError, match=complaint):
        check_note("", {"value": value})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none(value: float) -> None:
    with pytest.raises(ValueError, match=r"^value must be finite"):
        check_note("", {"value": [value]})


def test_what_holds_itself() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ValueError, match=r"nested deeper than 20 levels, or in itself$"):
        check_note("", {"value": endless})
    with pytest.raises(ValueError, match=r"nested deeper"):
        check_note("", {"value": nested(MAX_DEPTH)})


@pytest.mark.parametrize("details", [{}, {"value": "y" * MAX_LENGTH}])
def test_what_is_too_long(details: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"^a note holds 65536 characters at the most, not \d+$"):
        check_note("x" * (MAX_LENGTH + 1), details)


@pytest.mark.parametrize("text", [None, 7, b"bytes"])
def test_a_text_that_is_none(text: object) -> None:
    with pytest.raises(TypeError, match=r"^the text of a note must be str, not"):
        check_note(text, {})


def test_what_is_changed_later_was_noted_before() -> None:
    rows = [1, {"a": [2]}]
    checked = check_note("", {"rows": rows})
    rows.append(3)
    rows[1]["a"].append(4)  # type: ignore[index]
    assert checked == {"rows": [1, {"a": [2]}]}
