"""Notices a peer that has gone without a word.

Both the control connection and each call's media connection are pinged. Otherwise nothing would end
a call whose network is gone while its agent only listens.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import trio

from trio_calls.transport import WebSocket, WebSocketClosed

PING_INTERVAL_SECONDS: Final = 30.0
PONG_SECONDS: Final = 10.0


async def wait_silent(websocket: WebSocket) -> bool:
    """Ping every 30 s, and wait until a pong does not come within 10 s.

    Returns:
      Whether that has happened; False when the connection is over.
    """
    with suppress(WebSocketClosed):
        while True:
            await trio.sleep(PING_INTERVAL_SECONDS)
            with trio.move_on_after(PONG_SECONDS) as waiting:
                await websocket.ping()
            if waiting.cancelled_caught:
                return True
    return False
