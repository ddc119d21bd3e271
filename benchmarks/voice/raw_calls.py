"""Calls to an agent that has no protocol: each is a WebSocket, and each message of it is PCM."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, cast

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from benchmarks.exchange.call import ExchangeCall
from benchmarks.voice.sentences import CLEAR

_LISTEN_SECONDS: Final = 30.0
_RETRY_SECONDS: Final = 0.1
_HOST: Final = "127.0.0.1"


def raw_head(frame_bytes: int) -> bytes:
    """Encode what precedes the PCM of a frame: a client's masks it, here with a key of zeros."""
    frame = Frame(Opcode.BINARY, bytes(frame_bytes)).serialize(mask=False)
    head = bytearray(frame[:-frame_bytes])
    head[1] |= 0x80
    return bytes(head) + bytes(4)


class RawCall(ExchangeCall):
    """A call that rings and is answered by being connected. There are no requests for audio."""

    def receive_text(self, message: dict[str, Any]) -> None:
        raise ValueError("there are no messages of JSON on a raw connection")

    def receive_audio(self, message: bytes | bytearray) -> None:
        self._hear(message)

    def forget(self) -> None:
        """Drop what the agent has said and nobody has heard yet."""
        self._party.forget(time.monotonic_ns())

    def send_frame(self, requested_frames: int) -> None:
        self._connection.send(self._party.send(time.monotonic_ns()))


class RawConnection(asyncio.Protocol):
    """One WebSocket to the agent: sans-IO `websockets` on a transport of asyncio."""

    def __init__(self, call: RawCall, port: int) -> None:
        self._call = call
        self._protocol = ClientProtocol(parse_uri(f"ws://{_HOST}:{port}/"))
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._protocol.send_request(self._protocol.connect())
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if not isinstance(event, Frame):
                # The response: the call is answered, and the caller begins.
                self._call.opened_by(cast(Any, self))
                self._call.send_frame(1)
            elif event.opcode is Opcode.BINARY:
                assert isinstance(event.data, bytes | bytearray)
                self._call.receive_audio(event.data)
            elif event.opcode is Opcode.TEXT and bytes(event.data) == CLEAR.encode():
                self._call.forget()
        self._flush()

    def send(self, frames: bytes) -> None:
        """Send what is encoded already."""
        self._transport.write(frames)

    def close(self) -> None:
        """Drop the connection."""
        self._transport.abort()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)


class RawExchange:
    """Calls an agent on its port. Opened by `open_raw_exchange`.

    Attributes:
      calls: all that were placed.
    """

    def __init__(self, port: int, make_call: Callable[[int], RawCall]) -> None:
        self.calls: list[ExchangeCall] = []
        self._port = port
        self._make_call = make_call
        self._dialing: set[asyncio.Task[None]] = set()
        self._connections: list[RawConnection] = []

    async def wait_listening(self) -> None:
        """Wait until the agent takes calls.

        Raises:
          TimeoutError: it did not.
        """
        async with asyncio.timeout(_LISTEN_SECONDS):
            while True:
                try:
                    _, writer = await asyncio.open_connection(_HOST, self._port)
                except OSError:
                    await asyncio.sleep(_RETRY_SECONDS)
                else:
                    writer.close()
                    return

    def offer(self, number: int) -> Sequence[ExchangeCall]:
        """Place so many calls, all at once."""
        calls = [self._make_call(len(self.calls) + index) for index in range(number)]
        self.calls += calls
        for call in calls:
            task = asyncio.get_running_loop().create_task(self._dial(call))
            self._dialing.add(task)
            task.add_done_callback(self._dialing.discard)
        return calls

    def drop_connections(self) -> None:
        """End every call at once."""
        for connection in self._connections:
            connection.close()

    async def _dial(self, call: RawCall) -> None:
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: RawConnection(call, self._port), _HOST, self._port
        )
        self._connections.append(connection)


@asynccontextmanager
async def open_raw_exchange(
    port: int, make_call: Callable[[int], RawCall]
) -> AsyncIterator[RawExchange]:
    """Have calls to place inside the block."""
    exchange = RawExchange(port, make_call)
    try:
        yield exchange
    finally:
        exchange.drop_connections()
