"""Sessions that are no calls, and calls that are not simply taken as they come.

`CallClient` has the methods; here are the classes of what they return, and the errors.
"""

from __future__ import annotations

from trio_calls._public_names import claim_names
from trio_calls.errors import (
    WSSChannelError,
    WSSForbiddenError,
    WSSInvalidRequestError,
    WSSMessageChannelError,
    WSSMessageError,
    WSSMessageExchangeError,
    WSSMessageInDoubtError,
    WSSMessageOverflowError,
    WSSMessagePayloadError,
    WSSMessageRemoteError,
    WSSOutboundOverflowError,
    WSSQuotaExceededError,
    WSSSessionBusyError,
    WSSSessionClosedError,
    WSSSessionError,
    WSSSessionExistsError,
    WSSSessionNotFoundError,
    WSSSessionNotOpenError,
    WSSUnauthorizedError,
)

__all__ = [
    "WSSChannelError",
    "WSSForbiddenError",
    "WSSInvalidRequestError",
    "WSSMessageChannelError",
    "WSSMessageError",
    "WSSMessageExchangeError",
    "WSSMessageInDoubtError",
    "WSSMessageOverflowError",
    "WSSMessagePayloadError",
    "WSSMessageRemoteError",
    "WSSOutboundOverflowError",
    "WSSQuotaExceededError",
    "WSSSessionBusyError",
    "WSSSessionClosedError",
    "WSSSessionError",
    "WSSSessionExistsError",
    "WSSSessionNotFoundError",
    "WSSSessionNotOpenError",
    "WSSUnauthorizedError",
]

claim_names(__name__, globals(), __all__)
