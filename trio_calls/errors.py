"""Every error that trio_calls raises on purpose, in one tree.

::

    WSSError
    ├── WSSConfigError               a setting is missing or makes no sense (also a ValueError)
    ├── WSSConnectionError           the control connection could not be made, or was lost
    │   ├── WSSUnreachableError      no connection to the exchange: network, name, port
    │   ├── WSSTLSError              the exchange could not be verified, or refused our certificate
    │   ├── WSSAuthenticationError   the exchange does not accept these credentials (401, 403)
    │   ├── WSSVersionError          the exchange wants a newer trio_calls (426)
    │   └── WSSUnavailableError      the exchange takes no connections just now (429, 503)
    ├── WSSMediaError                a call's media connection could not be made, or was lost
    ├── WSSCallError                 something about one call
    │   ├── WSSCallStateError        not allowed in the state that the call is in; nothing was sent
    │   ├── WSSCallClosedError       it cannot be done, or not any more, as the call is over
    │   │   ├── WSSCallEndedError    the call was over before (also a WSSCallStateError)
    │   │   ├── WSSCallLostError     the media connection was lost (also a WSSMediaError)
    │   │   └── BufferClosedError    not raised any more: audio for a call that is over is dropped
    │   ├── WSSCallCommandError      the exchange refused the command
    │   ├── WSSCallCommandTimeoutError   the exchange did not do it in time
    │   └── WSSCallFaultError        the exchange reports a fault; given to CALL_ERROR, never raised
    ├── WSSHandOverError             a call that was handed over cannot be taken
    │   └── WSSDispatchKeyError      it was encrypted with another key
    ├── WSSFleetError                Redis, which a fleet shares, cannot do what it was asked for
    ├── WSSSessionError              the exchange refused something about a session
    │   ├── WSSSessionBusyError      another connection has it
    │   ├── WSSSessionClosedError    it is over
    │   ├── WSSSessionNotFoundError  the exchange knows no such session
    │   ├── WSSSessionNotOpenError   it is not open for this connection
    │   ├── WSSSessionExistsError    there is one with this partner already
    │   ├── WSSQuotaExceededError    too many sessions
    │   ├── WSSSubscriberMismatchError   it belongs to another number of the connector
    │   ├── WSSParticipantsFullError it is with as many parties as it may be
    │   ├── WSSCallNotFoundError     there is no such call, or somebody else has it
    │   ├── WSSChannelError          the connector has no such channel
    │   ├── WSSOutboundOverflowError too much goes out just now
    │   ├── WSSUnauthorizedError     these credentials do not do for it
    │   ├── WSSForbiddenError        this connector may not do it
    │   ├── WSSInvalidRequestError   the exchange could not read the request
    │   └── WSSMessageError          a written message was not sent
    │       ├── WSSMessagePayloadError    it cannot be read
    │       ├── WSSMessageChannelError    the session's channel takes no messages
    │       ├── WSSMessageOverflowError   too many go out just now
    │       ├── WSSMessageRemoteError     the provider behind the exchange refused it
    │       ├── WSSMessageExchangeError   the exchange failed
    │       └── WSSMessageInDoubtError    nobody knows whether it went out
    └── BufferFullError              no room for this audio now

Whatever fails because the call is over is a `WSSCallClosedError`: people hang up, and that is no
fault of anybody.

No message carries a credential, a token or a frame's content.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class WSSError(Exception):
    """The root of the errors of trio_calls. All of them can be copied, and pickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake, (type(self), self.args), vars(self)


def _remake(kind: type[WSSError], args: tuple[Any, ...]) -> WSSError:
    """Make a copy without `__init__`, which takes other arguments than the text in some classes."""
    return kind.__new__(kind, *args)


class WSSConfigError(WSSError, ValueError):
    """A setting is missing or makes no sense. The message names the setting."""


