"""Serving what there is to see of a worker."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import attrs
import trio

from trio_calls.client.client import CallClient
from trio_calls.telemetry._reports import Reporter
from trio_calls.telemetry._watch import open_watch

_EXTRA: Final = ("hypercorn", "prometheus_client", "starlette")

_ADDRESS: Final = re.compile(r"(?:\[([^\[\]]+)\]|([^\[\]:]+)):(\d{1,5})")
_MAX_PORT: Final = 65535


@attrs.frozen
class Monitor:
    """What is served of a worker. Got from `open_monitor`.

    Attributes:
      host: the address that it is served on.
      port: the TCP port.
    """

    host: str
    port: int

    @property
    def url(self) -> str:
        """The address of its pages, without a path."""
        where = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{where}:{self.port}"


def parse_address(address: str) -> tuple[str, int]:
    """Return host and port of ``host:port`` or ``[address]:port``.

    Raises:
      ValueError: it is none.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match[3]) > _MAX_PORT:
        raise ValueError(f"{address!r} is no host and port, such as 127.0.0.1:9090 or [::1]:9090")
    return match[1] or match[2], int(match[3])


def require_extra() -> None:
    """Raise `ModuleNotFoundError` unless the extra is installed."""
    missing = [name for name in _EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise ModuleNotFoundError(
            f"a monitor needs {' and '.join(missing)}, which is not installed: "
            "install the extra 'monitor' of trio-calls"
        )


@asynccontextmanager
async def serve_reports(reporter: Reporter, address: str) -> AsyncIterator[Monitor]:
    """Serve what somebody reports for the duration of the block. See `open_monitor`.

    Args:
      reporter: is asked whenever somebody looks.
      address: where to serve.
    """
    require_extra()
    from trio_calls.concurrency.web_serving import serve  # noqa: PLC0415  # needs the extra
    from trio_calls.telemetry._app import make_app  # noqa: PLC0415  # needs it, too

    host, port = parse_address(address)
    listeners = await trio.open_tcp_listeners(port, host=host)
    async with serve(make_app(reporter), listeners, error_log="trio_calls.monitor"):
        yield Monitor(host, listeners[0].socket.getsockname()[1])


@asynccontextmanager
async def open_monitor(
    client: CallClient, address: str, *, show_numbers: bool = False
) -> AsyncIterator[Monitor]:
    """Serve metrics and health of a client by HTTP, for the duration of the block.

    ::

        async with open_call_client(config) as client, open_monitor(client, "127.0.0.1:9090"):
            client.on(events.INCOMING_CALL)(handle_call)
            await client.run_forever()

    ``/metrics`` is for Prometheus. ``/healthz`` says that the event loop comes round. ``/readyz``
    answers 503 while the client claims no calls: it drains, has no connection to the exchange, or
    pauses as too many calls in a row have failed. ``/calls`` lists the calls as JSON.

    Whoever reaches the address may look: there is no password, and no TLS. Serve on this machine's
    own address, or in a network that is yours.

    Open it before the handler is registered: what was before is not counted. It counts from zero
    each time. Nothing of what it does comes with a frame of audio.

    Args:
      client: whose numbers these are.
      address: host and port, as ``127.0.0.1:9090`` or ``[::1]:9090``. Port 0 picks a free one.
      show_numbers: leave telephone numbers in ``/calls``; otherwise they are blotted.

    Raises:
      OSError: the port cannot be served on.
      ValueError: the address is none.
      ModuleNotFoundError: the extra ``trio-calls[monitor]`` is not installed.

    Cancellation: leaving the block closes every connection, within 2 s.
    """
    async with (
        open_watch(client, show_numbers=show_numbers) as watch,
        serve_reports(watch, address) as monitor,
    ):
        yield monitor
