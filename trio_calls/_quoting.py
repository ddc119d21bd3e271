"""Words of the other side, made fit for logs, errors and terminals; and secrets.

An exchange may put anything into what it says: line breaks that forge a line of a log, escapes that
a terminal obeys, and our own credentials.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_BLOT: Final = "***"

#: So much of a secret's beginning tells nothing, and may well be part of something else.
_HARMLESS_LENGTH: Final = 3


class Secret(str):
    """Text that is used like any other, but whose `repr` does not show it.

    Logs and tracebacks show the `repr` of what a variable, a list or a dict holds.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{_BLOT}'"


def printable(text: str, max_length: int | None = None) -> str:
    """Return a text, or its beginning, without what is not printable, line ends included."""
    return "".join(character for character in text if character.isprintable()).strip()[:max_length]


def without_secrets(text: str, secrets: Iterable[str | None]) -> str:
    """Blot out the secrets that somebody may have quoted back at us.

    What is as short as a syllable is none, and to blot it out would show where it was.
    """
    for secret in sorted(filter(None, secrets), key=len, reverse=True):  # one may hold the other
        if len(secret) <= _HARMLESS_LENGTH:
            break
        text = _without_cut_off(text.replace(secret, _BLOT), secret)
    return text


def _without_cut_off(text: str, secret: str) -> str:
    """Blot out a secret of which only the beginning is left: long reasons are cut off."""
    for length in range(len(secret) - 1, _HARMLESS_LENGTH, -1):
        if text.endswith(secret[:length]):
            return text[:-length] + _BLOT
    return text
