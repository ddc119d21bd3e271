"""What every message of the wire has in common."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

#: The metadata key under which a field keeps its name on the wire.
WIRE_NAME = "wire_name"

#: The metadata key of a field that no frame is refused for.
IS_FORGIVEN = "is_forgiven"

#: The key of a request's id, which comes back in its response.
REQUEST_ID = "reqId"

#: The key of a field that gets whatever else a frame has. What a peer says under it is of the rest.
REST = "(rest)"

#: The longest identifier, number or reason, in characters.
MAX_NAME_LENGTH = 512


@attrs.frozen
class Message:
    """A frame of the wire.

    Attributes:
      wire_type: the value of the frame's ``type``.
      in_data: whether the fields travel inside ``data``, rather than beside ``type``.
      id_is_beside_data: whether the ``reqId`` of a message `in_data` travels beside ``type``.
      answer_key: the key of the id that an answer has to name; None if the message wants no answer.
    """

    wire_type: ClassVar[str]
    in_data: ClassVar[bool] = False
    id_is_beside_data: ClassVar[bool] = False
    answer_key: ClassVar[str | None] = None


@attrs.frozen
class UnknownMessage:
    """A well-formed frame of a type that this version does not know. It is ignored or refused.

    Attributes:
      request_id: the id of a request that wants an answer, or None.
    """

    request_id: str | None = None


class AudioError(ValueError):
    """A binary message is not audio of this call. All of it is dropped."""


def wire(name: str, **field: Any) -> Any:
    """Make a field whose name on the wire is `name`."""
    return attrs.field(metadata={WIRE_NAME: name}, **field)


def forgiven(name: str, **field: Any) -> Any:
    """Make a field with a default, which also stands for whatever makes no sense there.

    For what does not decide anything: a frame must not be lost for it.
    """
    return attrs.field(metadata={WIRE_NAME: name, IS_FORGIVEN: True}, **field)


def forgiven_text(
    name: str, *, default: str | None, max_length: int = MAX_NAME_LENGTH, **field: Any
) -> Any:
    """Make a `forgiven` field of text, of at most `max_length` characters."""
    validator = attrs.validators.optional(attrs.validators.max_len(max_length))
    return forgiven(name, default=default, validator=validator, **field)


def rest() -> Any:
    """Make a field for what a frame has beside the other fields, by its names on the wire."""
    return attrs.field(factory=dict, repr=False, metadata={WIRE_NAME: REST})


def text(name: str, **field: Any) -> Any:
    """Make a field of text, `name` on the wire, of at most `MAX_NAME_LENGTH` characters."""
    return wire(name, validator=attrs.validators.max_len(MAX_NAME_LENGTH), **field)
