"""One browser tab: a telephone with a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, assert_never

import trio
from starlette.websockets import WebSocket

from trio_calls._logging import get_logger
from trio_calls.audio import SAMPLE_BYTES
from trio_calls.web import _messages as messages
from trio_calls.web._outbox import Outbox
from trio_calls.wire.codec import WireError
from trio_calls.wire.message import UnknownMessage
from trio_calls.wire.phone import (
    Decline,
    HangUp,
    MakeFault,
    PickUp,
    PlaceCall,
    Pong,
    Register,
    WriteText,
    decode_page,
)

if TYPE_CHECKING:
    from trio_calls.web._phone_call import PhoneCall
    from trio_calls.web._switchboard import Switchboard

logger = get_logger("trio_calls.web.tab")

PING_SECONDS: Final = 2.0

#: A tab from which nothing has come for so long is dead.
SILENT_SECONDS: Final = 6.0

#: How long a message of audio may be.
_MAX_AUDIO_SECONDS: Final = 0.1

#: How long a tab is waited for that is told goodbye.
_GOODBYE_SECONDS: Final = 1.0
_GOING_AWAY: Final = 1001


class Tab:
    """Serves one tab.

    It is read and written in tasks of their own: a server that leaves messages unread answers no
    ping, and one that waits for a slow tab hears nothing from it.

    Args:
      websocket: the accepted connection.
      switchboard: connects it with others.
      abort: breaks the connection at once; nothing else gets a task out of a blocked send.
      sample_rate: the sample rate of all audio, in Hz.

    Attributes:
      number: the tab's number; empty before it has one.
      call: the call that it is in, or that it rings for.
      outbox: what is to be sent to it.
    """

    def __init__(
        self,
        websocket: WebSocket,
        switchboard: Switchboard,
        abort: Callable[[], None],
        sample_rate: int,
    ) -> None:
        self.number: str = ""
        self.call: PhoneCall | None = None
        self.outbox: Outbox = Outbox()
        self._websocket = websocket
        self._switchboard = switchboard
        self._abort = abort
        self._max_audio_bytes = int(_MAX_AUDIO_SECONDS * sample_rate) * SAMPLE_BYTES
        self._heard_at = trio.current_time()
        self._is_gone = False

    async def run(self) -> None:
        """Serve the tab until it is gone. Cancellation says goodbye, within a second."""
        self._switchboard.join(self)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write)
                nursery.start_soon(self._ping)
                nursery.start_soon(self._watch, nursery.cancel_scope)
                try:
                    await self._read()
                finally:
                    # At once: who writes may be stuck, and is waited for here.
                    self._switchboard.leave(self)
                nursery.cancel_scope.cancel()
        finally:
            if not self._is_gone:
                await self._say_goodbye()

    def tell(self, text: str) -> None:
        """Send a text. Never waits."""
        self.outbox.put_text(text)

    def hear(self, frame: bytes | None) -> None:
        """Send a frame of audio; None is the end of it. Never waits."""
        if frame is not None:
            self.outbox.put_audio(frame)

    async def _read(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                self._is_gone = True
                return
            self._heard_at = trio.current_time()
            pcm = message.get("bytes")
            if pcm is not None:
                self._receive_audio(pcm)
            else:
                self._receive_text(message["text"])

    async def _write(self) -> None:
        while True:
            message = await self.outbox.get()
            if isinstance(message, str):
                await self._websocket.send({"type": "websocket.send", "text": message})
            else:
                await self._websocket.send({"type": "websocket.send", "bytes": message})

    async def _ping(self) -> None:
        number = 0
        while True:
            await trio.sleep(PING_SECONDS)
            number += 1
            self.tell(messages.ping(number))

    async def _watch(self, scope: trio.CancelScope) -> None:
        while not self.outbox.is_overrun:
            silent_at = self._heard_at + SILENT_SECONDS
            if trio.current_time() >= silent_at:
                break
            await trio.sleep_until(min(silent_at, trio.current_time() + PING_SECONDS))
        logger.info("a tab is dead, and hangs up")
        self._is_gone = True
        self._switchboard.leave(self)
        self._abort()
        scope.cancel()

    async def _say_goodbye(self) -> None:
        with trio.move_on_after(_GOODBYE_SECONDS, shield=True):
            await self._websocket.send({"type": "websocket.close", "code": _GOING_AWAY})

    def _receive_audio(self, pcm: bytes) -> None:
        if len(pcm) % SAMPLE_BYTES or len(pcm) > self._max_audio_bytes:
            self.tell(messages.error("Audio must be whole samples, 100 ms at the most.", "audio"))
        elif self.call is not None:
            self.call.speak(self, pcm)

    def _receive_text(self, text: str) -> None:
        try:
            message = decode_page(text)
        except WireError as error:
            self.tell(messages.error(f"This message makes no sense: {error}.", "message"))
            return
        match message:
            case Register(number):
                self._switchboard.register(self, number)
            case PlaceCall(to):
                self._switchboard.dial(self, to)
            case PickUp():
                if self.call is not None:
                    self.call.pick_up(self)
            case Decline() | HangUp():
                if self.call is not None:
                    self.call.hang_up(self)
            case MakeFault(name):
                self._switchboard.inject(self, name)
            case WriteText(text):
                self._switchboard.write(self, text)
            case Pong() | UnknownMessage():
                pass
            case _:
                assert_never(message)
