"""Words of the other side, made fit for a log: they may hold anything, and be of any length."""

from __future__ import annotations


def printable(text: str, max_length: int) -> str:
    """Return the beginning of a text without what is not printable, line ends included."""
    return "".join(character for character in text if character.isprintable()).strip()[:max_length]
