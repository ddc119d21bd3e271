"""The messages with which somebody outside places a call into the simulator, both ways.

They are the simulator's own: no exchange has such a connection. One connection is one call. Beside
them travel binary messages: one byte that says whose audio it is, then PCM; to the simulator what
caller and callee say, from it what the caller hears.

::

    dialer                      simulator
      dial              ──►
                        ◄──     dial.placed       at which sample rate to speak
      audio             ──►
                        ◄──     dial.progress     claimed, caller talking, …
                        ◄──     audio             what the caller hears, if that was asked for
      dial.hang_up      ──►
                        ◄──     dial.ended
"""

from __future__ import annotations

import enum
from typing import ClassVar, Final

import attrs

from trio_calls.audio_format import SAMPLE_RATES
from trio_calls.wire.message import Message, text, wire

#: The path of dialing connections on the simulator.
DIALING_PATH: Final = "/v1/simulator/dial"

#: The first byte of a binary message, which says whose audio it is.
CALLER: Final = 1
CALLEE: Final = 2

_LONGEST_SECONDS = 86400.0


class PickupKind(enum.StrEnum):
    """What the callee does when the phone rings."""

    ANSWERS = "answers"
    DECLINES = "declines"
    NEVER = "never"


class DialEvent(enum.StrEnum):
    """What can happen to a call that was placed."""

    CLAIMED = "claimed"
    CALLER_TALKING = "caller_talking"
    CALLEE_TALKING = "callee_talking"
    AGENT_LEFT = "agent_left"


@attrs.frozen
class Dial(Message):
    """Dialer → simulator, first and once: place a call."""

    wire_type: ClassVar[str] = "dial"
    in_data: ClassVar[bool] = True

    caller: str = text("from")
    callee: str = text("to")
    pickup: str = wire("pickup", validator=attrs.validators.in_(tuple(PickupKind)))
    pickup_seconds: float = wire(
        "pickupSeconds",
        validator=[attrs.validators.ge(0), attrs.validators.le(_LONGEST_SECONDS)],
    )
    wants_recording: bool = wire("wantsRecording", default=False)


@attrs.frozen
class DialPlaced(Message):
    """Simulator → dialer: the call was placed, and rings."""

    wire_type: ClassVar[str] = "dial.placed"
    in_data: ClassVar[bool] = True

    call_id: str = text("callId")
    sample_rate: int = wire("sampleRate", validator=attrs.validators.in_(SAMPLE_RATES))


@attrs.frozen
class DialProgress(Message):
    """Simulator → dialer: something happened, `seconds` after the call was placed."""

    wire_type: ClassVar[str] = "dial.progress"
    in_data: ClassVar[bool] = True

    event: str = wire("event", validator=attrs.validators.in_(tuple(DialEvent)))
    seconds: float = wire("seconds", validator=attrs.validators.ge(0))


@attrs.frozen
class DialHangUp(Message):
    """Dialer → simulator: the caller hangs up, as also happens when the connection is lost."""

    wire_type: ClassVar[str] = "dial.hang_up"


@attrs.frozen
class DialEnded(Message):
    """Simulator → dialer, last: the call is over, `seconds` after it was placed."""

    wire_type: ClassVar[str] = "dial.ended"
    in_data: ClassVar[bool] = True

    seconds: float = wire("seconds", validator=attrs.validators.ge(0))


@attrs.frozen
class DialRefused(Message):
    """Simulator → dialer, last: what was sent makes no sense."""

    wire_type: ClassVar[str] = "dial.refused"
    in_data: ClassVar[bool] = True

    reason: str = text("reason")


DialingMessage = Dial | DialPlaced | DialProgress | DialHangUp | DialEnded | DialRefused
