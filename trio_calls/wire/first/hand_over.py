"""What one process hands a ringing call over to another with. No frame: it goes whatever way.

The keys are those of the official client's document. One more, ``audio_format``, is ours: the
exchange has fixed the format for the process that took the call, and the other has to know it.
Readers that do not know the key pass it over.
"""

from __future__ import annotations

from typing import Final

import attrs

from trio_calls.audio_format import SAMPLE_RATES
from trio_calls.wire.media_address import bearer_token, media_url
from trio_calls.wire.message import text, wire
from trio_calls.wire.names import AUDIO_MODES, MAX_NUMBER_LENGTH, TELEPHONE

_number: Final = attrs.validators.optional(attrs.validators.max_len(MAX_NUMBER_LENGTH))


@attrs.frozen
class HandedOverFormat:
    """The ``audio_format`` of a document."""

    sample_rate: int = wire("sample_rate", validator=attrs.validators.in_(SAMPLE_RATES))
    mode: str = wire("mode", validator=attrs.validators.in_(AUDIO_MODES))


@attrs.frozen(kw_only=True)
class HandOverDocument:
    """A call that rings, and where its media connection is opened. The fields are called as there.

    A caller or a callee that is missing is withheld.
    """

    channel: str = wire("channel", default=TELEPHONE, validator=attrs.validators.in_([TELEPHONE]))
    id: str = text("id")
    caller: str | None = wire("caller", default=None, validator=_number, repr=False)
    callee: str | None = wire("callee", default=None, validator=_number, repr=False)
    session_url: str = media_url("session_url")
    session_token: str = bearer_token("session_token")
    audio_format: HandedOverFormat | None = wire("audio_format", default=None)
