"""A call at the exchange: offered, claimed, answered, talking; and the agent's media connection."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from benchmarks.exchange.connection import Connection
from benchmarks.exchange.echo import EchoMeter
from benchmarks.exchange.frames import StampedAudio, buffer_request, text_frame

#: Frames that the agent may send before it is asked again. With requests of 100 ms, five frames may
#: have come before the next one, and none of them is to wait for it.
FRAMES_AHEAD: Final = 6


class ExchangeCall:
    """One call, from its offer to the end of the benchmark; the `Peer` of its media connection.

    Attributes:
      number: tells the calls apart.
      claimed: set when the agent has claimed it.
      talking: set when the first frame has come back.
      first_audio_seconds: from the offer until then.
      echo: accounts for its audio.
      overdrawn_bytes: audio that came before it was asked for, since `begin`.
    """

    def __init__(self, number: int, audio: StampedAudio) -> None:
        self.number = number
        self.claimed = asyncio.Event()
        self.talking = asyncio.Event()
        self.first_audio_seconds = 0.0
        self.echo = EchoMeter(audio)
        self.overdrawn_bytes = 0
        self._frame_bytes = audio.frame_bytes
        self._credit = 0
        self._offered_at = time.monotonic()
        self._connection: Connection

    def begin(self) -> None:
        """Begin to count anew."""
        self.echo.begin()
        self.overdrawn_bytes = 0

    def opened_by(self, connection: Connection) -> None:
        """Note the agent's media connection."""
        self._connection = connection

    def receive_text(self, message: dict[str, Any]) -> None:
        if message["type"] != "command":
            return
        command = message["data"]
        self._connection.send(
            text_frame(
                {
                    "type": "command_response",
                    "data": {"command_id": command["command_id"], "success": True, "result": None},
                }
            )
        )
        if command["command"] == "call.answer":
            self._request(FRAMES_AHEAD - 1)
            self.send_frame(1)

    def receive_audio(self, message: bytes | bytearray) -> None:
        self._credit -= len(message) - 1
        if self._credit < 0:
            self.overdrawn_bytes -= self._credit
            self._credit = 0
        self.echo.receive(message[1:], time.monotonic_ns())
        if not self.talking.is_set() and self.echo.returned_frames:
            self.first_audio_seconds = time.monotonic() - self._offered_at
            self.talking.set()

    def send_frame(self, requested_frames: int) -> None:
        """Send the next frame, after a request for so many of the agent's."""
        message = self.echo.send(time.monotonic_ns())
        if requested_frames:
            requested_bytes = requested_frames * self._frame_bytes
            self._credit += requested_bytes
            message = buffer_request(requested_bytes, self._frame_bytes) + message
        self._connection.send(message)

    def _request(self, frames: int) -> None:
        self._credit += frames * self._frame_bytes
        self._connection.send(buffer_request(frames * self._frame_bytes, self._frame_bytes))
