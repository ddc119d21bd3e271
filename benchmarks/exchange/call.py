"""A call at the exchange: offered, claimed, answered, talking; and the agent's media connection."""

from __future__ import annotations

import asyncio
import time
from typing import Any, ClassVar, Final, Protocol

from benchmarks.exchange.connection import Connection
from benchmarks.exchange.echo import EchoMeter
from benchmarks.exchange.frames import CALL_CHANNEL, StampedAudio, buffer_request, text_frame

#: Frames that the agent may send before it is asked again. With requests of 100 ms, five frames may
#: have come before the next one, and none of them is to wait for it.
FRAMES_AHEAD: Final = 6


class Party(Protocol):
    """Who is at the exchange's end of a call: says something, and hears what the agent says."""

    @property
    def has_heard_agent(self) -> bool:
        """Whether the agent has said anything yet."""

    def send(self, now_ns: int) -> bytes:
        """Say 20 ms. Returns them as they go over the wire."""

    def receive(self, pcm: bytes | bytearray, now_ns: int) -> None:
        """Take in what the agent says."""

    def forget(self, now_ns: int) -> None:
        """Drop what the agent has said and nobody has heard yet."""


class ExchangeCall:
    """One call, from its offer to the end of the benchmark; the `Peer` of its media connection.

    Args:
      number: tells the calls apart.
      audio: what is said in it.
      party: who says and hears something else than that.
      frames_ahead: how much the agent may send before it is asked again.

    Attributes:
      number: tells the calls apart.
      claimed: set when the agent has claimed it.
      claimed_by: the control connection over which it was; None before.
      talking: set when the first frame has come back.
      first_audio_seconds: from the offer until then.
      echo: accounts for its audio.
      overdrawn_bytes: audio that came before it was asked for, since `begin`.
    """

    #: What precedes the PCM of a message.
    header_bytes: ClassVar[int] = len(CALL_CHANNEL)

    def __init__(
        self,
        number: int,
        audio: StampedAudio,
        party: Party | None = None,
        frames_ahead: int = FRAMES_AHEAD,
    ) -> None:
        self.number = number
        self.claimed = asyncio.Event()
        self.claimed_by: object | None = None
        self.talking = asyncio.Event()
        self.first_audio_seconds = 0.0
        self.echo = EchoMeter(audio)
        self._party: Party = party or self.echo
        self._frames_ahead = frames_ahead
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
        match command["command"]:
            case "call.answer":
                self._begin_audio()
            case "agent.interrupt":
                self._party.forget(time.monotonic_ns())

    def receive_audio(self, message: bytes | bytearray) -> None:
        pcm = message[self.header_bytes :]
        self._credit -= len(pcm)
        if self._credit < 0:
            self.overdrawn_bytes -= self._credit
            self._credit = 0
        self._hear(pcm)

    def lost(self) -> None:
        """Do nothing: what does not come back any more tells."""

    def send_frame(self, requested_frames: int) -> None:
        """Send the next frame, after a request for so many of the agent's."""
        message = self._party.send(time.monotonic_ns())
        if requested_frames:
            message = self._request(requested_frames) + message
        self._connection.send(message)

    def _begin_audio(self) -> None:
        """Ask for audio, and send the first frame."""
        self._connection.send(self._request(self._frames_ahead - 1))
        self.send_frame(1)

    def _hear(self, pcm: bytes | bytearray) -> None:
        self._party.receive(pcm, time.monotonic_ns())
        if not self.talking.is_set() and self._party.has_heard_agent:
            self.first_audio_seconds = time.monotonic() - self._offered_at
            self.talking.set()

    def _request(self, frames: int) -> bytes:
        """Grant so many more frames of the agent's. Returns what says so."""
        requested_bytes = frames * self._frame_bytes
        self._credit += requested_bytes
        return buffer_request(requested_bytes, self._frame_bytes)
