"""JSON ⇄ messages: the only place that knows cattrs, and where bad input stops.

It knows no message. Each kind of connection has a `Vocabulary` of those that it carries.

::

    text frame ── length, depth ──► json ── type ──► message class ── strict hooks ──► message
        └──────────────┴──────────────┴── WireError ──────┴────────────────┘

Strict about types: text is never read as a number, a bool is never an int, and no number is NaN,
infinite or thousands of digits long. Tolerant of what is new or left out: unknown keys are ignored,
and an unknown type is an `UnknownMessage`, so that an exchange can be newer than its clients. Null
is as good as nothing, and what decides nothing is forgiven.

Invariants:

- Whatever is wrong with a frame is a `WireError`, and no other exception comes out of a decoder.
- The text of a `WireError` names the place in the frame and the kind of fault, and never the
  frame's content: frames hold tokens and telephone numbers, and errors are logged.
- What a frame can cost is bounded before it is parsed: by its length, its depth (which would
  otherwise be the stack's limit) and the length of each number (converting digits takes time that
  grows faster than their number).
- A malformed frame that wants an answer still carries its id, where that can be read: its sender
  would otherwise wait out its time for the answer.

Any task may call these functions, at any time; they keep nothing.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, Final, NoReturn, TypeVar, get_args, get_origin

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from trio_calls.wire.message import (
    IS_FORGIVEN,
    MAX_NAME_LENGTH,
    REQUEST_ID,
    REST,
    WIRE_NAME,
    Message,
    UnknownMessage,
)

T = TypeVar("T")

#: The longest text frame that is looked at, in characters.
MAX_TEXT_LENGTH: Final = 2**18

#: The longest body of an HTTP response, in bytes: a list of some 15,000 sessions.
MAX_BODY_BYTES: Final = 2**22

#: How deep objects and arrays may be nested.
MAX_DEPTH: Final = 32

#: The longest number, in characters: every 64-bit integer and every float's repr fits.
MAX_NUMBER_LENGTH: Final = 40

#: A string of JSON, up to the end of the frame where its closing quote is missing: so no part is
#: ever read twice.
_JSON_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)


class WireError(ValueError):
    """A text frame that cannot be used. The message is safe to log: it quotes nothing.

    Attributes:
      request_id: the id that an answer would have to name, if the frame is a command or a request
        and the id could be read; otherwise None. It is part of the frame's content.
      wire_type: the frame's type, if that is one of the known ones.
    """

    def __init__(
        self, fault: str, request_id: str | None = None, wire_type: str | None = None
    ) -> None:
        super().__init__(f"{wire_type}: {fault}" if wire_type else fault)
        self.request_id = request_id
        self.wire_type = wire_type


def encode(message: Message) -> str:
    """Return the text frame of a message, without the fields that are None."""
    fields: dict[str, Any] = _converter.unstructure(message)
    if REST in fields:
        fields = {**fields.pop(REST), **fields}
    body: dict[str, Any] = {"data": fields} if message.in_data else fields
    if message.id_is_beside_data:
        body[REQUEST_ID] = fields.pop(REQUEST_ID)
    return compact({"type": message.wire_type, **body})


def compact(document: dict[str, Any]) -> str:
    """Return an object of JSON as text, as short as it can be."""
    return json.dumps(document, separators=(",", ":"), allow_nan=False)


def encode_strictly(message: Message) -> str:
    """Return the text frame of a message in which an application has put what it likes.

    Raises:
      WireError: there is something in it that is no JSON, or more of it than this side would read
        itself. It says what is wrong, without the content.
    """
    try:
        frame = encode(message)
        if "\\ud" in frame:
            # Perhaps half of a character that is written in two parts.
            json.dumps(json.loads(frame), ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise WireError("it is not JSON: texts, finite numbers, lists and objects") from None
    parse(frame)
    return frame


def structure(document: Any, wanted: type[T]) -> T:
    """Read an attrs class of the wire from parsed JSON.

    Raises:
      WireError: it cannot be used. It says what is wrong and where, without the content.
    """
    try:
        return _converter.structure(document, wanted)
    except cattrs.BaseValidationError as error:
        raise WireError("; ".join(_describe(error))) from None


def unstructure(instance: Any) -> dict[str, Any]:
    """Return an attrs class of the wire as an object of JSON, without what is None."""
    fields: dict[str, Any] = _converter.unstructure(instance)
    return fields


def parse_body(body: bytes) -> dict[str, Any]:
    """Parse the body of an HTTP response, an object.

    Raises:
      WireError: it cannot be used. It says what is wrong, without the content.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise WireError("a body must be UTF-8") from None
    document = parse(text, MAX_BODY_BYTES)
    if not isinstance(document, dict):
        raise WireError("a body must be a JSON object")
    return document


