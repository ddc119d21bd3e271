"""Names, codes and limits that every generation of the wire has."""

from __future__ import annotations

from typing import Final

from trio_calls.audio_format import AudioMode

#: The path of the control connection on the exchange.
CONTROL_PATH: Final = "/v1/agent/session-manager"

#: The channel of telephone calls.
TELEPHONE: Final = "TELCO"

#: The channel of WhatsApp.
WHATSAPP: Final = "WA"

# Why something is offered.
NEW_INCOMING_CALL: Final = "NEW_INCOMING_CALL"
NEW_INCOMING_MESSAGE: Final = "NEW_INCOMING_MESSAGE"
RESUME: Final = "RESUME"

#: The channel of the call itself, and the only one that agents send on.
CALL_CHANNEL: Final = 0

#: How a setup asks for audio.
AUDIO_MODES: Final = tuple(mode.value for mode in AudioMode)

#: The longest address of a media connection, and the longest token for one, in characters.
MAX_URL_LENGTH: Final = 8192

#: Of a telephone number: a SIP address has room for much.
MAX_NUMBER_LENGTH: Final = 4096

# Why the exchange refuses a request.
SESSION_BUSY: Final = "SESSION_BUSY"
SESSION_CLOSED: Final = "SESSION_CLOSED"
SESSION_NOT_FOUND: Final = "SESSION_NOT_FOUND"
SESSION_NOT_OPEN: Final = "SESSION_NOT_OPEN"
QUOTA_EXCEEDED: Final = "QUOTA_EXCEEDED"
CHANNEL_NOT_CONFIGURED: Final = "CHANNEL_NOT_CONFIGURED"
OUTBOUND_OVERFLOW: Final = "OUTBOUND_OVERFLOW"
UNAUTHORIZED: Final = "UNAUTHORIZED"
FORBIDDEN: Final = "FORBIDDEN"
SUBSCRIBER_MISMATCH: Final = "SUBSCRIBER_MISMATCH"
CALL_NOT_FOUND: Final = "CALL_NOT_FOUND"
PARTICIPANTS_FULL: Final = "PARTICIPANTS_FULL"
INVALID_REQUEST: Final = "INVALID_REQUEST"

# The same for a written message.
INVALID_PAYLOAD: Final = "INVALID_PAYLOAD"
INVALID_CHANNEL: Final = "INVALID_CHANNEL"
OVERFLOW: Final = "OVERFLOW"
INTERNAL_ERROR: Final = "INTERNAL_ERROR"
REMOTE_ERROR: Final = "REMOTE_ERROR"

# And for a command.
CALL_UNANSWERED: Final = "CALL_UNANSWERED"
TIMEOUT: Final = "TIMEOUT"
