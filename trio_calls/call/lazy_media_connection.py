"""A call's media connection, which is opened when the call is first acted on."""

from __future__ import annotations

import ssl
from collections.abc import Callable

import trio

from trio_calls.call.media_connection import MediaConnection
from trio_calls.config import ClientConfig
from trio_calls.errors import WSSCallClosedError
from trio_calls.wire.control import CallIn


class LazyMediaConnection:
    """Opens a call's media connection when it is first needed, and again where that failed.

    It leads to the call's other parts only while the call's scope is open. So they are in no
    reference cycle afterwards, and their memory, up to some seconds of audio, is free at once and
    not when the garbage collector comes around.
    """

    def __init__(
        self, call_in: CallIn, config: ClientConfig, ssl_context: ssl.SSLContext | None
    ) -> None:
        self._call_in = call_in
        self._config = config
        self._ssl_context = ssl_context
        self._nursery: trio.Nursery | None = None
        self._make: Callable[[], MediaConnection] | None = None
        self._media: MediaConnection | None = None

    def start(self, nursery: trio.Nursery, make: Callable[[], MediaConnection]) -> None:
        """Choose where the connection's tasks will run, and how a connection is made."""
        self._nursery = nursery
        self._make = make

    def forget(self) -> None:
        """Forget the connection, and how to make one: the call's scope is closed."""
        self._nursery = self._make = self._media = None

    @property
    def is_open(self) -> bool:
        """Whether the connection is open, or was until the call ended."""
        return self._media is not None and self._media.is_open

    @property
    def is_opening_or_open(self) -> bool:
        """Whether the connection is open, or is being opened."""
        return self._media is not None and not self._media.has_failed

    def relocate(self, call_in: CallIn) -> None:
        """Take the address at which the connection is to be opened from a newer offer."""
        self._call_in = call_in

    async def open(self) -> None:
        """Open the connection, or wait for it; the opening itself is never cancelled.

        Raises:
          WSSMediaError: it could not be opened.
          WSSCallClosedError: the call's scope is not open.
        """
        if self._nursery is None or self._make is None:
            raise WSSCallClosedError("the call's scope is not open")
        media = self._media
        if media is None or media.has_failed:
            media = self._media = self._make()
            self._nursery.start_soon(media.run, self._call_in, self._config, self._ssl_context)
        await media.wait_open()

    def stop(self, deadline: float) -> None:
        """Close the connection, and drop it at `deadline` (in Trio's time) if that takes longer."""
        if self._media is not None:
            self._media.stop(deadline)
