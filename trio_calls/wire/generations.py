"""The generations of the wire, by their names."""

from __future__ import annotations

from trio_calls.audio_format import AudioFormat
from trio_calls.config import WireName
from trio_calls.wire.control_wire import ControlWire
from trio_calls.wire.first.control_wire import FirstControl
from trio_calls.wire.first.media_wire import FirstMedia
from trio_calls.wire.media_wire import MediaWire
from trio_calls.wire.second.control_wire import SecondControl
from trio_calls.wire.second.media_wire import SecondMedia


def control_wire(name: WireName) -> ControlWire:
    """Make what a client needs for its control connections."""
    return FirstControl() if name == "first" else SecondControl()


def media_wire(
    name: WireName, audio_format: AudioFormat, *, dial_seconds: float | None = None
) -> MediaWire:
    """Make what a call needs for its media connection.

    Args:
      name: of the generation.
      audio_format: of the call.
      dial_seconds: for how long a telephone may ring when the agent answers: see `RingingCall`.
    """
    if name == "first":
        return FirstMedia(audio_format.mode)
    return SecondMedia(audio_format, dial_seconds=dial_seconds)
