"""The messages with which somebody outside places a call into the simulator, both ways.

They are the simulator's own: no exchange has such a connection. One connection is one call. Beside
them travel binary messages: one byte that says whose audio it is, then PCM; to the simulator what
caller and callee say, from it what the caller hears. Audio of the caller that follows a
``dial.say`` is that line's until it is complete; other audio is said right after what came before.

::

    dialer                      simulator
      dial              ──►
                        ◄──     dial.placed       at which sample rate to speak
      dial.say, audio   ──►                       a line of the caller's
      audio             ──►
                        ◄──     dial.progress     claimed, caller talking, …
                        ◄──     dial.line         a line begins, or was said
                        ◄──     dial.status       state, mode and levels, if they were asked for
                        ◄──     audio             what the caller hears, if that was asked for
      dial.hang_up      ──►
                        ◄──     dial.ended
"""

from __future__ import annotations

import enum
from typing import Any, ClassVar, Final

import attrs

from trio_calls.audio_format import SAMPLE_RATES
from trio_calls.state import AgentMode, CallState
from trio_calls.wire.codec import Vocabulary
from trio_calls.wire.message import Message, UnknownMessage, text, wire

#: The path of dialing connections on the simulator.
DIALING_PATH: Final = "/v1/simulator/dial"

#: The first byte of a binary message, which says whose audio it is.
CALLER: Final = 1
CALLEE: Final = 2

#: The longest wait that can be asked for, in seconds.
LONGEST_SECONDS: Final = 86400.0

#: What a level of silence is on the wire, which has no infinity, in dBFS.
SILENCE_DBFS: Final = -120.0
_LOUDEST_DBFS: Final = 1.0


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
    CALLER_HUNG_UP = "caller_hung_up"
    CALLEE_HUNG_UP = "callee_hung_up"


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
        validator=[attrs.validators.ge(0), attrs.validators.le(LONGEST_SECONDS)],
    )
    wants_recording: bool = wire("wantsRecording", default=False)
    wants_status: bool = wire("wantsStatus", default=False)


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
class DialSay(Message):
    """Dialer → simulator: what the caller says next, after a wait. Its audio follows.

    The wait begins where the line before was said to its end, or else where the caller is
    connected. With `for_silence` nothing must have been heard meanwhile: a sound begins it anew.
    """

    wire_type: ClassVar[str] = "dial.say"
    in_data: ClassVar[bool] = True

    audio_bytes: int = wire("bytes", validator=attrs.validators.ge(2))
    wait_seconds: float = wire(
        "waitSeconds",
        default=0.0,
        validator=[attrs.validators.ge(0), attrs.validators.le(LONGEST_SECONDS)],
    )
    for_silence: bool = wire("forSilence", default=False)


@attrs.frozen
class DialLine(Message):
    """Simulator → dialer: the caller begins to say a line, or has said it."""

    wire_type: ClassVar[str] = "dial.line"
    in_data: ClassVar[bool] = True

    number: int = wire("number", validator=attrs.validators.ge(1))
    was_said: bool = wire("wasSaid")
    seconds: float = wire("seconds", validator=attrs.validators.ge(0))


def _level(name: str) -> Any:
    """Make a field for a level in dBFS; None for a party that is not in the call."""
    return wire(
        name,
        default=None,
        validator=attrs.validators.optional(
            [attrs.validators.ge(SILENCE_DBFS), attrs.validators.le(_LOUDEST_DBFS)]
        ),
    )


@attrs.frozen
class DialStatus(Message):
    """Simulator → dialer, several times a second: the call for its agent, and how loud all are."""

    wire_type: ClassVar[str] = "dial.status"
    in_data: ClassVar[bool] = True

    seconds: float = wire("seconds", validator=attrs.validators.ge(0))
    state: str = wire("state", validator=attrs.validators.in_([state.name for state in CallState]))
    mode: str | None = wire(
        "mode",
        default=None,
        validator=attrs.validators.optional(
            attrs.validators.in_([mode.name for mode in AgentMode])
        ),
    )
    caller: float | None = _level("caller")
    callee: float | None = _level("callee")
    agent: float | None = _level("agent")


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


DialingMessage = (
    Dial
    | DialPlaced
    | DialSay
    | DialLine
    | DialProgress
    | DialStatus
    | DialHangUp
    | DialEnded
    | DialRefused
)

_VOCABULARY: Final = Vocabulary(DialingMessage)


def decode_dialing(frame: str) -> DialingMessage | UnknownMessage:
    """Read a text frame of a dialing connection.

    Raises:
      WireError: the frame cannot be used. It says what is wrong and where, without the content.
    """
    message: DialingMessage | UnknownMessage = _VOCABULARY.decode(frame)
    return message
