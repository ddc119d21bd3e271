"""Tabs as a load: they speak the page's protocol, and click."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Final
from urllib.parse import urlsplit

import attrs
from websockets.asyncio.client import ClientConnection, connect

FRAME_BYTES: Final = 960
FRAME_SECONDS: Final = 0.02

#: A frame in so many is a click, and the others are silent.
_CLICK_EVERY: Final = 50
_CLICK: Final = b"\x00\x40\x00\xc0" * (FRAME_BYTES // 4)
_SILENCE: Final = bytes(FRAME_BYTES)

#: A frame that is later than the jitter buffer of a page is deep leaves a gap.
_GAP_SECONDS: Final = 0.1


@attrs.define
class Heard:
    """What the tabs have heard while they were measured.

    Attributes:
      frames: how many frames.
      gaps: how often none came for so long that a page would fall silent.
      delays: how long each click has taken, from sending it to hearing it, in seconds.
    """

    frames: int = 0
    gaps: int = 0
    delays: list[float] = attrs.field(factory=list)


class Tab:
    """A tab that calls, clicks, and listens.

    Args:
      url: the address of the page.
      has_protocol: whether there is a call to place, or only audio to send.
    """

    def __init__(self, url: str, *, has_protocol: bool) -> None:
        self._url = url
        self._has_protocol = has_protocol
        self._heard = Heard()
        self._is_measured = False
        self._clicked_at = 0.0
        self._last_frame = 0.0
        self.is_talking = asyncio.Event()

    def measure(self) -> Heard:
        """Begin to note what it hears."""
        self._is_measured = True
        self._last_frame = time.monotonic()
        return self._heard

    async def run(self) -> None:
        """Call and talk until cancelled."""
        parts = urlsplit(self._url)
        async with connect(
            f"ws://{parts.netloc}/ws?{parts.query}",
            origin=f"http://{parts.netloc}",  # type: ignore[arg-type]  # a NewType of str
            compression="deflate",  # as every browser offers
            ping_interval=None,
        ) as socket:
            if self._has_protocol:
                await socket.send(json.dumps({"type": "dial", "to": "+65 1"}))
            else:
                self.is_talking.set()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(socket))
                tasks.create_task(self._speak(socket))

    async def _speak(self, socket: ClientConnection) -> None:
        await self.is_talking.wait()
        due, number = time.monotonic(), 0
        while True:
            number += 1
            is_click = number % _CLICK_EVERY == 0
            if is_click:
                self._clicked_at = time.monotonic()
            await socket.send(_CLICK if is_click else _SILENCE)
            due += FRAME_SECONDS
            await asyncio.sleep(due - time.monotonic())

    async def _listen(self, socket: ClientConnection) -> None:
        async for message in socket:
            if isinstance(message, bytes):
                if self._is_measured:
                    self._note(message)
            elif (told := json.loads(message))["type"] == "ping":
                await socket.send(json.dumps({"type": "pong", "n": told["n"]}))
            elif told.get("state") == "ANSWERED":
                self.is_talking.set()

    def _note(self, frame: bytes) -> None:
        now = time.monotonic()
        self._heard.frames += 1
        self._heard.gaps += now - self._last_frame > _GAP_SECONDS
        self._last_frame = now
        if self._clicked_at and any(frame):
            self._heard.delays.append(now - self._clicked_at)
            self._clicked_at = 0.0
