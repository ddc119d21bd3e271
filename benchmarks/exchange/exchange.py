"""The exchange that every agent is measured with: it does as little as an exchange can do."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

import attrs

from benchmarks.exchange.call import ExchangeCall
from benchmarks.exchange.connection import Connection, Peer
from benchmarks.exchange.control import ControlPeer
from benchmarks.exchange.frames import StampedAudio
from benchmarks.exchange.second.call import SecondCall
from benchmarks.exchange.second.control import SecondControlPeer
from benchmarks.exchange.second.frames import FramedAudio
from benchmarks.exchange.wires import WireName

HOST: Final = "127.0.0.1"
CONTROL_PATH: Final = "/v1/agent/session-manager"
MEDIA_PATH: Final = "/media"

#: Connections that wait to be accepted: a burst of calls brings as many at once.
_BACKLOG: Final = 2048


@attrs.frozen
class _Wire:
    """What speaks one generation of the wire."""

    audio: type[StampedAudio]
    call: type[ExchangeCall]
    control: type[ControlPeer]


_WIRES: Final[Mapping[WireName, _Wire]] = {
    "first": _Wire(StampedAudio, ExchangeCall, ControlPeer),
    "second": _Wire(FramedAudio, SecondCall, SecondControlPeer),
}


class Exchange:
    """Serves one agent, or the workers of one. Opened by `open_exchange`.

    Args:
      make_call: makes a call of its number.
      make_control: makes what answers on a control connection.

    Attributes:
      base_url: where it is reached.
      calls: all that were offered.
    """

    def __init__(
        self,
        make_call: Callable[[int], ExchangeCall],
        make_control: type[ControlPeer] = ControlPeer,
    ) -> None:
        self.base_url: str
        self.calls: list[ExchangeCall] = []
        self._sessions: dict[str, ExchangeCall] = {}
        self._controls: list[ControlPeer] = []
        self._ready = asyncio.Semaphore(0)
        self._make_call = make_call
        self._make_control = make_control
        self._connections: list[Connection] = []

    def open(self, base_url: str) -> None:
        """Note where it is reached, before anybody reaches it."""
        self.base_url = base_url

    def offer_taken(self) -> None:
        """Offer a call that somebody else has claimed already."""
        call = self._make_call(len(self.calls))
        call.claimed.set()
        self.calls.append(call)
        name = f"session-{call.number}"
        self._sessions[name] = call
        for control in self._controls:
            control.offer([name])

    @property
    def controls(self) -> set[ControlPeer]:
        """The control connections that are set up."""
        return set(self._controls)

    async def wait_agents(self, number: int = 1) -> None:
        """Wait until so many more control connections were set up."""
        for _ in range(number):
            await self._ready.acquire()

    def accept(self) -> Connection:
        """Make the protocol of a new connection."""
        connection = Connection(self._find_peer)
        self._connections.append(connection)
        return connection

    def drop_connections(self) -> None:
        """End every connection at once."""
        for connection in self._connections:
            connection.close()

    def offer(self, number: int) -> Sequence[ExchangeCall]:
        """Offer so many calls, all at once."""
        first = len(self.calls)
        calls = [self._make_call(first + index) for index in range(number)]
        self.calls += calls
        sessions = {f"session-{call.number}": call for call in calls}
        self._sessions |= sessions
        for control in self._controls:
            control.offer(sessions)
        return calls

    def _control_is_ready(self, control: ControlPeer) -> None:
        self._controls.append(control)
        # Who comes is told of what still rings.
        control.offer(name for name, call in self._sessions.items() if not call.claimed.is_set())
        self._ready.release()

    def _control_is_lost(self, control: ControlPeer) -> None:
        if control in self._controls:
            self._controls.remove(control)

    def _find_peer(self, path: str, connection: Connection) -> Peer | None:
        """Return what a new connection is for, or None if it is for nothing."""
        if path == CONTROL_PATH:
            return self._make_control(
                connection,
                self._sessions,
                self.base_url + MEDIA_PATH,
                self._control_is_ready,
                self._control_is_lost,
            )
        if path.startswith(MEDIA_PATH):
            call = self.calls[int(path.rpartition("/")[2])]
            call.opened_by(connection)
            return call
        return None


@asynccontextmanager
async def open_exchange(
    sample_rate: int,
    ssl_context: ssl.SSLContext | None = None,
    make_call: Callable[[int], ExchangeCall] | None = None,
    wire: WireName = "first",
) -> AsyncIterator[Exchange]:
    """Serve an exchange on a free port, inside the block.

    Args:
      sample_rate: of the calls, in Hz.
      ssl_context: to encrypt everything with.
      make_call: makes a call of its number, where it is another than one that is echoed.
      wire: which generation it speaks.
    """
    speaker = _WIRES[wire]
    audio = speaker.audio(sample_rate)
    exchange = Exchange(make_call or (lambda number: speaker.call(number, audio)), speaker.control)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(exchange.accept, HOST, 0, ssl=ssl_context, backlog=_BACKLOG)
    port = server.sockets[0].getsockname()[1]
    exchange.open(f"{'wss' if ssl_context else 'ws'}://{HOST}:{port}")
    try:
        yield exchange
    finally:
        server.close()
        exchange.drop_connections()
        await server.wait_closed()
