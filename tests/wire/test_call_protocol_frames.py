"""Frames that no command asked for: audio, credit, events, and what makes no sense."""

import json

import pytest

from trio_calls.audio_format import AudioMode
from trio_calls.errors import WSSCallFaultError
from trio_calls.state import CallState, Signal
from trio_calls.wire.call_protocol import (
    CallFault,
    CallProtocol,
    CreditGranted,
    Terminated,
)
from trio_calls.wire.first.media import pack_audio, unpack_audio
from trio_calls.wire.first.media_wire import FirstMedia
from trio_calls.wire.media_wire import AudioReceived
from trio_calls.wire.message import AudioError

MODES = list(AudioMode)


def new_call(mode: AudioMode = AudioMode.MIXED) -> CallProtocol:
    return CallProtocol(FirstMedia(mode), 2**20)


def buffer_request(requested_bytes: int, channel: int = 0) -> str:
    data = {"requested_bytes": requested_bytes, "channelId": channel}
    return json.dumps({"type": "buffer_request", "data": data})


@pytest.mark.parametrize("mode", MODES)
def test_audio_of_the_call_is_received(mode: AudioMode) -> None:
    call = new_call(mode)
    assert call.receive(b"\x00\x01\x02\x03\x04") == AudioReceived(0, b"\x01\x02\x03\x04")
    assert call.invalid_messages == 0


@pytest.mark.parametrize("channel", [1, 2, 255])
def test_isolated_audio_has_more_channels(channel: int) -> None:
    call = new_call(AudioMode.ISOLATED)
    assert call.receive(bytes([channel, 1, 2])) == AudioReceived(channel, b"\x01\x02")


@pytest.mark.parametrize("channel", [1, 2, 255])
def test_mixed_audio_on_another_channel_is_dropped_whole(channel: int) -> None:
    call = new_call(AudioMode.MIXED)
    assert call.receive(bytes([channel, 1, 2])) is None
    assert call.invalid_messages == 1


@pytest.mark.parametrize("message", [b"", b"\0", b"\0\1", b"\0\1\2\3", b"\0" + bytes(961)])
@pytest.mark.parametrize("mode", MODES)
def test_audio_that_is_empty_or_of_odd_length_is_dropped_whole(
    mode: AudioMode, message: bytes
) -> None:
    call = new_call(mode)
    assert call.receive(message) is None
    assert call.invalid_messages == 1
    assert call.receive(b"\0\5\6") == AudioReceived(0, b"\5\6")


@pytest.mark.parametrize("channel", [0, 1, 255])
def test_packed_audio_is_one_byte_of_channel_and_then_pcm(channel: int) -> None:
    message = pack_audio(channel, b"\1\2")
    assert message == bytes([channel, 1, 2])
    assert unpack_audio(message, AudioMode.ISOLATED) == (channel, b"\1\2")


def test_bad_audio_is_told_without_its_content() -> None:
    with pytest.raises(AudioError) as caught:
        unpack_audio(b"\0s3cr3t!", AudioMode.MIXED)
    assert "s3cr3t" not in str(caught.value)


def test_a_buffer_request_is_credit() -> None:
    call = new_call()
    assert call.receive(buffer_request(960)) == CreditGranted()
    assert call.receive(buffer_request(40)) == CreditGranted()
    assert call.audio.credit_bytes == 1000


def test_a_request_for_another_channel_is_no_credit() -> None:
    call = new_call(AudioMode.ISOLATED)
    assert call.receive(buffer_request(960, channel=1)) is None
    assert (call.audio.credit_bytes, call.invalid_messages) == (0, 0)


def test_termination_ends_the_call() -> None:
    call = new_call()
    event = call.receive('{"type":"call_event","data":{"event":"call.terminated"}}')
    assert event == Terminated()
    assert call.state is CallState.DISCONNECTED


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        (
            {"error_code": "TTS_SESSION_ERROR", "error_message": "no voice"},
            "TTS_SESSION_ERROR",
            "no voice",
        ),
        ({}, "UNKNOWN", None),
    ],
)
def test_a_fault_is_told_and_the_call_goes_on(
    data: dict[str, str], code: str, message: str | None
) -> None:
    call = new_call()
    event = call.receive(
        json.dumps({"type": "call_event", "data": {"event": "call.error", **data}})
    )
    assert isinstance(event, CallFault)
    assert isinstance(event.error, WSSCallFaultError)
    assert (event.error.error_code, event.error.error_message) == (code, message)
    assert call.state is CallState.PENDING


@pytest.mark.parametrize(
    "frame",
    [
        '{"type":"call_event","data":{"event":"call.newer"}}',
        '{"type":"newer","data":{}}',
        '{"type":"command","data":{"command_id":"c","command":"call.close","timeout_ms":1}}',
    ],
)
def test_what_is_new_or_not_for_us_is_not_counted(frame: str) -> None:
    call = new_call()
    assert call.receive(frame) is None
    assert (call.state, call.invalid_messages) == (CallState.PENDING, 0)


@pytest.mark.parametrize("frame", ["", "[]", '{"type":"call_event"}', buffer_request(-1)])
def test_nonsense_is_counted_and_logged_without_its_content(
    frame: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    call = new_call()
    assert call.receive(frame) is None
    assert call.invalid_messages == 1
    assert "a frame of the media connection was dropped" in caplog.text
    assert not frame or frame not in caplog.text


@pytest.mark.parametrize(
    "frame", [buffer_request(960), b"\0\1\2", "garbage", '{"type":"call_event","data":{}}']
)
def test_nothing_matters_after_the_end(frame: str | bytes) -> None:
    call = new_call()
    call.signal(Signal.TERMINATED)
    assert call.receive(frame) is None
    assert call.state is CallState.DISCONNECTED
    assert call.audio.credit_bytes == 0
