"""What a client needs of its generation of the control connection, and what it hears from it.

::

    the client ── claim(), call_flow(), … ──► `Exchange`, the connection
    the client ◄── `News`, `Response` ─────── read() ◄── a frame that came

How a call is offered and claimed is a generation's own. What comes of it is the same: an `Offered`,
and a `RingingCall` for whoever has claimed it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

import attrs

from trio_calls._quoting import Secret, printable
from trio_calls.audio_format import AudioFormat
from trio_calls.wire.commands import DIAL_SECONDS
from trio_calls.wire.message import Message
from trio_calls.wire.names import (
    NEW_INCOMING_CALL,
    NEW_INCOMING_MESSAGE,
    RESUME,
    TELEPHONE,
    WHATSAPP,
)
from trio_calls.wire.responses import Response, SetupDone

#: The activities with which a ringing call is offered.
_OFFERING_CALLS: Final = frozenset({NEW_INCOMING_CALL, RESUME})

#: The same for a conversation in writing.
_OFFERING_MESSAGES: Final = frozenset({NEW_INCOMING_MESSAGE, RESUME})


@attrs.frozen
class Offered:
    """Something that can be claimed.

    Attributes:
      session_id: by which it is claimed.
      channel: ``TELCO`` for a call, ``WA`` for WhatsApp.
      remote_address: who calls or writes; empty if the exchange does not say.
      local_address: who is called, or written to; empty if the exchange does not say.
      activity: why it is offered.
      created_at: when, in seconds since 1970; 0 if the exchange does not say.
    """

    session_id: str
    channel: str
    # Wherever this is shown, telephone numbers are not.
    remote_address: str = attrs.field(default="", repr=False)
    local_address: str = attrs.field(default="", repr=False)
    activity: str = ""
    created_at: float = 0

    @property
    def offers_call(self) -> bool:
        """Whether this is a ringing call."""
        return self.channel == TELEPHONE and self.activity in _OFFERING_CALLS

    @property
    def offers_conversation(self) -> bool:
        """Whether this is a conversation in writing."""
        return self.channel == WHATSAPP and self.activity in _OFFERING_MESSAGES


@attrs.frozen(kw_only=True)
class RingingCall:
    """A call that is this process's, and where its media connection is opened.

    Attributes:
      session_id: by which it was claimed; empty where another process has claimed it.
      call_id: the exchange's name for the call. Nothing else goes back to the exchange under this
        name, and everybody logs it.
      caller_number: who calls; None if that is withheld.
      callee_number: who is called; None if that is withheld.
      url: the address of the media connection.
      token: what opens it.
      is_prepared: whether nobody's telephone rings yet: it does when the agent answers.
      ring_time_seconds: for how long it may ring then.
    """

    session_id: str = ""
    call_id: str = attrs.field(converter=printable)
    caller_number: str | None = attrs.field(default=None, repr=False)
    callee_number: str | None = attrs.field(default=None, repr=False)
    url: str = attrs.field(repr=False)
    token: str = attrs.field(repr=False, converter=Secret)
    is_prepared: bool = False
    ring_time_seconds: float = DIAL_SECONDS

    @property
    def dial_seconds(self) -> float | None:
        """For how long a telephone may ring when the agent answers; None if that rings none."""
        return self.ring_time_seconds if self.is_prepared else None


@attrs.frozen
class Created:
    """What has come of starting a session.

    Attributes:
      response: the exchange's answer, which may be a refusal.
      session_id: the name of the session, if it is none.
      is_new: whether it was started for this; if not, it was there already.
    """

    response: Response
    session_id: str = ""
    is_new: bool = True


@attrs.frozen
class Written:
    """Somebody has written.

    Attributes:
      session_id: the session in which that is.
      sender: who has written.
      content: what, in the provider's form.
      offer: the session, if it is this process's by that, claimed or not; otherwise None.
    """

    session_id: str
    # Wherever this is shown, who writes and what is not.
    sender: str = attrs.field(repr=False)
    content: Any = attrs.field(repr=False)
    offer: Offered | None = None


@attrs.frozen
class SessionEnded:
    """A session that was this process's is over.

    Attributes:
      session_id: the session.
      reason: the exchange's word for it.
      is_wanted: whether an SDK has asked for it.
    """

    session_id: str
    reason: str = ""
    is_wanted: bool = False


News = Offered | RingingCall | Written | SessionEnded


class Exchange(Protocol):
    """The other end of the control connection."""

    async def request(self, make_request: Callable[[str], Message]) -> Response:
        """Send a request, which is made from its id, and wait for the response.

        Raises:
          WSSConnectionError: the connection was lost, or there was no response in time.
        """

    def send(self, message: Message) -> None:
        """Send a message that has no response.

        Raises:
          WSSConnectionError: there is no connection now.
        """

    def hear(self, news: News) -> None:
        """Act on something as if it had come in a frame of its own."""

    def is_granted(self, response: Response) -> bool:
        """Return whether a session is this process's: it was given to us, or was ours already."""