class Vocabulary:
    """The messages that may come on one kind of connection.

    Args:
      union: of the classes of the messages.
    """

    def __init__(self, union: Any) -> None:
        self._types = {message_class.wire_type: message_class for message_class in get_args(union)}
        self._known_names = {
            message_class: _wire_names(message_class)
            for message_class in self._types.values()
            if REST in _wire_names(message_class)
        }
        for message_class in self._types.values():
            # Now, and not when the first of them comes: in the middle of a call.
            _converter.get_structure_hook(message_class)
            _converter.get_unstructure_hook(message_class)

    def decode(self, frame: str) -> Any:
        """Read a text frame: one of the messages, or an `UnknownMessage`.

        Raises:
          WireError: the frame cannot be used. It says what is wrong and where, without the content.
        """
        document = parse(frame)
        if not isinstance(document, dict):
            raise WireError("a frame must be a JSON object")
        wire_type = document.get("type")
        if not isinstance(wire_type, str):
            raise WireError("a frame must have a type, and it must be text")
        message_class = self._types.get(wire_type)
        if message_class is None:
            return UnknownMessage(_request_id(document, REQUEST_ID))
        body = document.get("data") if message_class.in_data else document
        if message_class.id_is_beside_data and isinstance(body, dict):
            body = {**body, REQUEST_ID: document.get(REQUEST_ID)}
        body = _without_nulls(body)
        if message_class in self._known_names and isinstance(body, dict):
            body = _with_rest(body, self._known_names[message_class])
        try:
            return _converter.structure(body, message_class)
        except cattrs.BaseValidationError as error:
            request_id = _request_id(body, message_class.answer_key)
            raise WireError("; ".join(_describe(error)), request_id, wire_type) from None


def _wire_names(message_class: type[Message]) -> frozenset[str]:
    return frozenset(field.metadata[WIRE_NAME] for field in attrs.fields(message_class))


def _without_nulls(body: Any) -> Any:
    """Take null for what it means: nothing is there."""
    if isinstance(body, dict) and None in body.values():
        return {name: value for name, value in body.items() if value is not None}
    return body


