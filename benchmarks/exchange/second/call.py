"""A call of the second wire: what the agent may say is counted from the beginning."""

from __future__ import annotations

from typing import ClassVar

from benchmarks.exchange.call import ExchangeCall
from benchmarks.exchange.second.frames import CONFIG, FRAME_MS, HEADER, flow


class SecondCall(ExchangeCall):
    """Lets the agent say as much as a call of the first wire does, and says so as often."""

    header_bytes: ClassVar[int] = HEADER.size

    #: All that has come, as it is heard at once.
    _heard_bytes = 0

    def receive_audio(self, message: bytes | bytearray) -> None:
        self._heard_bytes += len(message) - self.header_bytes
        super().receive_audio(message)

    def _begin_audio(self) -> None:
        # An exchange says it sooner. But nobody sends audio before the call is answered.
        self._connection.send(CONFIG)
        super()._begin_audio()

    def _request(self, frames: int) -> bytes:
        self._credit += frames * self._frame_bytes
        drained_ms = self._milliseconds(self._heard_bytes)
        allowed_ms = self._milliseconds(self._heard_bytes + self._credit)
        return flow(drained_ms, allowed_ms - drained_ms)

    def _milliseconds(self, pcm_bytes: int) -> int:
        return pcm_bytes * FRAME_MS // self._frame_bytes
