"""The messages of the second wire's media connection, both ways.

Commands, their responses and the events of a call are those of the first wire. Audio travels in
binary messages of a form of their own: see `audio_frame`.
"""

from __future__ import annotations

from typing import ClassVar, Final

import attrs

from trio_calls.wire.commands import CallEvent, CommandRequest, CommandResponse
from trio_calls.wire.message import Message, wire

#: The command that places a call which was made by `CreateCall`. Its ``data`` is a `RingTime`.
DIAL: Final = "call.dial"

#: The track that the agent sends on.
AGENT_TRACK: Final = 0

#: Where an agent hears everybody else, mixed.
MIXED_TRACK: Final = 0

#: Where it hears one party alone. There is no mixed track beside them.
CALLER_TRACK: Final = 0
CALLEE_TRACK: Final = 1

LAST_TRACK: Final = 255

#: The longest frame that an exchange may ask for, in milliseconds.
MAX_FRAME_MS: Final = 1000

#: The most audio that an exchange may hold ahead, in milliseconds: about what a buffer request of
#: the first wire may ask for.
MAX_WINDOW_MS: Final = 600_000

#: Longer than any call, in milliseconds: 285 years.
_MAX_CLOCK_MS: Final = 2**43


@attrs.frozen
class Config(Message):
    """Exchange → SDK, first: how long the frames of the agent's audio are to be."""

    wire_type: ClassVar[str] = "config"
    in_data: ClassVar[bool] = True

    frame_ms: int = wire(
        "frame_ms", validator=[attrs.validators.ge(1), attrs.validators.le(MAX_FRAME_MS)]
    )


@attrs.frozen
class Flow(Message):
    """Exchange → SDK: how much of the agent's audio is done with, and how much may be ahead of it.

    Both count from the beginning of the connection. What was dropped because of an interruption is
    done with, too.
    """

    wire_type: ClassVar[str] = "flow"
    in_data: ClassVar[bool] = True

    track: int = wire(
        "track_id",
        default=AGENT_TRACK,
        validator=[attrs.validators.ge(0), attrs.validators.le(LAST_TRACK)],
    )
    drained_ms: int = wire(
        "drained_ms",
        default=0,
        validator=[attrs.validators.ge(0), attrs.validators.le(_MAX_CLOCK_MS)],
    )
    window_ms: int = wire(
        "window_ms",
        default=0,
        validator=[attrs.validators.ge(0), attrs.validators.le(MAX_WINDOW_MS)],
    )


MediaMessage = CommandRequest | CommandResponse | CallEvent | Config | Flow
