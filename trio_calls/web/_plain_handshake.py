"""A stream on which no browser offers to compress its WebSocket.

Every browser does, and Hypercorn accepts every offer. Speech does not get smaller by it (by an
eighth), and it takes half as much time again as all else that the server does with a frame.
"""

from __future__ import annotations

import re
from typing import Any, Final

import trio

_OFFER: Final = re.compile(rb"^Sec-WebSocket-Extensions:", re.IGNORECASE | re.MULTILINE)
_NO_OFFER: Final = b"X-Not-Offered:"


class PlainHandshakeStream:
    """A stream as another, but for the offer in the first piece that is received.

    A browser sends the head of a request in one piece. Where it comes in several, an offer may be
    accepted after all.

    Args:
      stream: the other one.
    """

    def __init__(self, stream: trio.SocketStream | trio.SSLStream[trio.SocketStream]) -> None:
        self._stream = stream
        self._is_first = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Receive as the other stream does."""
        data = await self._stream.receive_some(max_bytes)
        if self._is_first:
            self._is_first = False
            data = _OFFER.sub(_NO_OFFER, data, count=1)
        return data
