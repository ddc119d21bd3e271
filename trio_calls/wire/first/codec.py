"""What the first wire carries, as JSON: frames, hand-overs and the bodies of HTTP responses.

Any task may call these functions, at any time; they keep nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

from trio_calls.wire.codec import (
    Vocabulary,
    WireError,
    compact,
    parse_body,
    structure,
    unstructure,
)
from trio_calls.wire.first.control import ControlMessage, SessionCreated
from trio_calls.wire.first.media import MediaMessage
from trio_calls.wire.first.session_list import HttpRefusal, SessionClosure, SessionInfo
from trio_calls.wire.message import UnknownMessage

BodyT = TypeVar("BodyT", SessionClosure, HttpRefusal)

_CONTROL: Final = Vocabulary(ControlMessage)
_MEDIA: Final = Vocabulary(MediaMessage)


def decode_control(frame: str) -> ControlMessage | UnknownMessage:
    """Read a text frame of the control connection.

    Raises:
      WireError: the frame cannot be used. It says what is wrong and where, without the content.
    """
    message: ControlMessage | UnknownMessage = _CONTROL.decode(frame)
    return message


def decode_media(frame: str) -> MediaMessage | UnknownMessage:
    """Read a text frame of a media connection.

    Raises:
      WireError: the frame cannot be used. It says what is wrong and where, without the content.
    """
    message: MediaMessage | UnknownMessage = _MEDIA.decode(frame)
    return message


def encode_body(content: SessionClosure | HttpRefusal | Sequence[SessionInfo]) -> bytes:
    """Return the body of an HTTP response, without what is None."""
    if isinstance(content, Sequence):
        items = [unstructure(item) for item in content]
        return compact({"items": items}).encode()
    return compact(unstructure(content)).encode()


def decode_session_list(body: bytes) -> list[SessionInfo]:
    """Read the body of the HTTP response that lists sessions.

    Raises:
      WireError: it cannot be used. It says what is wrong and where, without the content.
    """
    items = parse_body(body).get("items")
    if not isinstance(items, list):
        raise WireError("$.items must be there, and be an array")
    return [structure(item, SessionInfo) for item in items]


def decode_body(body: bytes, body_class: type[BodyT]) -> BodyT:
    """Read the body of another HTTP response.

    Raises:
      WireError: it cannot be used. It says what is wrong and where, without the content.
    """
    return structure(parse_body(body), body_class)


def read_created(content: Any) -> SessionCreated:
    """Read the content of the answer to a `SessionCreate`.

    Raises:
      WireError: it cannot be used. It says what is wrong and where, without the content.
    """
    return structure(content, SessionCreated)
