"""Where a media connection is opened and what opens it, in the documents that processes hand over.

What comes from an exchange is trusted to be an address. A document may come from anybody.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from trio_calls.wire.message import wire
from trio_calls.wire.names import MAX_URL_LENGTH

_VISIBLE_ASCII: Final = range(ord("!"), ord("~") + 1)


def _is_media_url(instance: object, attribute: attrs.Attribute[Any], value: str) -> None:
    """Refuse what is not the bare address of a WebSocket. Whoever reads a log sees its host."""
    try:
        parts = urlsplit(value)
        is_usable = (
            value.startswith(("ws://", "wss://"))
            and value.isprintable()
            and " " not in value
            and bool(parts.hostname)
            and parts.port != 0
            and "@" not in parts.netloc
            and "#" not in value
        )
    except ValueError:
        is_usable = False
    if not is_usable:
        raise ValueError("not the address of a media connection")


def _is_bearer_token(instance: object, attribute: attrs.Attribute[Any], value: str) -> None:
    if not value or any(ord(character) not in _VISIBLE_ASCII for character in value):
        raise ValueError("not fit for a header")


def media_url(name: str) -> Any:
    """Make a field of the address of a media connection, `name` in the document."""
    return wire(
        name, repr=False, validator=[attrs.validators.max_len(MAX_URL_LENGTH), _is_media_url]
    )


def bearer_token(name: str) -> Any:
    """Make a field of the token that opens it, `name` in the document."""
    return wire(
        name, repr=False, validator=[attrs.validators.max_len(MAX_URL_LENGTH), _is_bearer_token]
    )
