"""What every message of the wire has in common."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

#: The metadata key under which a field keeps its name on the wire.
WIRE_NAME = "wire_name"

#: Longest text that an identifier, a number or a reason may have, in characters.
MAX_NAME_LENGTH = 512


@attrs.frozen
class Message:
    """A frame of the wire.

    Attributes:
      wire_type: the value of the frame's ``type``.
      in_data: whether the fields travel inside ``data``, rather than beside ``type``.
    """

    wire_type: ClassVar[str]
    in_data: ClassVar[bool] = False


@attrs.frozen
class UnknownMessage:
    """A well-formed frame of a type that this version does not know: to be ignored, or refused.

    Attributes:
      request_id: of a request that wants to be answered, or None.
    """

    request_id: str | None = None


def wire(name: str, **field: Any) -> Any:
    """A field whose name on the wire is `name`."""
    return attrs.field(metadata={WIRE_NAME: name}, **field)


def text(name: str, **field: Any) -> Any:
    """A field of text with `name` on the wire and at most `MAX_NAME_LENGTH` characters."""
    return wire(name, validator=attrs.validators.max_len(MAX_NAME_LENGTH), **field)


def optional_text(name: str, max_length: int = MAX_NAME_LENGTH) -> Any:
    """A field of text, or None, with `name` on the wire and at most `max_length` characters."""
    return wire(
        name,
        default=None,
        validator=attrs.validators.optional(attrs.validators.max_len(max_length)),
    )
