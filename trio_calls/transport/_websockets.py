"""The fast transport: the sans-IO protocol of `websockets` on Trio streams.

What comes at once is taken apart at once, in the task that receives, and handed on as one batch.
What is sent together goes out together. There is no task in between::

    stream ──► FrameReader ── messages ─────────────────► receive_batch, receive_each
                    │
                    └─ pings, closes ──► _send_answers, a task of the nursery
                                              │
    stream ◄── FrameSender ◄──────────────────┴────────── send, send_nowait, ping, aclose

The connection *is* the sender and does not have one, for the sake of speed. A process that sleeps
between frames finds its caches cold, so each function on a frame's way costs what it takes to fetch
it, twice and three times what it takes to run it. So a frame comes through few of them.

What always holds:

- Whoever receives never waits for a peer that does not read: pongs and the answer to a close are
  sent by a task of their own, of which there is at most one. A peer that is owed more than 64 KiB
  of answers has lost its connection.
- A pong goes out before anything that is said to what came after its ping.
- Nothing is sent after half a frame (see `_frame_sender`): closing drops the connection then.
  Otherwise it waits for the peer's close, for two seconds at the most, and reads on meanwhile. TCP
  takes back what the peer has not read yet when a connection is closed while data comes in: a peer
  that is some frames behind would lose the end of a call.
- On Linux, `receive_each` waits together with all other connections (see `_shared_epoll`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Final

import trio
from websockets.exceptions import InvalidState
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, Protocol

from trio_calls._logging import get_logger
from trio_calls.transport._frame_reader import FrameReader
from trio_calls.transport._frame_sender import LAST_WORDS_SECONDS, STREAM_LOST, FrameSender
from trio_calls.transport._handshake_stream import drop
from trio_calls.transport._interface import (
    CLOSE_SECONDS,
    NORMAL_CLOSURE,
    RECEIVE_BYTES,
    WebSocket,
    WebSocketClosed,
)
from trio_calls.transport._shared_epoll import (
    IS_AVAILABLE,
    NoEpoll,
    serve_socket,
    unregister_socket,
)
from trio_calls.transport._shortcuts import nowait_receiver, receiver

logger = get_logger(__name__)

#: The most that a peer may be owed in answers while it reads nothing, in bytes.
_MAX_OWED_BYTES: Final = 2**16


class StreamWebSocket(FrameSender, WebSocket):
    """An open WebSocket.

    Args:
      protocol: the library's idea of the connection, after the handshake.
      stream: the stream to the peer; closed with the WebSocket.
      nursery: runs the task that sends answers.
      early_data: what came together with the end of the handshake.
    """

    def __init__(
        self,
        protocol: Protocol,
        stream: trio.abc.Stream,
        nursery: trio.Nursery,
        early_data: bytes,
    ) -> None:
        super().__init__(stream, is_masked=protocol.side is CLIENT)
        self._protocol = protocol
        self._nursery = nursery
        self._receive_some = receiver(stream)
        self._is_receiving = False
        # The descriptor of the socket, while that is registered in the shared epoll.
        self._descriptor: int | None = None
        self._is_closing = False
        self._ended = trio.Event()
        self._owed_bytes = 0
        self._pongs: dict[bytes, trio.Event] = {}
        self._ping_numbers = count()
        self._frames = FrameReader(protocol, self._receive_control, self._answer_end)
        self._early_messages = self._receive_frames(early_data) if early_data else []
        self.on_broken = partial(nursery.start_soon, self._give_up)

    async def receive_batch(self) -> list[str | bytes]:
        if self._early_messages:
            await trio.lowlevel.checkpoint()
            messages, self._early_messages = self._early_messages, []
            return messages
        self._is_receiving = True
        try:
            while not self._ended.is_set():
                try:
                    data = bytes(await self._receive_some(RECEIVE_BYTES))
                except STREAM_LOST:
                    data = b""
                if not data:
                    self._receive_eof()
                elif messages := self._receive_frames(data):
                    return messages
        finally:
            self._is_receiving = False
        await trio.lowlevel.checkpoint()
        raise self.closed()

    async def receive_each(self, take: Callable[[list[str | bytes]], bool]) -> None:
        receiver = nowait_receiver(self._stream) if IS_AVAILABLE else None
        if receiver is None:
            await super().receive_each(take)
            return
        if (self._early_messages or self._ended.is_set()) and not take(await self.receive_batch()):
            return
        self._descriptor, receive = receiver
        self._is_receiving = True
        try:
            await serve_socket(self._descriptor, partial(self._receive_nowait, receive, take))
            return
        except NoEpoll:
            pass
        except (trio.ClosedResourceError, OSError):
            raise self.closed() from None
        finally:
            self._is_receiving = False
            self._descriptor = None
        await super().receive_each(take)

    def _receive_nowait(
        self,
        receive: Callable[[], bytes | None],
        take: Callable[[list[str | bytes]], bool],
    ) -> bool:
        try:
            data = receive()
        except STREAM_LOST:
            data = b""
        if data:
            messages = self._receive_frames(data)
            if messages and not take(messages):
                return False
        elif data is not None:
            self._receive_eof()
        if not self.is_open and self._ended.is_set():
            raise self.closed()
        return True

    def _receive_frames(self, data: bytes) -> list[str | bytes]:
        try:
            return self._frames.receive(data)
        except Exception as error:
            # No input is known that the library fails at in this way.
            logger.warning("a connection is given up: %s in its input", type(error).__name__)
            self._end()
            return []

    async def _give_up(self) -> None:
        """End the connection, as nothing can be sent on it any more."""
        with trio.move_on_after(LAST_WORDS_SECONDS):
            await self._ended.wait()
        self._end()
        if self._descriptor is not None:
            unregister_socket(self._descriptor)
        await drop(self._stream)

    async def ping(self) -> None:
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._ended.is_set():
            # The library would still send a ping, and nobody receives its pong.
            await trio.lowlevel.checkpoint()
            raise self.closed()
        payload = str(next(self._ping_numbers)).encode()
        pong = self._pongs[payload] = trio.Event()
        try:
            self._protocol.send_ping(payload)
            await self._flush()
            await pong.wait()
        except InvalidState:
            await trio.lowlevel.checkpoint()
        finally:
            is_answered = self._pongs.pop(payload, None) is None
        if not is_answered:
            raise self.closed()

    async def aclose(self, code: int = NORMAL_CLOSURE, reason: str = "") -> None:
        try:
            if not (self.is_broken or self._is_closing):
                self.is_open = False
                self._is_closing = True
                with trio.move_on_after(CLOSE_SECONDS):
                    await self._shake_hands_on_closing(code, reason)
        finally:
            self.on_broken = None
            self._end()
            if self._descriptor is not None:
                unregister_socket(self._descriptor)
            await drop(self._stream)

    async def _shake_hands_on_closing(self, code: int, reason: str) -> None:
        try:
            if not self._protocol.close_expected() and not self._ended.is_set():
                self._protocol.send_close(code, reason)
            await self._flush()
        except WebSocketClosed:
            return
        if self._is_receiving:
            await self._ended.wait()
        with suppress(WebSocketClosed):
            while True:
                await self.receive_batch()

    async def _flush(self) -> None:
        """Send what the protocol has for the peer, after all that is unsent.

        Cancellation: half a frame may have been sent.
        """
        await self.send_frames(self._protocol.data_to_send())

    def _receive_eof(self) -> None:
        self._protocol.receive_eof()
        self._end()

    def _answer_end(self) -> None:
        if not self._is_closing:
            # The peer has begun to close, or has broken the protocol. Either is answered.
            self._owe_answer(0)
            self._end()

    def _receive_control(self, frame: Frame) -> None:
        if frame.opcode is Opcode.PING:
            # The pong goes out before what is said to what came after the ping.
            self.put_frames(self._protocol.data_to_send())
            self._owe_answer(len(frame.data))
        elif frame.opcode is Opcode.PONG:
            self._receive_pong(bytes(frame.data))
        else:
            self._end()

    def _owe_answer(self, payload_bytes: int) -> None:
        if not self._owed_bytes:
            self._nursery.start_soon(self._send_answers)
        self._owed_bytes += payload_bytes + 2
        if self._owed_bytes > _MAX_OWED_BYTES:
            self._end()

    async def _send_answers(self) -> None:
        with suppress(WebSocketClosed):
            await self._flush()
        self._owed_bytes = 0

    def _receive_pong(self, payload: bytes) -> None:
        pong = self._pongs.pop(payload, None)
        if pong is not None:
            pong.set()

    def _end(self) -> None:
        """End the connection: nothing more is received, and no pong comes."""
        close = self._protocol.close_rcvd
        # It is False where the peer has only answered our own close.
        if close is not None and self._protocol.close_rcvd_then_sent is not False:
            self.peer_close = (close.code, close.reason)
        self.is_open = False
        self._ended.set()
        for pong in self._pongs.values():
            pong.set()
