"""Streams to an exchange that may stop reading."""

import trio

from trio_calls.config import StreamOpener


class Pipe(trio.abc.Stream):
    """A stream whose other end may stop reading, so that nothing more can be sent."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.is_blocked = False
        self._stream = stream

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if self.is_blocked:
            await trio.sleep_forever()
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        await self._stream.aclose()


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
