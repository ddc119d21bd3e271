"""What one process hands a call over to another with, as the second wire's official client does.

Unlike that of the first wire it says how the call's audio is, and with whom the call is. A call
that an SDK has prepared, and nobody's telephone rings for yet, can be handed over as well.
"""

from __future__ import annotations

from typing import Final

import attrs

from trio_calls.audio_format import SAMPLE_RATES, AudioMode
from trio_calls.wire.media_address import bearer_token, media_url
from trio_calls.wire.message import forgiven, text, wire
from trio_calls.wire.names import AUDIO_MODES
from trio_calls.wire.second.control import Address, address

#: Who began the call: somebody else, or an SDK.
INCOMING: Final = "incoming"
OUTGOING: Final = "outgoing"

#: What tells this document from that of the first wire.
AUDIO_CONFIG: Final = "audio_config"


@attrs.frozen(kw_only=True)
class AudioConfig:
    """The ``audio_config`` of a document. How its reader buffers audio is its reader's affair."""

    sample_rate: int = wire("sample_rate", validator=attrs.validators.in_(SAMPLE_RATES))
    audio_mode: str = wire(
        "audio_mode",
        default=AudioMode.MIXED.value,
        validator=attrs.validators.in_(AUDIO_MODES),
    )
    buffer_size: int = forgiven("buffer_size", default=2**20)
    inbound_queue_maxsize: int = forgiven("inbound_queue_maxsize", default=1000)


@attrs.frozen(kw_only=True)
class HandOverDocument:
    """A call, and where its media connection is opened. The fields are called as there.

    A caller or a callee that is empty is withheld.
    """

    id: str = text("id")
    origin: str = wire(
        "_origin", default=INCOMING, validator=attrs.validators.in_((INCOMING, OUTGOING))
    )
    participant: Address = wire("participant")
    subscriber: str = address("subscriber")
    caller: str = address("caller")
    callee: str = address("callee")
    session_url: str = media_url("session_url")
    session_token: str = bearer_token("session_token")
    audio_config: AudioConfig = wire(AUDIO_CONFIG)
