"""What a message says, for whoever reads it in a tab. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: How much of a message is shown, in characters.
MAX_SHOWN_LENGTH: Final = 4096

_MAX_KIND_LENGTH: Final = 40

#: Where other kinds than texts have something that can be read, best first.
_READABLE: Final = ("caption", "body", "name", "filename", "emoji")


def content_text(content: Mapping[str, Any]) -> str:
    """Return the text of a message, or a short description of what is no text.

    Args:
      content: the message, in the form that WhatsApp has it; or whatever an agent has sent.
    """
    body = _members(content, "text").get("body")
    text = body if isinstance(body, str) else _description(content)
    if len(text) > MAX_SHOWN_LENGTH:
        text = text[: MAX_SHOWN_LENGTH - 1] + "…"
    # Half of a surrogate pair is no character, and could not be sent.
    return text.encode(errors="replace").decode()


def _description(content: Mapping[str, Any]) -> str:
    kind = content.get("type")
    if not isinstance(kind, str) or not 0 < len(kind) <= _MAX_KIND_LENGTH:
        return "(something that is no text)"
    members = _members(content, kind)
    readable = (members[name] for name in _READABLE if isinstance(members.get(name), str))
    detail = next(readable, "")
    return f"({kind}: {detail})" if detail else f"({kind})"


def _members(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    members = content.get(name)
    return members if isinstance(members, Mapping) else {}
