"""What comes in on the control connection, passed on: to calls, or to conversations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from trio_calls.client.call_flow import CallFlow
from trio_calls.client.control_connection import ControlConnection
from trio_calls.client.conversations import Conversations
from trio_calls.client.incoming import IncomingCalls
from trio_calls.client.sessions import Sessions
from trio_calls.config import ClientConfig
from trio_calls.transport.tls import ClientTLS
from trio_calls.wire.control_wire import News, Offered, SessionEnded, Written
from trio_calls.wire.generations import control_wire


class Reception:
    """The listener of a client's control connection.

    Attributes:
      control: the connection.
      call_flow: what the exchange is to offer.
      sessions: lists, starts and closes sessions.
      calls: what is said about calls goes here.
      conversations: what is said about sessions in which people write.
    """

    def __init__(self, config: ClientConfig, tls: ClientTLS) -> None:
        self.control: ControlConnection = ControlConnection(
            config, tls, control_wire(config.wire), self
        )
        self.call_flow: CallFlow = CallFlow(self.control)
        self.sessions: Sessions = Sessions(config, tls, self.control)
        self.calls: IncomingCalls = IncomingCalls(config, tls, self.control)
        self.conversations: Conversations = Conversations(
            config, self.control, self.calls.judge, self.sessions
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Serve calls and conversations inside the block. Leaving it ends both, and waits for them.

        The control connection has to be there before, and until after.
        """
        try:
            async with self.calls.open() as nursery:
                self.conversations.start(nursery)
                try:
                    yield
                finally:
                    self.conversations.stop()
        finally:
            self.conversations.leave_all()

    async def drain(self, within_seconds: float | None) -> None:
        """Take no more of either, and wait until every scope is closed. See `CallClient.drain`."""
        self.conversations.drain(within_seconds)
        await self.calls.drain(within_seconds)
        await self.conversations.wait_drained()

    def control_received(self, news: News) -> None:
        """Pass on what the exchange says. Called by the control connection."""
        match news:
            case Offered() if self.conversations.may_want(news):
                self.conversations.offered(news)
            case Written():
                self.conversations.received(news)
            case SessionEnded():
                # Both, as whoever opens a session by its name may be wrong about what it is.
                self.conversations.closed(news)
                self.calls.control_received(news)
            case _:
                self.calls.control_received(news)

    def control_connected(self) -> None:
        """Say again what is to be offered, and pass on that there is a connection. Called by it."""
        self.call_flow.repeat()
        self.calls.control_connected()
        self.conversations.control_connected()

    def control_lost(self) -> None:
        """Pass on that the connection is gone. Called by it."""
        self.calls.control_lost()
        self.conversations.control_lost()
