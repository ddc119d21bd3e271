"""How an exchange says on a control connection what a test tells it to: a class for each wire.

On the first wire a call is offered under the name of its session, and claimed by opening that. On
the second it is told of under its own name, and claimed in a session of the SDK's choice. A test
names the session, ``s``, and the call is the ``call of s`` on either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import attrs

from trio_calls.config import WireName
from trio_calls.wire.control_wire import Offered, RingingCall
from trio_calls.wire.first import codec as first
from trio_calls.wire.first.control import CallIn, SessionNotify, SessionReady
from trio_calls.wire.first.control import SessionOpen as FirstOpen
from trio_calls.wire.first.control import Setup as FirstSetup
from trio_calls.wire.message import Message, UnknownMessage
from trio_calls.wire.responses import Response
from trio_calls.wire.second import codec as second
from trio_calls.wire.second.control import CallNotify, SessionClaim
from trio_calls.wire.second.control import SessionOpen as SecondOpen
from trio_calls.wire.second.control import Setup as SecondSetup

#: Of calls that get no other one.
TOKEN: Final = "a-token-that-nobody-may-see"

_CALL: Final = "call of "


@attrs.frozen
class Claim:
    """An SDK's claim of a call, which waits for an answer.

    Attributes:
      request_id: comes back in that.
      session_id: the name that the test has for the call's session.
    """

    request_id: str
    session_id: str


@attrs.frozen
class Said:
    """What an SDK has said, in the terms of both wires.

    Attributes:
      claim: what it claims by that, if it does.
      replies: what it is told at once, whatever becomes of its claim.
      has_call: the name of the session whose call it has by that, if it has one.
    """

    claim: Claim | None = None
    replies: Sequence[Message] = ()
    has_call: str | None = None


class ControlWords(Protocol):
    """What is said on control connections. Keeps nothing."""

    @property
    def wire(self) -> WireName:
        """The generation."""

    @property
    def taken(self) -> str:
        """The error code of a claim that comes too late: somebody else has the call."""

    @property
    def over(self) -> str:
        """The error code of a claim that comes too late: the caller has hung up."""

    @property
    def call_flow(self) -> str:
        """The type of the request that says what is to be offered."""

    @property
    def gives_with_grant(self) -> bool:
        """Whether the answer to a claim says where the call is."""

    def decode(self, frame: str) -> Message | UnknownMessage:
        """Read a frame."""

    def offer(self, session_id: str) -> Message:
        """Offer a call."""

    def hear(self, frame: str, token: str) -> Said:
        """Tell what an SDK has said of calls. Anything else fails the test."""

    def grant(self, claim: Claim, token: str = TOKEN) -> Message:
        """Answer a claim: the SDK has the call."""

    def refusal(
        self, claim: Claim, error_code: str | None = None, holder: str | None = None
    ) -> Message:
        """Answer a claim: somebody else has the call, or this is why."""

    def is_setup(self, frame: str) -> bool:
        """Return whether an SDK begins with this."""


class FirstWords:
    """On the first wire the address of the call comes when the SDK is ready for it."""

    wire: Final = "first"
    taken: Final = "SESSION_BUSY"
    over: Final = "SESSION_CLOSED"
    call_flow: Final = "call_flow.setup"
    gives_with_grant: Final = False

    def decode(self, frame: str) -> Message | UnknownMessage:
        return first.decode_control(frame)

    def offer(self, session_id: str) -> Message:
        return offer(session_id)

    def hear(self, frame: str, token: str) -> Said:
        match self.decode(frame):
            case FirstOpen(request_id, session_id):
                return Said(Claim(request_id, session_id))
            case SessionReady(session_id):
                return Said(replies=[call_in(session_id, token)], has_call=session_id)
            case message:
                raise AssertionError(f"unexpected: {message}")

    def grant(self, claim: Claim, token: str = TOKEN) -> Message:
        return Response(claim.request_id, is_ok=True, content={})

    def refusal(
        self, claim: Claim, error_code: str | None = None, holder: str | None = None
    ) -> Message:
        content = {"boundSmWsId": holder} if holder else None
        return Response(claim.request_id, False, None, error_code or self.taken, content)

    def is_setup(self, frame: str) -> bool:
        return isinstance(self.decode(frame), FirstSetup)


class SecondWords:
    """On the second wire it comes with the answer. Whatever session is opened is granted."""

    wire: Final = "second"
    taken: Final = "CALL_NOT_FOUND"
    over: Final = "CALL_NOT_FOUND"
    call_flow: Final = "trigger_conditions.setup"
    gives_with_grant: Final = True

    def decode(self, frame: str) -> Message | UnknownMessage:
        return second.decode_control(frame)

    def offer(self, session_id: str) -> Message:
        return CallNotify(
            _CALL + session_id,
            subscriber=f"callee of {session_id}",
            participant=f"caller of {session_id}",
        )

    def hear(self, frame: str, token: str) -> Said:
        match self.decode(frame):
            case SecondOpen(request_id=request_id):
                return Said(replies=[Response(request_id, True, {"created": True})])
            case SessionClaim(request_id=request_id, call_id=call_id):
                session_id = session_name(call_id)
                return Said(Claim(request_id, session_id), has_call=session_id)
            case message:
                raise AssertionError(f"unexpected: {message}")

    def grant(self, claim: Claim, token: str = TOKEN) -> Message:
        address = {"url": f"ws://exchange/media/{claim.session_id}", "token": token}
        return Response(claim.request_id, is_ok=True, content=address)

    def refusal(
        self, claim: Claim, error_code: str | None = None, holder: str | None = None
    ) -> Message:
        assert holder is None, "this wire does not say who has a call"
        return Response(claim.request_id, False, None, error_code or self.taken)

    def is_setup(self, frame: str) -> bool:
        return isinstance(second.decode_setup(frame), SecondSetup)


def session_name(told: str) -> str:
    """Return the test's name for a session, from what an application sees as its name."""
    return told.removeprefix(_CALL)


CONTROL_WORDS: Final[dict[WireName, type[FirstWords | SecondWords]]] = {
    "first": FirstWords,
    "second": SecondWords,
}


def offer(
    session_id: str, *, activity: str = "NEW_INCOMING_CALL", channel: str = "TELCO"
) -> SessionNotify:
    """Offer something on the first wire."""
    return SessionNotify(session_id, channel=channel, activity=activity)


def offered(session_id: str) -> Offered:
    """Make what a client hears of `offer`."""
    return Offered(session_id, "TELCO", activity="NEW_INCOMING_CALL")


def ringing_call(session_id: str) -> RingingCall:
    """Make what a client hears of `call_in`."""
    message = call_in(session_id)
    return RingingCall(
        session_id=session_id,
        call_id=message.call_id,
        caller_number=message.caller_number,
        callee_number=message.callee_number,
        url=message.url,
        token=message.token,
    )


def call_in(session_id: str, token: str = TOKEN, url: str | None = None) -> CallIn:
    return CallIn(
        session_id=session_id,
        call_id=f"call of {session_id}",
        caller_number=f"caller of {session_id}",
        callee_number=f"callee of {session_id}",
        url=url or f"ws://exchange/media/{session_id}",
        token=token,
    )