class WSSConnectionError(WSSError):
    """The control connection to the exchange could not be made, or was lost.

    Attributes:
      status_code: the HTTP status with which the exchange refused the connection, or None.
      retry_after: for how many seconds the exchange asked not to be tried again, or None.
    """

    #: Whether trying again with the same settings is pointless.
    is_final: ClassVar[bool] = False

    def __init__(
        self, message: str, *, status_code: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.retry_after = retry_after


class WSSUnreachableError(WSSConnectionError):
    """The exchange could not be reached: the name, the port, or the network between is wrong."""


class WSSTLSError(WSSConnectionError):
    """TLS failed: the exchange could not be verified, or it refused our certificate."""


class WSSAuthenticationError(WSSConnectionError):
    """The exchange does not accept these credentials (HTTP 401 or 403)."""

    is_final = True


class WSSVersionError(WSSConnectionError):
    """The exchange no longer talks to this version of trio_calls (HTTP 426)."""

    is_final = True


class WSSUnavailableError(WSSConnectionError):
    """The exchange takes no connections at the moment (HTTP 429 or 503)."""


class WSSMediaError(WSSError):
    """A call's media connection could not be made, or was lost."""


class WSSCallError(WSSError):
    """Something went wrong with one call."""


class WSSCallStateError(WSSCallError):
    """The call's state does not allow this. Nothing was sent, and nothing changed."""


class WSSCallClosedError(WSSCallError):
    """It cannot be done, or not any more, as the call is over. `ActiveCall.ending` tells why."""


class WSSCallEndedError(WSSCallClosedError, WSSCallStateError):
    """The call was over already. Nothing was sent."""


class WSSCallLostError(WSSCallClosedError, WSSMediaError):
    """The call's media connection was lost, and with it the call."""


class WSSCallCommandError(WSSCallError):
    """The exchange refused a command. The call stays in the state that it was in.

    Attributes:
      error_code: the exchange's code for the reason, such as ``CALL_UNANSWERED``.
      error_message: the exchange's own description, or None.
    """

    def __init__(self, command: str, error_code: str, error_message: str | None = None) -> None:
        detail = f": {error_message}" if error_message else ""
        super().__init__(f"the exchange refused {command} ({error_code}){detail}")
        self.error_code = error_code
        self.error_message = error_message


class WSSCallCommandTimeoutError(WSSCallError):
    """The exchange did not do a command in time, or did not answer at all.

    The command may still succeed; if it does, the call's state follows.
    """


class WSSCallFaultError(WSSCallError):
    """The exchange reports a fault in a call, which goes on. Passed to handlers of `CALL_ERROR`.

    Attributes:
      error_code: the exchange's code for the fault, such as ``TTS_SESSION_ERROR``.
      error_message: the exchange's own description, or None.
      details: what else the exchange says of it: any JSON by name, whose texts are fit for logs.
    """

    def __init__(
        self,
        error_code: str,
        error_message: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        detail = f": {error_message}" if error_message else ""
        super().__init__(f"the exchange reports a fault in the call ({error_code}){detail}")
        self.error_code = error_code
        self.error_message = error_message
        self.details: Mapping[str, Any] = details or {}


class WSSHandOverError(WSSError):
    """A call that was handed over cannot be taken: its document is of no use, or it is too late.

    The message never quotes the document, which is a credential.
    """


class WSSDispatchKeyError(WSSHandOverError):
    """A call that was dispatched was encrypted with none of this process's keys."""


class WSSFleetError(WSSError):
    """Redis, which the processes of a fleet share, cannot be reached, or refuses.

    Calls that were opened do not need it, and go on.
    """


class WSSSessionError(WSSError):
    """The exchange refused something about a session.

    Attributes:
      error_code: the exchange's code for the reason, such as ``SESSION_BUSY``; an empty text if it
        gave none.
      error_message: the exchange's own description, or None.
      session_id: the session that it is about, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        error_code: str = "",
        error_message: str | None = None,
        session_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.error_code = error_code
        self.error_message = error_message
        self.session_id = session_id


class WSSSessionBusyError(WSSSessionError):
    """Another connection has the session (``SESSION_BUSY``).

    Attributes:
      holder: the exchange's name for that connection, or None if it did not say.
    """

    holder: str | None = None


class WSSSessionClosedError(WSSSessionError):
    """The session is over (``SESSION_CLOSED``), or was closed in the meantime."""


class WSSSessionNotFoundError(WSSSessionError):
    """The exchange knows no such session (``SESSION_NOT_FOUND``)."""


class WSSSessionNotOpenError(WSSSessionError):
    """The session is not open for this connection (``SESSION_NOT_OPEN``)."""


class WSSSessionExistsError(WSSSessionError):
    """There is a session with this partner already. Its ``session_id`` is that one's: open it."""


class WSSQuotaExceededError(WSSSessionError):
    """The connector has as many sessions as it may have (``QUOTA_EXCEEDED``)."""


class WSSSubscriberMismatchError(WSSSessionError):
    """The session belongs to another of the connector's numbers (``SUBSCRIBER_MISMATCH``).

    On the second wire only, as the next two. Another session has been tried in vain.
    """


class WSSParticipantsFullError(WSSSessionError):
    """The session is with as many parties as it may be (``PARTICIPANTS_FULL``).

    Another session has been tried in vain.
    """


class WSSCallNotFoundError(WSSSessionError):
    """There is no such call to be had (``CALL_NOT_FOUND``).

    Its caller has given up, another worker has it, or it was not claimed in time.
    """


class WSSChannelError(WSSSessionError):
    """The connector is not set up for this channel (``CHANNEL_NOT_CONFIGURED``)."""


class WSSOutboundOverflowError(WSSSessionError):
    """Too many sessions are being started just now (``OUTBOUND_OVERFLOW``)."""


class WSSUnauthorizedError(WSSSessionError):
    """The credentials, good enough to connect, are not for this (``UNAUTHORIZED``)."""


class WSSForbiddenError(WSSSessionError):
    """The connector may not do this (``FORBIDDEN``)."""


class WSSInvalidRequestError(WSSSessionError):
    """The exchange could not read the request, or does not know it (``INVALID_REQUEST``)."""


class WSSMessageError(WSSSessionError):
    """A written message was not sent.

    Attributes:
      client_message_id: the id that it was sent under (``clientMsgId``).
      error_content: what the exchange or the provider said with its code, as it came: any JSON.
        It is in no message of an error, as it may quote what was written.
    """

    client_message_id: str | None = None
    error_content: Any = None


class WSSMessagePayloadError(WSSMessageError):
    """The message cannot be read (``INVALID_PAYLOAD``), or not be put on the wire."""


class WSSMessageChannelError(WSSMessageError):
    """The session's channel takes no such messages (``INVALID_CHANNEL``)."""


class WSSMessageOverflowError(WSSMessageError):
    """Too many messages go out just now (``OVERFLOW``)."""


class WSSMessageRemoteError(WSSMessageError):
    """The provider behind the exchange refused the message (``REMOTE_ERROR``)."""


class WSSMessageExchangeError(WSSMessageError):
    """The exchange failed (``INTERNAL_ERROR``)."""


class WSSMessageInDoubtError(WSSMessageError):
    """The message was sent, and no answer came: nobody knows whether it went out.

    The wire has no way to ask. ``client_message_id`` names the message in the exchange's logs.
    """


class BufferFullError(WSSError):
    """The send queue has no room for this audio. None of it was queued."""


class BufferClosedError(WSSCallClosedError):
    """Not raised any more: what is sent to a call that is over is dropped.

    It was, until audio for a call that is over was no error any more. Programs that catch it go on
    working.
    """
