"""What holds for every text frame that anybody may send, over any connection of either wire."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

import attrs

from fuzz.examples import FRAMES, MESSAGES, SECOND_MESSAGES, WORDS
from trio_calls._quoting import printable
from trio_calls.wire.codec import MAX_TEXT_LENGTH, WireError, encode
from trio_calls.wire.commands import RingTime
from trio_calls.wire.dialing import decode_dialing
from trio_calls.wire.first.codec import decode_control, decode_media
from trio_calls.wire.message import (
    IS_FORGIVEN,
    REQUEST_ID,
    REST,
    WIRE_NAME,
    Message,
    UnknownMessage,
)
from trio_calls.wire.second import codec as second
from trio_calls.wire.second.control import Address, MessageContent

Decode = Callable[[str], Message | UnknownMessage]

_DECODERS: Final[tuple[Decode, ...]] = (
    decode_control,
    decode_media,
    decode_dialing,
    second.decode_control,
    second.decode_media,
)

_MESSAGE_CLASSES: Final = frozenset(type(message) for message in (*MESSAGES, *SECOND_MESSAGES))

_FIELD = "|".join(
    sorted(
        {
            field.name
            for message_class in (RingTime, Address, MessageContent, *_MESSAGE_CLASSES)
            for field in attrs.fields(message_class)
        }
    )
)
_TYPE = "|".join(sorted({re.escape(message.wire_type) for message in _MESSAGE_CLASSES}))
_FAULT = rf"\$(\.({_FIELD}))*: (something is missing|wrong type|out of range)"

#: Every error that there is: no word in it comes from a frame.
_ERRORS: Final = re.compile(
    rf"({_TYPE}): {_FAULT}(; {_FAULT})*"
    r"|a frame must (be JSON|be a JSON object|have a type, and it must be text)"
    r"|a frame must not be (nested more than \d+ deep|longer than \d+ characters)"
    r"|a number must not have more than \d+ characters"
    r"|a number must be finite, and of a sane length"
    r"|NaN and Infinity are not JSON"
)


def seeds() -> list[bytes]:
    """A frame of each kind, and some that are wrong."""
    wrong = ("", "{", "[]", '{"type":7}', "[" * 40, '{"type":"setup","data":null}')
    return [frame.encode() for frame in (*FRAMES, *wrong)]


def words() -> tuple[str, ...]:
    """What frames are made of."""
    return WORDS


def check(data: bytes) -> None:
    """Decode a frame with every decoder, and raise `AssertionError` if something is amiss.

    A message means what the frame said, and comes out again as it was; everything else is one of
    the errors that quote nothing. Both times, if it comes twice.
    """
    frame = data.decode(errors="replace")
    for decode in _DECODERS:
        outcome = _outcome(decode, frame)
        assert _outcome(decode, frame) == outcome, "the same frame came to something else"
        if isinstance(outcome, str):
            assert _ERRORS.fullmatch(outcome), "no such error is documented"
        elif isinstance(outcome, Message):
            _check_meaning(outcome, json.loads(frame))
            _check_round_trip(outcome, decode)
        else:
            assert isinstance(outcome, UnknownMessage)


def _outcome(decode: Decode, frame: str) -> Message | UnknownMessage | str:
    try:
        return decode(frame)
    except WireError as error:
        return str(error)


def _check_meaning(message: Message, document: dict[str, Any]) -> None:
    assert document["type"] == message.wire_type
    body = document["data"] if message.in_data else document
    if message.id_is_beside_data:
        body = {**body, REQUEST_ID: document[REQUEST_ID]}
    _check_fields(message, body)


def _check_fields(instance: Any, body: dict[str, Any]) -> None:
    named = {field.metadata[WIRE_NAME] for field in attrs.fields(type(instance))} - {REST}
    for field in attrs.fields(type(instance)):
        value = getattr(instance, field.name)
        if field.metadata[WIRE_NAME] == REST:
            rest = {name: said for name, said in body.items() if name not in named}
            assert value == {name: said for name, said in rest.items() if said is not None}
        elif attrs.has(type(value)):
            _check_fields(value, body[field.metadata[WIRE_NAME]])
        else:
            said = body.get(field.metadata[WIRE_NAME])
            meant = [field.default if said is None else said]
            if IS_FORGIVEN in field.metadata:
                meant.append(field.default)
            if isinstance(said, str):
                meant.append(printable(said))
            if isinstance(said, list):
                meant.append(tuple(said))
            assert value in meant, f"{field.name} is not what the frame said"
            assert _kind(value) in map(_kind, meant), f"{field.name} was made into something else"


def _kind(value: object) -> type:
    """An integer may become a float, and text a secret; nothing else may become anything."""
    if isinstance(value, str):
        return str
    return float if type(value) is int else type(value)


def _check_round_trip(message: Message, decode: Decode) -> None:
    frame = encode(message)
    assert frame.isascii()
    assert "\n" not in frame
    # Escapes make text longer: what was just short enough to be read may not be so again.
    if len(frame) <= MAX_TEXT_LENGTH:
        assert decode(frame) == message
