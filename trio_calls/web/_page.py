"""Opening the page of phones beside a simulator."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import trio

from trio_calls.concurrency.web_serving import serve
from trio_calls.simulator import Simulator
from trio_calls.simulator.exchange.admission import HostNames
from trio_calls.web._admission import PageAdmission
from trio_calls.web._app import make_app
from trio_calls.web._plain_handshake import PlainHandshakeStream
from trio_calls.web._recordings import Recordings
from trio_calls.web._switchboard import Switchboard, open_switchboard
from trio_calls.web._tickets import Tickets


@attrs.frozen
class PhonePage:
    """A page of phones that is served.

    Attributes:
      port: the TCP port.
      token: what its address holds.
      tickets: what an address that is good for once holds.
      is_secure: whether it is served by HTTPS.
      switchboard: connects its tabs.
    """

    port: int
    token: str = attrs.field(repr=False)
    tickets: Tickets = attrs.field(repr=False)
    is_secure: bool
    switchboard: Switchboard = attrs.field(repr=False)

    def url(self, host: str) -> str:
        """Return its address under a name or an address of this machine. It holds the token."""
        return f"{self._site(host)}/?token={self.token}"

    def url_for_once(self, host: str) -> str:
        """Return an address that leads there once, and does not hold the token."""
        return f"{self._site(host)}/once/{self.tickets.issue()}"

    def _site(self, host: str) -> str:
        scheme = "https" if self.is_secure else "http"
        where = f"[{host}]" if ":" in host else host
        return f"{scheme}://{where}:{self.port}"


@asynccontextmanager
async def open_phone_page(
    simulator: Simulator,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    agent: str | None = None,
) -> AsyncIterator[PhonePage]:
    """Serve phones for a simulator for the duration of the block.

    Args:
      simulator: where their calls are placed.
      host: the address to serve on. ``0.0.0.0`` or ``::`` is all of them.
      port: the TCP port to serve on; 0 picks a free one.
      tls: the certificate to serve with; None: plain HTTP, by which browsers give a page the
        microphone on this machine only.
      agent: the name of the agent that takes the calls; None: whichever is connected.

    Raises:
      OSError: the port cannot be served on.
      WSSConfigError: the host is neither a name nor an address.

    Leaving the block, also by cancellation, hangs up for every tab and closes every connection,
    within 2 s.
    """
    host_names = HostNames([host])
    admission = PageAdmission(secrets.token_urlsafe(16), host_names)
    listeners = await trio.open_tcp_listeners(port, host=host)
    for listener in listeners:
        host_names.add_bound(listener.socket.getsockname()[0])
    recordings = Recordings()
    async with open_switchboard(simulator, recordings, agent=agent) as switchboard:
        app = make_app(switchboard, recordings, admission, simulator.config.sample_rate)
        serving = serve(
            app, listeners, tls, error_log="trio_calls.web.http", wrap=PlainHandshakeStream
        )
        async with serving:
            yield PhonePage(
                listeners[0].socket.getsockname()[1],
                admission.token,
                admission.tickets,
                tls is not None,
                switchboard,
            )
