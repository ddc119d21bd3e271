"""What the exchange's refusals of requests about sessions are in the application's terms. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from trio_calls.errors import (
    WSSCallNotFoundError,
    WSSChannelError,
    WSSForbiddenError,
    WSSInvalidRequestError,
    WSSMessageChannelError,
    WSSMessageError,
    WSSMessageExchangeError,
    WSSMessageOverflowError,
    WSSMessagePayloadError,
    WSSMessageRemoteError,
    WSSOutboundOverflowError,
    WSSParticipantsFullError,
    WSSQuotaExceededError,
    WSSSessionBusyError,
    WSSSessionClosedError,
    WSSSessionError,
    WSSSessionNotFoundError,
    WSSSessionNotOpenError,
    WSSSubscriberMismatchError,
    WSSUnauthorizedError,
)
from trio_calls.wire.names import (
    CALL_NOT_FOUND,
    CHANNEL_NOT_CONFIGURED,
    FORBIDDEN,
    INTERNAL_ERROR,
    INVALID_CHANNEL,
    INVALID_PAYLOAD,
    INVALID_REQUEST,
    OUTBOUND_OVERFLOW,
    OVERFLOW,
    PARTICIPANTS_FULL,
    QUOTA_EXCEEDED,
    REMOTE_ERROR,
    SESSION_BUSY,
    SESSION_CLOSED,
    SESSION_NOT_FOUND,
    SESSION_NOT_OPEN,
    SUBSCRIBER_MISMATCH,
    UNAUTHORIZED,
)
from trio_calls.wire.responses import Response

#: By the exchange's code. A code that is not here is a plain `WSSSessionError`.
SESSION_ERRORS: Final[Mapping[str, type[WSSSessionError]]] = {
    SESSION_BUSY: WSSSessionBusyError,
    SESSION_CLOSED: WSSSessionClosedError,
    SESSION_NOT_FOUND: WSSSessionNotFoundError,
    SESSION_NOT_OPEN: WSSSessionNotOpenError,
    QUOTA_EXCEEDED: WSSQuotaExceededError,
    SUBSCRIBER_MISMATCH: WSSSubscriberMismatchError,
    PARTICIPANTS_FULL: WSSParticipantsFullError,
    CALL_NOT_FOUND: WSSCallNotFoundError,
    CHANNEL_NOT_CONFIGURED: WSSChannelError,
    OUTBOUND_OVERFLOW: WSSOutboundOverflowError,
    UNAUTHORIZED: WSSUnauthorizedError,
    FORBIDDEN: WSSForbiddenError,
    INVALID_REQUEST: WSSInvalidRequestError,
}

#: The same for written messages. A session's own codes are those above; any other code is a plain
#: `WSSMessageError`.
MESSAGE_ERRORS: Final[Mapping[str, type[WSSMessageError]]] = {
    INVALID_PAYLOAD: WSSMessagePayloadError,
    INVALID_CHANNEL: WSSMessageChannelError,
    OVERFLOW: WSSMessageOverflowError,
    REMOTE_ERROR: WSSMessageRemoteError,
    INTERNAL_ERROR: WSSMessageExchangeError,
}


def refusal_of(
    what: str, response: Response, quote: Callable[[str], str], session_id: str | None = None
) -> WSSSessionError:
    """Make the error for a request that the exchange has refused.

    Args:
      what: what was asked for, such as ``to open the session``.
      response: the refusal.
      quote: makes words of the exchange fit for an error: it may quote our credentials.
      session_id: the session that it is about, if it is about one.
    """
    code, words = _said(response, quote)
    error = SESSION_ERRORS.get(code, WSSSessionError)(
        _describe(what, code, words), error_code=code, error_message=words, session_id=session_id
    )
    if isinstance(error, WSSSessionBusyError) and response.holder is not None:
        error.holder = quote(response.holder)
    return error


def message_refusal_of(
    response: Response, quote: Callable[[str], str], session_id: str, client_message_id: str
) -> WSSSessionError:
    """Make the error for a written message that the exchange, or the provider, has refused."""
    code, words = _said(response, quote)
    if code in SESSION_ERRORS:
        return refusal_of("to send the message", response, quote, session_id)
    error = MESSAGE_ERRORS.get(code, WSSMessageError)(
        _describe("to send the message", code, None),
        error_code=code,
        error_message=words,
        session_id=session_id,
    )
    error.client_message_id = client_message_id
    error.error_content = response.error_content
    return error


def _said(response: Response, quote: Callable[[str], str]) -> tuple[str, str | None]:
    words = response.error_message
    return quote(response.error_code or ""), None if words is None else quote(words)


def _describe(what: str, code: str, words: str | None) -> str:
    detail = f": {words}" if words else ""
    return f"the exchange refused {what} ({code or 'no reason given'}){detail}"
