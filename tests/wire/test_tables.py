"""Tables of the codec, against what they mirror."""

from typing import Any, get_args

import attrs
import pytest

from trio_calls.wire.dialing import DialingMessage
from trio_calls.wire.first.control import ControlMessage
from trio_calls.wire.first.media import MediaMessage
from trio_calls.wire.message import WIRE_NAME, Message
from trio_calls.wire.phone import PageMessage
from trio_calls.wire.second.control import ControlMessage as SecondControlMessage
from trio_calls.wire.second.media import MediaMessage as SecondMediaMessage

UNIONS = [ControlMessage, MediaMessage, DialingMessage, PageMessage]
SECOND_UNIONS = [SecondControlMessage, SecondMediaMessage]


def test_every_message_travels_on_one_kind_of_connection() -> None:
    for unions in (UNIONS, SECOND_UNIONS):
        members = [member for union in unions for member in get_args(union)]
        assert len(members) == len(set(members))


def test_every_message_travels_on_some_connection() -> None:
    members = {member for union in UNIONS + SECOND_UNIONS for member in get_args(union)}
    defined = {message for message in subclasses(Message) if hasattr(message, "wire_type")}
    assert members == {message for message in defined if "wire" in message.__module__}


def subclasses(base: type[Message]) -> set[type[Message]]:
    return {found for direct in base.__subclasses__() for found in {direct, *subclasses(direct)}}


@pytest.mark.parametrize("union", UNIONS + SECOND_UNIONS)
def test_messages_of_one_connection_differ_in_type(union: Any) -> None:
    types = [member.wire_type for member in get_args(union)]
    assert len(types) == len(set(types))


def test_the_id_of_an_answer_is_looked_for_where_it_is() -> None:
    unions = UNIONS + SECOND_UNIONS
    asking = [member for union in unions for member in get_args(union) if member.answer_key]
    assert len(asking) > 3
    for message_class in asking:
        names = {field.metadata[WIRE_NAME] for field in attrs.fields(message_class)}
        assert message_class.answer_key in names
