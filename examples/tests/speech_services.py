"""A recognizer and a synthesizer as services on the network are, in memory and of our own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import cast

import attrs
import trio
import trio.testing
from trio_websocket import (
    ConnectionClosed,
    WebSocketConnection,
    wrap_client_stream,
    wrap_server_stream,
)

from trio_calls.audio import noise

RATE = 24_000


def spoken(text: str) -> bytes:
    """Return what the synthesizer makes of a text: a tenth of a second for each letter."""
    return noise(len(text) / 10, RATE, seed=sum(text.encode()), amplitude=0.2)


@attrs.define
class SpeechServices:
    """What the services do, and have done.

    Attributes:
      recognized: how many seconds of each utterance came, in the order of their ends.
      spoken: the texts that were to be spoken.
      connections: how many connections are open.
      final_after_seconds: how long the recognizer thinks when an utterance has ended.
      piece_seconds: how much the synthesizer sends at a time, four times as fast as it plays.
      dies_after_seconds: how long a connection to the recognizer lasts; None: as long as it may.
    """

    recognized: list[float] = attrs.Factory(list)
    spoken: list[str] = attrs.Factory(list)
    connections: int = 0
    final_after_seconds: float = 0.3
    piece_seconds: float = 0.1
    dies_after_seconds: float | None = None

    @asynccontextmanager
    async def connect(self, url: str) -> AsyncIterator[WebSocketConnection]:
        """Open a connection to the service that the address names."""
        serve = self.recognize if "recognizer" in url else self.synthesize
        client_end, server_end = trio.testing.memory_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._serve, server_end, serve)
            # It takes any stream, whatever its types say.
            stream = cast(trio.SocketStream, client_end)
            async with await wrap_client_stream(nursery, stream, "service", "/") as websocket:
                yield websocket
            nursery.cancel_scope.cancel()

    async def _serve(
        self, stream: trio.abc.Stream, serve: Callable[[WebSocketConnection], Awaitable[None]]
    ) -> None:
        self.connections += 1
        try:
            async with trio.open_nursery() as nursery:
                request = await wrap_server_stream(nursery, stream)
                websocket = await request.accept()
                with suppress(ConnectionClosed):
                    await serve(websocket)
                await websocket.aclose()
        finally:
            self.connections -= 1

    async def recognize(self, websocket: WebSocketConnection) -> None:
        """Tell how many seconds have come, every second and in the end."""
        with trio.move_on_after(
            float("inf") if self.dies_after_seconds is None else self.dies_after_seconds
        ):
            while True:
                rate = json.loads(await websocket.get_message())["start"]
                seconds = 0.0
                while isinstance(pcm := await websocket.get_message(), bytes):
                    if int(seconds + len(pcm) / 2 / rate) > int(seconds):
                        text = f"at least {int(seconds)} seconds"
                        await websocket.send_message(json.dumps({"partial": text}))
                    seconds += len(pcm) / 2 / rate
                await trio.sleep(self.final_after_seconds)
                self.recognized.append(seconds)
                text = f"{len(self.recognized)} sentences"
                await websocket.send_message(json.dumps({"final": text}))

    async def synthesize(self, websocket: WebSocketConnection) -> None:
        """Speak each text, in pieces, to its end."""
        while True:
            request = json.loads(await websocket.get_message())
            self.spoken.append(request["speak"])
            await websocket.send_message(json.dumps({"begins": request["id"]}))
            pcm = spoken(request["speak"])
            size = round(self.piece_seconds * RATE) * 2
            for start in range(0, len(pcm), size):
                await trio.sleep(self.piece_seconds / 4)
                await websocket.send_message(pcm[start : start + size])
            await websocket.send_message(json.dumps({"ends": request["id"]}))
