"""What holds for every text frame that anybody may send, over any connection of either wire."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

from fuzz.examples import FRAMES, MESSAGES, SECOND_MESSAGES, WORDS
from fuzz.meaning import NO_JSON, check_fields, faults
from trio_calls.wire.codec import MAX_TEXT_LENGTH, WireError, encode
from trio_calls.wire.commands import RingTime
from trio_calls.wire.dialing import decode_dialing
from trio_calls.wire.first.codec import decode_control, decode_media
from trio_calls.wire.message import REQUEST_ID, Message, UnknownMessage
from trio_calls.wire.second import codec as second
from trio_calls.wire.second.control import Address, MessageContent
from trio_calls.wire.second.media import AGENT_TRACK, Flow

Decode = Callable[[str], Message | UnknownMessage]

_DECODERS: Final[tuple[Decode, ...]] = (
    decode_control,
    decode_media,
    decode_dialing,
    second.decode_control,
    second.decode_media,
)

_MESSAGE_CLASSES: Final = frozenset(type(message) for message in (*MESSAGES, *SECOND_MESSAGES))

_TYPE = "|".join(sorted({re.escape(message.wire_type) for message in _MESSAGE_CLASSES}))
_FAULTS = faults((RingTime, Address, MessageContent, *_MESSAGE_CLASSES))

#: Every error that there is: no word in it comes from a frame.
_ERRORS: Final = re.compile(
    rf"({_TYPE}): {_FAULTS}|{NO_JSON}|a frame must have a type, and it must be text"
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
    the errors that quote nothing. Both times, if it comes twice. Credit in the usual words is the
    same whichever way it is read.
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
    usual = second.match_usual_flow(frame)
    if usual is not None:
        flow = Flow(AGENT_TRACK, int(usual[1]), int(usual[2]))
        assert second.decode_media(frame) == flow, "credit was misread"


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
    check_fields(message, body)


def _check_round_trip(message: Message, decode: Decode) -> None:
    frame = encode(message)
    assert frame.isascii()
    assert "\n" not in frame
    # Escapes make text longer: what was just short enough to be read may not be so again.
    if len(frame) <= MAX_TEXT_LENGTH:
        assert decode(frame) == message
