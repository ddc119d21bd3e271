"""What a frame is, in a few words, for the transcript. Pure."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeVar, assert_never

import attrs

from trio_calls.wire.call_flow import CallFlow
from trio_calls.wire.codec import WireError
from trio_calls.wire.commands import CallEvent, CommandRequest, CommandResponse
from trio_calls.wire.first.codec import decode_control, decode_media
from trio_calls.wire.first.control import (
    CallFlowSetup,
    CallIn,
    ControlMessage,
    SessionClosed,
    SessionCreate,
    SessionNotify,
    SessionOpen,
    SessionReady,
    Setup,
)
from trio_calls.wire.first.media import BufferRequest, MediaMessage
from trio_calls.wire.first.messaging import MessageIn, MessageOut
from trio_calls.wire.message import UnknownMessage
from trio_calls.wire.responses import Response, SetupDone

MessageT = TypeVar("MessageT")

AUDIO: Final = "audio"
BUFFER_REQUEST: Final = "buffer_request"
FLOW: Final = "flow"


@attrs.frozen
class FrameText:
    """A frame in words.

    Attributes:
      what: what it is, without ids, tokens and dates.
      reference: the kind and the id of what it asks for or answers, such as ``("command", id)``.
      session_id: the session that it names, or None.
      stream: what it is a piece of, `AUDIO`, `BUFFER_REQUEST` or `FLOW` with a channel, or None.
      amount: how many bytes of audio it holds or asks for; for `FLOW` it means nothing.
    """

    what: str
    reference: tuple[str, str] | None = None
    session_id: str | None = None
    stream: tuple[str, int] | None = None
    amount: int = 0


def describe_json(
    frame: str | bytes,
    decode: Callable[[str], MessageT],
    describe: Callable[[MessageT], FrameText],
) -> FrameText:
    """Describe a frame that should be JSON, of either wire.

    Args:
      frame: the frame.
      decode: reads it, or raises `WireError`.
      describe: describes what was read.
    """
    if isinstance(frame, bytes):
        return FrameText(f"malformed frame, {len(frame)} bytes")
    try:
        message = decode(frame)
    except WireError:
        return FrameText(f"malformed frame, {len(frame)} characters")
    return describe(message)


def describe_audio(frame: bytes) -> FrameText:
    """Describe a binary frame of a media connection."""
    if len(frame) < 3:  # noqa: PLR2004  # a channel, and one sample
        return FrameText(f"malformed audio, {len(frame)} bytes")
    return describe_pcm(frame[0], len(frame) - 1)


# Fifty times a second, and mostly the same.
@lru_cache(maxsize=64)
def describe_pcm(channel: int, pcm_bytes: int) -> FrameText:
    """Describe so many bytes of audio on a channel."""
    return FrameText("", stream=(AUDIO, channel), amount=pcm_bytes)


def describe_media(frame: str | bytes) -> FrameText:
    """Describe a frame of a media connection."""
    return describe_audio(frame) if isinstance(frame, bytes) else describe_media_text(frame)


@lru_cache(maxsize=64)
def describe_media_text(frame: str) -> FrameText:
    """Describe a text frame of a media connection."""
    return describe_json(frame, decode_media, _media_text)


def _media_text(message: MediaMessage | UnknownMessage) -> FrameText:
    match message:
        case BufferRequest():
            stream = (BUFFER_REQUEST, message.channel)
            return FrameText("", stream=stream, amount=message.requested_bytes)
        case _:
            return describe_command(message)


def describe_command(
    message: CommandRequest | CommandResponse | CallEvent | UnknownMessage,
) -> FrameText:
    """Describe what is said on a media connection of either wire."""
    match message:
        case CommandRequest():
            seconds = "" if message.data is None else f"{message.data.ring_time_seconds:g}"
            what = message.command + (f" ringTimeSeconds={seconds}" if seconds else "")
            return FrameText(what, ("command", message.command_id))
        case CommandResponse():
            outcome = "ok" if message.success else message.error_code or "failed"
            return FrameText(f"response {outcome}", ("command", message.command_id))
        case CallEvent():
            return FrameText(" ".join(filter(None, (message.event, message.error_code))))
        case UnknownMessage():
            return FrameText("frame of an unknown type")
        case _:
            assert_never(message)


def describe_control(frame: str | bytes) -> FrameText:
    """Describe a frame of a control connection."""
    return describe_json(frame, decode_control, _control_text)


def _control_text(message: ControlMessage | UnknownMessage) -> FrameText:
    what, reference, session_id = "", None, None
    match message:
        case Setup():
            what = f"setup {message.sample_rate} Hz {message.audio_mode}"
        case SetupDone():
            what = message.wire_type
        case SessionNotify():
            what, session_id = f"session.notify {message.activity}", message.session_id
        case SessionOpen() | MessageOut():
            what, session_id = message.wire_type, message.session_id
            reference = ("request", message.request_id)
        case SessionCreate():
            what = f"session.create {message.channel}"
            reference = ("request", message.request_id)
        case CallFlowSetup():
            what = f"call_flow.setup {describe_call_flow(message)}"
            reference = ("request", message.request_id)
        case Response():
            return describe_response(message)
        case SessionClosed():
            what, session_id = f"session.closed {message.reason}", message.session_id
        case SessionReady() | CallIn() | MessageIn():
            what, session_id = message.wire_type, message.session_id
        case UnknownMessage():
            what = "frame of an unknown type"
        case _:
            assert_never(message)
    return FrameText(what, reference, session_id)


def describe_response(message: Response) -> FrameText:
    """Describe the answer to a request of a control connection."""
    what = f"response {'ok' if message.is_ok else message.error_code or 'failed'}"
    return FrameText(what, ("request", message.request_id))


def describe_call_flow(message: CallFlow) -> str:
    """Return what is switched on by a call flow."""
    switched_on = [
        name
        for name, is_on in (
            ("outbound calls", message.outbound_calls),
            ("inbound messages", message.inbound_messages),
            ("outbound messages", message.outbound_messages),
        )
        if is_on
    ]
    return ", ".join([f"inbound calls {message.inbound_calls}", *switched_on])
