"""Sessions that are no calls, and calls that are not simply taken as they come.

`CallClient` has the methods; here are the classes of what they return, and the errors.
"""

from __future__ import annotations

from trio_calls._public_names import claim_names
from trio_calls.call.hand_over import HandOver
from trio_calls.client.call_flow import InboundCalls
from trio_calls.client.conversation import Conversation
from trio_calls.client.conversation_values import (
    ConversationEnd,
    ConversationEnding,
    IncomingMessage,
    SentMessage,
)
from trio_calls.client.handed_over import serve_handed_over
from trio_calls.client.sessions import Sessions
from trio_calls.errors import (
    WSSCallNotFoundError,
    WSSChannelError,
    WSSForbiddenError,
    WSSHandOverError,
    WSSInvalidRequestError,
    WSSMessageChannelError,
    WSSMessageError,
    WSSMessageExchangeError,
    WSSMessageInDoubtError,
    WSSMessageOverflowError,
    WSSMessagePayloadError,
    WSSMessageRemoteError,
    WSSOutboundOverflowError,
    WSSParticipantsFullError,
    WSSQuotaExceededError,
    WSSSessionBusyError,
    WSSSessionClosedError,
    WSSSessionError,
    WSSSessionExistsError,
    WSSSessionNotFoundError,
    WSSSessionNotOpenError,
    WSSSubscriberMismatchError,
    WSSUnauthorizedError,
)
from trio_calls.offer import Offer, OfferDecision
from trio_calls.wire.first.session_list import SessionClosure, SessionInfo

__all__ = [
    "Conversation",
    "ConversationEnd",
    "ConversationEnding",
    "HandOver",
    "InboundCalls",
    "IncomingMessage",
    "Offer",
    "OfferDecision",
    "SentMessage",
    "SessionClosure",
    "SessionInfo",
    "Sessions",
    "WSSCallNotFoundError",
    "WSSChannelError",
    "WSSForbiddenError",
    "WSSHandOverError",
    "WSSInvalidRequestError",
    "WSSMessageChannelError",
    "WSSMessageError",
    "WSSMessageExchangeError",
    "WSSMessageInDoubtError",
    "WSSMessageOverflowError",
    "WSSMessagePayloadError",
    "WSSMessageRemoteError",
    "WSSOutboundOverflowError",
    "WSSParticipantsFullError",
    "WSSQuotaExceededError",
    "WSSSessionBusyError",
    "WSSSessionClosedError",
    "WSSSessionError",
    "WSSSessionExistsError",
    "WSSSessionNotFoundError",
    "WSSSessionNotOpenError",
    "WSSSubscriberMismatchError",
    "WSSUnauthorizedError",
    "serve_handed_over",
]

claim_names(__name__, globals(), __all__)
