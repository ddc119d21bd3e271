"""Notices a peer that has gone without a word.

Both the control connection and each call's media connection are pinged. Otherwise nothing would end
a call whose network is gone while its agent only listens.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import trio

from trio_calls.transport import WebSocket, WebSocketClosed

PONG_SECONDS: Final = 10.0


async def wait_silent(websocket: WebSocket, every_seconds: float) -> bool:
    """Ping again and again, and wait until a pong does not come within 10 s.

    Args:
      websocket: the connection to the peer.
      every_seconds: the time between a pong and the next ping.

    Returns:
      Whether that has happened; False when the connection is over.
    """
    with suppress(WebSocketClosed):
        while True:
            await trio.sleep(every_seconds)
            with trio.move_on_after(PONG_SECONDS) as waiting:
                await websocket.ping()
            if waiting.cancelled_caught:
                return True
    return False
