"""Sessions: who may have a call. A session is open to everybody until one SDK claims it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final

import attrs

from trio_calls.audio_format import AudioMode
from trio_calls.simulator.exchange.exchange_call import ExchangeCall
from trio_calls.simulator.exchange.identifiers import Identifiers
from trio_calls.wire.control import (
    SESSION_BUSY,
    SESSION_CLOSED,
    SESSION_NOT_FOUND,
    TELEPHONE,
    CallIn,
    ControlMessage,
    Response,
    SessionClosed,
    SessionNotify,
)

#: The path of media connections on the exchange, before the call's id.
MEDIA_PATH: Final = "/v1/agent/media/"

_NEW_INCOMING_CALL: Final = "NEW_INCOMING_CALL"


@attrs.frozen(eq=False)
class ConnectedSdk:
    """An SDK at the other end of a control connection.

    Attributes:
      connection_id: the id of that connection.
      audio_mode: how it wants to hear its calls.
      send: queues a message to it; without effect when the connection is gone.
    """

    connection_id: str
    audio_mode: AudioMode
    send: Callable[[ControlMessage], None]


class Session:
    """A call on offer, claimed, or closed.

    Attributes:
      call: the call.
      offer: the message that offers it to everybody.
      holder: who claimed it last, or None while it is on offer.
      is_closed: whether the call is over for agents.
    """

    def __init__(self, call: ExchangeCall, identifiers: Identifiers) -> None:
        self.call = call
        self.holder: ConnectedSdk | None = None
        self.is_closed: bool = False
        self.offer: SessionNotify = SessionNotify(
            session_id=call.session_id,
            channel=TELEPHONE,
            remote_address=call.caller.number,
            local_address=call.callee.number,
            activity=_NEW_INCOMING_CALL,
            created_at=identifiers.unix_seconds(),
        )
        self._token: str | None = None
        self._identifiers = identifiers

    @property
    def is_on_offer(self) -> bool:
        """Whether anybody may claim it."""
        return self.holder is None and not self.is_closed

    def open(self, request_id: str, sdk: ConnectedSdk) -> Response:
        """Give it to an SDK that claims it: the first has it, and may claim it again."""
        if self.is_closed:
            return _refusal(request_id, SESSION_CLOSED)
        if self.holder is not None and self.holder is not sdk:
            return _refusal(request_id, SESSION_BUSY, boundSmWsId=self.holder.connection_id)
        self.holder = sdk
        self.call.claim(sdk.audio_mode)
        session = {
            "id": self.call.session_id,
            "channel": TELEPHONE,
            "remoteAddress": self.call.caller.number,
            "localAddress": self.call.callee.number,
            "openedAt": self._identifiers.unix_seconds(),
        }
        return Response(request_id, is_ok=True, content={"session": session})

    def call_in(self, base_url: str) -> CallIn:
        """Make the message that says where to open the media connection, and void older tokens."""
        self._token = self._identifiers.token()
        return CallIn(
            session_id=self.call.session_id,
            call_id=self.call.call_id,
            caller_number=self.call.caller.number,
            callee_number=self.call.callee.number,
            url=f"{base_url}{MEDIA_PATH}{self.call.call_id}",
            token=self._token,
        )

    def admits(self, authorization: str) -> bool:
        """Return whether this header opens the media connection."""
        expected = f"Bearer {self._token}".encode()
        return self._token is not None and secrets.compare_digest(
            authorization.encode(errors="replace"), expected
        )

    def release(self) -> None:
        """Take it away from its holder."""
        self.holder = None
        self._token = None

    def close(self, reason: str) -> None:
        """Close it, and tell its holder why: the call is over for agents."""
        self.is_closed = True
        self._token = None
        if self.holder is not None:
            self.holder.send(SessionClosed(self.call.session_id, reason))


def session_not_found(request_id: str) -> Response:
    """Refuse the claim of a session that never was."""
    return _refusal(request_id, SESSION_NOT_FOUND)


def _refusal(request_id: str, error_code: str, **content: str) -> Response:
    return Response(request_id, is_ok=False, error_code=error_code, error_content=content or None)
