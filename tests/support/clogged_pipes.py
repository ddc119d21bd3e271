"""Streams to an exchange that may stop reading."""

import trio

from tests.support.peers.passing_stream import PassingStream
from trio_calls.config import StreamOpener


class Pipe(PassingStream):
    """A stream whose other end may stop reading, so that nothing more can be sent."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        super().__init__(stream)
        self.is_blocked = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if self.is_blocked:
            await trio.sleep_forever()
        await super().send_all(data)


class Pipes:
    """Opens streams to an exchange.

    Attributes:
      opened: every stream, in order.
    """

    def __init__(self, open_stream: StreamOpener) -> None:
        self.opened: list[Pipe] = []
        self._open_stream = open_stream

    async def __call__(self, host: str, port: int) -> trio.abc.Stream:
        self.opened.append(Pipe(await self._open_stream(host, port)))
        return self.opened[-1]