class ControlWire(Protocol):
    """One generation of the wire, on the control connections of a client."""

    @property
    def vital_types(self) -> frozenset[str]:
        """The types of the frames with which a call, or what somebody wrote, would be lost."""

    @property
    def follows_claims(self) -> bool:
        """Whether the exchange says when a claimed call is over, or is taken back.

        It takes them back with the control connection, too. Otherwise a claim stands by itself, and
        all else is heard of on the media connection.
        """

    @property
    def forgets_sessions(self) -> bool:
        """Whether sessions are not closed, but forgotten when nothing has happened in them.

        One that is needed again is claimed again.
        """

    @property
    def offers_to_all(self) -> bool:
        """Whether a call is offered to all processes of a connector, and the first claim has it.

        Otherwise it is offered to one of them, which may claim it on its next connection, too, if
        this one is lost.
        """

    @property
    def claim_seconds(self) -> float:
        """For how long a call can be claimed after it was offered.

        Infinite where that is as long as it rings, for all that is known.
        """

    def setup(self, audio_format: AudioFormat) -> Message:
        """Return what is sent first on a connection."""

    def read(self, frame: str) -> News | Response | SetupDone | None:
        """Read a text frame that came; None if it says nothing to a client.

        Raises:
          WireError: it makes no sense.
        """

    async def claim(self, exchange: Exchange, session_id: str) -> Response:
        """Claim a call. If it is granted, its `RingingCall` is heard of, now or later.

        Raises:
          WSSConnectionError: as `Exchange.request`.

        Cancellation: the exchange may have given the call to this process.
        """

    async def claim_conversation(self, exchange: Exchange, session_id: str) -> Response:
        """Claim a session in which people write.

        Where that is offered, nothing that is written comes before `listen`.

        Raises, and is cancelled, as `claim`.
        """

    def listen(self, exchange: Exchange, session_id: str) -> None:
        """Let what is written in a claimed session come.

        Raises:
          WSSConnectionError: as `Exchange.send`.
        """

    async def create(
        self, exchange: Exchange, channel: str, remote_address: str, local_address: str | None
    ) -> Created:
        """Start a session with somebody. That of a call is claimed afterwards.

        Args:
          exchange: is asked.
          channel: ``TELCO`` for a call, ``WA`` for WhatsApp.
          remote_address: the other side.
          local_address: the connector's number for it; None if it has only one.

        Raises:
          WSSConnectionError: as `Exchange.request`.
          WireError: the answer makes no sense.
        """

    def call_flow(self, request_id: str, **what: Any) -> Message:
        """Return the request that says what is to be offered.

        Args:
          request_id: comes back in the response.
          what: `inbound_calls`, in the exchange's word; and whether `outbound_calls`,
            `inbound_messages` and `outbound_messages`.
        """

    def message(
        self,
        request_id: str,
        session_id: str,
        client_message_id: str,
        api_version: str,
        data: dict[str, Any],
    ) -> Message:
        """Return the request that sends a written message.

        Raises:
          ValueError: something of it is too long.
        """
