"""Notices a peer that has gone without a word."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import trio

from trio_calls.transport import WebSocket, WebSocketClosed

PING_INTERVAL_SECONDS: Final = 30.0
PONG_SECONDS: Final = 10.0


async def wait_silent(websocket: WebSocket) -> bool:
    """Ping every 30 s, for as long as the pongs come.

    Returns:
      True when a pong did not come within 10 s, False when the connection is over.
    """
    with suppress(WebSocketClosed):
        while True:
            await trio.sleep(PING_INTERVAL_SECONDS)
            with trio.move_on_after(PONG_SECONDS) as waiting:
                await websocket.ping()
            if waiting.cancelled_caught:
                return True
    return False
