"""The documents with which calls are handed over, whichever wire they came on."""

from __future__ import annotations

from trio_calls.wire.codec import parse, structure
from trio_calls.wire.first.hand_over import HandOverDocument as FirstDocument
from trio_calls.wire.second.hand_over import AUDIO_CONFIG
from trio_calls.wire.second.hand_over import HandOverDocument as SecondDocument


def decode_hand_over(text: str) -> FirstDocument | SecondDocument:
    """Read the document of a call that another process hands over.

    Raises:
      WireError: it cannot be used. It says what is wrong and where, without the content.
    """
    document = parse(text)
    if isinstance(document, dict) and AUDIO_CONFIG in document:
        return structure(document, SecondDocument)
    return structure(document, FirstDocument)
