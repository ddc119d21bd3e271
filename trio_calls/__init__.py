"""Programmable phone calls for Trio: every call is a nursery."""

from __future__ import annotations

from trio_calls import events
from trio_calls._public_names import claim_names
from trio_calls._version import __version__
from trio_calls.audio_format import AudioFormat, AudioMode
from trio_calls.call.active_call import ActiveCall
from trio_calls.call.hangup_scope import HangupScope
from trio_calls.call.received_audio import AudioStream
from trio_calls.call.statistics import CallStatistics
from trio_calls.client.client import CallClient, open_call_client, serve_calls
from trio_calls.client.program import run
from trio_calls.config import ClientConfig
from trio_calls.endings import EndCause, Ending
from trio_calls.errors import (
    BufferClosedError,
    BufferFullError,
    WSSAuthenticationError,
    WSSCallClosedError,
    WSSCallCommandError,
    WSSCallCommandTimeoutError,
    WSSCallEndedError,
    WSSCallError,
    WSSCallFaultError,
    WSSCallLostError,
    WSSCallStateError,
    WSSConfigError,
    WSSConnectionError,
    WSSError,
    WSSMediaError,
    WSSTLSError,
    WSSUnavailableError,
    WSSUnreachableError,
    WSSVersionError,
)
from trio_calls.state import AgentMode, CallState

__all__ = [
    "ActiveCall",
    "AgentMode",
    "AudioFormat",
    "AudioMode",
    "AudioStream",
    "BufferClosedError",
    "BufferFullError",
    "CallClient",
    "CallState",
    "CallStatistics",
    "ClientConfig",
    "EndCause",
    "Ending",
    "HangupScope",
    "WSSAuthenticationError",
    "WSSCallClosedError",
    "WSSCallCommandError",
    "WSSCallCommandTimeoutError",
    "WSSCallEndedError",
    "WSSCallError",
    "WSSCallFaultError",
    "WSSCallLostError",
    "WSSCallStateError",
    "WSSConfigError",
    "WSSConnectionError",
    "WSSError",
    "WSSMediaError",
    "WSSTLSError",
    "WSSUnavailableError",
    "WSSUnreachableError",
    "WSSVersionError",
    "__version__",
    "events",
    "open_call_client",
    "run",
    "serve_calls",
]

claim_names(__name__, globals(), __all__)
