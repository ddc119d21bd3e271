"""Which part of a text was heard. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

import attrs


@attrs.frozen
class TextPiece:
    """The text of a stretch of speech.

    Attributes:
      text: what is said there.
      start: where it starts, in bytes of the speech.
      end: where it ends.
    """

    text: str
    start: int
    end: int


def cut_text(pieces: Sequence[TextPiece], heard_bytes: int) -> tuple[str, bool]:
    """Cut a text at what was heard.

    Args:
      pieces: the text, in order.
      heard_bytes: how much of the speech was heard.

    Returns:
      The text up to there, and whether its end is an estimate. It is exact at the ends of pieces.
      Inside one, each of its letters is taken to last equally long, and words that were begun are
      left out. Text without audio goes with what is heard before it.
    """
    text = ""
    if not heard_bytes:
        return text, False
    for piece in pieces:
        if heard_bytes >= piece.end:
            text += piece.text
        elif heard_bytes > piece.start:
            share = (heard_bytes - piece.start) / (piece.end - piece.start)
            return text + _whole_words(piece.text, int(share * len(piece.text))), True
        else:
            break
    return text, False


def _whole_words(text: str, length: int) -> str:
    ends = [word.end() for word in re.finditer(r"\S+", text)]
    return text[: max((end for end in ends if end <= length), default=0)]
