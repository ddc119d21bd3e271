"""What lies between a client and a simulator, when it is in trouble: slow, refusing, half-open."""

from __future__ import annotations

import math
import random

import attrs
import trio

from tests.support.peers.passing_stream import PassingStream
from trio_calls import ClientConfig
from trio_calls.simulator import Simulator
from trio_calls.wire.names import CONTROL_PATH

_REFUSAL = b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"


class TroubledNetwork:
    """Opens streams to a simulator: slowly, in vain, or with somebody else at the other end.

    Args:
      simulator: where the streams lead.
      chance: picks what goes wrong.

    Attributes:
      is_sound: whether nothing goes wrong with what is opened from now on.
    """

    def __init__(self, simulator: Simulator, chance: random.Random) -> None:
        self.is_sound = True
        self._simulator = simulator
        self._chance = chance
        #: How late the client of this network notices that a control connection is over.
        self._lag = chance.choice((0.0, 0.0, 0.5, 1.5, 20.0))

    @property
    def config(self) -> ClientConfig:
        return attrs.evolve(self._simulator.config, open_stream=self._open)

    async def _open(self, host: str, port: int) -> trio.abc.Stream:
        open_stream = self._simulator.config.open_stream
        assert open_stream is not None
        if not self.is_sound:
            await trio.sleep(self._chance.choice((0, 0, 0.5, 3, 12)) * self._chance.random())
            match self._chance.randrange(5):
                case 0:
                    raise ConnectionRefusedError("the network is in trouble")
                case 1:
                    return _Refusing()
        stream = await open_stream(host, port)
        return stream if self.is_sound else _Lagging(stream, self._lag)


class _Lagging(PassingStream):
    """A control connection whose end is noticed late, as if it were half-open."""

    def __init__(self, stream: trio.abc.Stream, lag: float) -> None:
        super().__init__(stream)
        self._lag = lag
        self._notices_at = math.inf
        self._is_control = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self._is_control = self._is_control or CONTROL_PATH.encode() in bytes(data)
        try:
            await super().send_all(data)
        except trio.BrokenResourceError:
            if not self._is_control:
                raise
            await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        try:
            data = await super().receive_some(max_bytes)
        except trio.BrokenResourceError:
            data = b""
        if not data and self._is_control:
            await trio.sleep(self._lag)
        return data


class _Refusing(trio.abc.Stream):
    """Leads to a server that takes no connections just now."""

    def __init__(self) -> None:
        self._answer = _REFUSAL
        self._is_asked = trio.Event()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()
        self._is_asked.set()

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await self._is_asked.wait()
        await trio.lowlevel.checkpoint()
        answer, self._answer = self._answer, b""
        return answer

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
