"""What a frame of the second wire is, in a few words, for the transcript. Pure."""

from __future__ import annotations

from typing import assert_never

from trio_calls.simulator.transcript.frame_text import (
    FLOW,
    FrameText,
    describe_call_flow,
    describe_command,
    describe_json,
    describe_pcm,
    describe_response,
)
from trio_calls.wire.message import AudioError, UnknownMessage
from trio_calls.wire.responses import Response, SetupDone
from trio_calls.wire.second.audio_frame import unpack_frame
from trio_calls.wire.second.codec import decode_control, decode_media
from trio_calls.wire.second.control import (
    CallNotify,
    ControlMessage,
    CreateCall,
    MessageIn,
    MessageOut,
    SessionClaim,
    SessionOpen,
    Setup,
    TriggerConditionsSetup,
)
from trio_calls.wire.second.media import Config, Flow, MediaMessage


def describe_media(frame: str | bytes) -> FrameText:
    """Describe a frame of a media connection."""
    if isinstance(frame, bytes):
        return _audio_text(frame)
    return describe_json(frame, decode_media, _media_text)


def _audio_text(frame: bytes) -> FrameText:
    try:
        audio = unpack_frame(frame)
    except AudioError:
        return FrameText(f"malformed audio, {len(frame)} bytes")
    if audio.pcm:
        return describe_pcm(audio.track, len(audio.pcm))
    silence = f"silence {audio.silence_ms} ms" if audio.silence_ms else "end of turn"
    return FrameText(f"{silence} channel {audio.track}")


def _media_text(message: MediaMessage | UnknownMessage) -> FrameText:
    match message:
        case Flow():
            return FrameText("", stream=(FLOW, message.track))
        case Config():
            return FrameText(f"config {message.frame_ms} ms")
        case _:
            return describe_command(message)


def describe_control(frame: str | bytes) -> FrameText:
    """Describe a frame of a control connection."""
    return describe_json(frame, decode_control, _control_text)


def _control_text(message: ControlMessage | UnknownMessage) -> FrameText:
    what, reference, name = "", None, None
    match message:
        case Setup():
            what = f"setup {message.sample_rate} Hz {message.audio_mode}"
        case SetupDone() | MessageIn():
            what = message.wire_type
        case CallNotify():
            what, name = message.wire_type, message.call_id
        case SessionClaim():
            what, name = message.wire_type, message.call_id
            reference = ("request", message.request_id)
        case SessionOpen() | CreateCall() | MessageOut():
            what, reference = message.wire_type, ("request", message.request_id)
        case TriggerConditionsSetup():
            what = f"{message.wire_type} {describe_call_flow(message)}"
            reference = ("request", message.request_id)
        case Response():
            return describe_response(message)
        case UnknownMessage():
            what = "frame of an unknown type"
        case _:
            assert_never(message)
    return FrameText(what, reference, name)