def _with_rest(body: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """Put whatever is not known by its name under the name of the rest."""
    named = known - {REST}
    rest = {name: value for name, value in body.items() if name not in named}
    return {**{name: body[name] for name in named & body.keys()}, REST: rest}


def _request_id(body: Any, key: str | None) -> str | None:
    """Return the id that an answer has to name, or None if it cannot be read."""
    request_id = body.get(key) if isinstance(body, dict) else None
    is_usable = isinstance(request_id, str) and len(request_id) <= MAX_NAME_LENGTH
    return request_id if is_usable else None


def parse(frame: str, max_length: int = MAX_TEXT_LENGTH) -> Any:
    """Parse JSON within the limits of length, depth and numbers.

    Raises:
      WireError: it cannot be used. It says what is wrong, without the content.
    """
    if len(frame) > max_length:
        raise WireError(f"a frame must not be longer than {max_length} characters")
    if frame.count("{") + frame.count("[") > MAX_DEPTH:
        _check_depth(frame)
    try:
        return json.loads(frame, parse_int=_integer, parse_float=_number, parse_constant=_not_json)
    except WireError:
        raise
    except ValueError:
        raise WireError("a frame must be JSON") from None


def _check_depth(frame: str) -> None:
    depth = 0
    for character in _JSON_STRING.sub("", frame):
        if character in "{[":
            depth += 1
            if depth > MAX_DEPTH:
                raise WireError(f"a frame must not be nested more than {MAX_DEPTH} deep")
        elif character in "}]":
            depth -= 1


def _integer(digits: str) -> int:
    if len(digits) > MAX_NUMBER_LENGTH:
        raise WireError(f"a number must not have more than {MAX_NUMBER_LENGTH} characters")
    return int(digits)


def _number(digits: str) -> float:
    number = float(digits) if len(digits) <= MAX_NUMBER_LENGTH else math.inf
    if not math.isfinite(number):
        raise WireError("a number must be finite, and of a sane length")
    return number


def _not_json(constant: str) -> NoReturn:
    raise WireError("NaN and Infinity are not JSON")


def _describe(error: BaseException, path: str = "$") -> Iterator[str]:
    """Describe where and what is wrong, without a word of what the frame held."""
    if isinstance(error, cattrs.BaseValidationError):
        for inner in error.exceptions:
            field = next(
                (note.name for note in getattr(inner, "__notes__", ()) if hasattr(note, "name")),
                None,
            )
            yield from _describe(inner, f"{path}.{field}" if field else path)
    elif isinstance(error, KeyError):
        yield f"{path}: something is missing"
    elif isinstance(error, TypeError):
        yield f"{path}: wrong type"
    else:
        yield f"{path}: out of range"


def _strict_int(value: Any, _: type[int]) -> int:
    if type(value) is not int:
        raise TypeError("not an integer")
    return value


def _strict_float(value: Any, _: type[float]) -> float:
    if type(value) not in {int, float}:
        raise TypeError("not a number")
    return float(value)


def _strict_bool(value: Any, _: type[bool]) -> bool:
    if type(value) is not bool:
        raise TypeError("not a boolean")
    return value


def _strict_str(value: Any, _: type[str]) -> str:
    if type(value) is not str:
        raise TypeError("not text")
    if not value.isascii():
        _reject_lone_surrogates(value)
    return value


def _is_tuple(wanted: Any) -> bool:
    return get_origin(wanted) is tuple


def _reject_lone_surrogates(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("lone surrogate") from None


def _overrides(message_class: type[Any], converter: cattrs.Converter) -> dict[str, Any]:
    """Return what cattrs has to know of each field: its name on the wire, and how it is read."""
    return {
        field.name: override(
            rename=field.metadata[WIRE_NAME],
            struct_hook=_forgiving(field, converter) if IS_FORGIVEN in field.metadata else None,
        )
        for field in attrs.fields(message_class)
    }


def _forgiving(field: attrs.Attribute[Any], converter: cattrs.Converter) -> Any:
    """Make a hook that takes the field's default for what makes no sense."""
    assert field.type is not None
    field_type = field.type

    def structure(value: Any, _: Any) -> Any:
        try:
            read = converter.structure(value, field_type)
            if field.validator is not None:
                field.validator(None, field, read)
        except (TypeError, ValueError, cattrs.BaseValidationError):
            return field.default
        return read

    return structure


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=True)
    converter.register_structure_hook(int, _strict_int)
    converter.register_structure_hook(float, _strict_float)
    converter.register_structure_hook(bool, _strict_bool)
    converter.register_structure_hook(str, _strict_str)

    def read_array(value: Any, wanted: type[Any]) -> tuple[Any, ...]:
        if type(value) is not list:
            raise TypeError("not an array")
        return tuple(converter.structure(item, get_args(wanted)[0]) for item in value)

    converter.register_structure_hook_func(_is_tuple, read_array)

    def make_reader(message_class: type[Any]) -> Any:
        attrs.resolve_types(message_class)
        overrides = _overrides(message_class, converter)
        return _mapping_only(make_dict_structure_fn(message_class, converter, **overrides))

    def make_writer(message_class: type[Any]) -> Any:
        attrs.resolve_types(message_class)
        overrides = _overrides(message_class, converter)
        write = make_dict_unstructure_fn(message_class, converter, **overrides)
        return lambda instance: _without_nulls(write(instance))

    converter.register_structure_hook_factory(attrs.has, make_reader)
    converter.register_unstructure_hook_factory(attrs.has, make_writer)
    return converter


def _mapping_only(read: Any) -> Any:
    def structure(value: Any, message_class: type[Any]) -> Any:
        if not isinstance(value, dict):
            raise cattrs.ClassValidationError("", [TypeError("not an object")], message_class)
        return read(_without_nulls(value), message_class)

    return structure


_converter: Final = _make_converter()
