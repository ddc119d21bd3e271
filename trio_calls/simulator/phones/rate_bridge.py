"""What an agent says and hears, between its client's sample rate and that of the telephones. Pure.

::

    telephones ── everybody, caller, callee ──► a converter for each ──► frames for the agent
    telephones ◄── frames that are played ◄── one converter ◄── jitter buffer ◄── agent

Everything moves in frames of 20 ms, one a tick, at whatever rate. A converter takes and returns one
each time. So its delay is steady, and what it delays is nowhere torn: it is as long as the
resampler holds audio back, 10 to 30 ms (see `Resampler`).
"""

from __future__ import annotations

from typing import Final

from trio_calls.audio import Resampler, frame_bytes

#: After so many frames of silence a resampler holds nothing but silence: the longest filter, that
#: from 8 kHz, is 60 ms long.
TAIL_FRAMES: Final = 4


def can_convert(from_rate: int, to_rate: int) -> bool:
    """Return whether audio can be converted here. That takes soxr, unless the rates are equal."""
    try:
        Resampler(from_rate, to_rate)
    except ModuleNotFoundError:
        return False
    return True


class FrameConverter:
    """Converts a stream frame by frame.

    Args:
      from_rate: the sample rate of what is given, in Hz.
      to_rate: that of what is returned.
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        self._resampler = Resampler(from_rate, to_rate)
        self._frame_bytes = frame_bytes(to_rate)
        self._converted = bytearray()

    def convert(self, frame: bytes) -> bytes:
        """Take the next frame of 20 ms, and return one."""
        self._converted += self._resampler.feed(frame)
        # Only at the beginning, for what the resampler holds back.
        missing = self._frame_bytes - len(self._converted)
        if missing > 0:
            self._converted[:0] = bytes(missing)
        converted = bytes(self._converted[: self._frame_bytes])
        del self._converted[: self._frame_bytes]
        return converted


class RateBridge:
    """Converts what one agent says and hears.

    Args:
      phone_rate: the sample rate of the telephones, in Hz.
      agent_rate: that of the agent's client.
    """

    def __init__(self, phone_rate: int, agent_rate: int) -> None:
        self._phone_rate = phone_rate
        self._agent_rate = agent_rate
        self._silence = bytes(frame_bytes(agent_rate))
        self._heard: dict[int, FrameConverter] = {}
        self._said = FrameConverter(agent_rate, phone_rate)
        self._tail_frames = 0

    @property
    def has_tail(self) -> bool:
        """Whether it may still hold something of what the agent has said."""
        return self._tail_frames > 0

    def hear(self, channel: int, frame: bytes) -> bytes:
        """Convert a frame of the telephones for the agent.

        Args:
          channel: which of the streams that the agent hears.
          frame: its next 20 ms.
        """
        if channel not in self._heard:
            self._heard[channel] = FrameConverter(self._phone_rate, self._agent_rate)
        return self._heard[channel].convert(frame)

    def say(self, frame: bytes | None) -> bytes | None:
        """Convert a frame of the agent for the telephones; None for silence, on both sides."""
        if frame is not None:
            self._tail_frames = TAIL_FRAMES
            return self._said.convert(frame)
        if not self.has_tail:
            return None
        self._tail_frames -= 1
        return self._said.convert(self._silence)

    def drop(self) -> None:
        """Drop what it holds of what the agent has said."""
        self._said = FrameConverter(self._agent_rate, self._phone_rate)
        self._tail_frames = 0
