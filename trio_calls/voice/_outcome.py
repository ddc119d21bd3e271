"""How saying something has ended."""

from __future__ import annotations

import enum

import attrs


class SpeechEnding(enum.Enum):
    """Why a speech is over."""

    HEARD = "HEARD"
    """It was heard to its end."""

    INTERRUPTED = "INTERRUPTED"
    """It was cancelled, or dropped by a command, before its end was heard."""

    CALL_OVER = "CALL_OVER"
    """The call ended before that."""


@attrs.frozen
class SpeechOutcome:
    """How saying something has ended.

    Attributes:
      ending: why it is over.
      heard_seconds: how much of it was heard. See `Speech.heard_seconds`.
      seconds: how long all of it is, as far as it was there.
      heard_text: the text of what was heard; None if no text came with it.
      is_text_estimated: whether that text ends at an estimate, and not at the end of a piece.
    """

    ending: SpeechEnding
    heard_seconds: float
    seconds: float
    heard_text: str | None = attrs.field(default=None, repr=False)
    is_text_estimated: bool = False
