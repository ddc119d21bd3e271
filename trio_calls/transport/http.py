"""HTTP requests to the exchange, by httpx. Needs the extra ``trio-calls[sessions]``.

Each request has a connection of its own, over the same streams and the same TLS as WebSockets::

    send_request ──► ExchangeTransport ──► httpcore ──► _Network, _Stream ──► the exchange
                     (httpx)               (HTTP)       (bytes, of which there is a limit)

A request goes to its transport without an `httpx.AsyncClient`. That would log each address at INFO,
with the telephone numbers in its query, take proxies and passwords from the environment and from
``.netrc``, and unpack what is compressed to any size. httpcore logs what comes, at DEBUG, and an
exchange may quote what it was sent: that is kept out of every log.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import Any, Final
from urllib.parse import SplitResult

import attrs
import httpcore
import httpx
import trio

from trio_calls.config import StreamOpener
from trio_calls.transport._dial import check_headers, open_tcp_stream, split_url, start_tls
from trio_calls.transport._handshake_stream import drop
from trio_calls.transport._interface import HandshakeRefused, WebSocketError
from trio_calls.transport._opening import failing_alone
from trio_calls.transport._refusal import header_dict, refusal

#: The longest head of a response, and what chunks add to its body, in bytes.
_MAX_HEAD_BYTES: Final = 2**17

_OK: Final = 200

_is_ours: Final = ContextVar("trio_calls request", default=False)


def _is_not_ours(record: logging.LogRecord) -> bool:
    """Return whether a record of httpcore is about a request of somebody else."""
    return not _is_ours.get()


# No configuration of logging takes a filter away.
for _name in ("httpcore.connection", "httpcore.http11"):
    logging.getLogger(_name).addFilter(_is_not_ours)

_SCHEMES: Final = {"ws": "http", "wss": "https"}


@attrs.frozen
class Response:
    """What the exchange has answered.

    Attributes:
      status_code: its HTTP status.
      headers: its headers, by lower-case name.
      body: its body, as it came.
    """

    status_code: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)

    @property
    def is_ok(self) -> bool:
        """Whether this is the answer, and no refusal."""
        return self.status_code == _OK

    @property
    def refusal(self) -> HandshakeRefused:
        """The error for it, where it is a refusal and nobody can read more out of it."""
        return refusal(self.status_code, self.headers, self.body)


async def send_request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    ssl_context: ssl.SSLContext | None,
    open_stream: StreamOpener | None,
    within_seconds: float,
    max_body_bytes: int,
) -> Response:
    """Send a request without a body. Redirects are refusals: nothing is sent to another host.

    Args:
      method: such as ``GET``.
      url: ``ws://`` or ``wss://``, like the control connection's; percent-encoded.
      headers: the headers to send.
      ssl_context: verifies the server; needed for ``wss://``.
      open_stream: used in place of `trio.open_tcp_stream`.
      within_seconds: the time for all of it.
      max_body_bytes: the longest body that is read.

    Raises:
      HostUnreachable: no byte stream to the host.
      TLSFailed: the server could not be verified, or it refused our certificate.
      WebSocketError: there was no response in time, none that makes sense, or one that is too long.

    Cancellation drops the connection at once.
    """
    parts = split_url(url)
    check_headers(headers)
    with failing_alone(), trio.move_on_after(within_seconds):
        transport = ExchangeTransport(parts, ssl_context, open_stream, max_body_bytes)
        request = httpx.Request(
            method,
            parts._replace(scheme=_SCHEMES[parts.scheme]).geturl(),
            headers={**headers, "Accept": "application/json", "Connection": "close"},
        )
        response = await transport.handle_async_request(request)
        return Response(
            response.status_code, header_dict(response.headers.raw), bytes(response.content)
        )
    raise WebSocketError(f"no answer within {within_seconds:g} s")


class ExchangeTransport(httpx.AsyncBaseTransport):
    """Takes a request to the exchange and brings back the whole response.

    Args:
      parts: the address of the exchange.
      ssl_context: verifies the exchange.
      open_stream: used in place of `trio.open_tcp_stream`.
      max_body_bytes: the longest body that is read.
    """

    def __init__(
        self,
        parts: SplitResult,
        ssl_context: ssl.SSLContext | None,
        open_stream: StreamOpener | None,
        max_body_bytes: int,
    ) -> None:
        self._network = _Network(parts, ssl_context, open_stream, max_body_bytes)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request over a new connection, which is closed then."""
        # httpcore offers protocols in the context that it is given, and ours may be the
        # application's, so it gets another one (findings/httpcore-offers-in-your-context.sh).
        unused_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        async with httpcore.AsyncConnectionPool(
            ssl_context=unused_context, network_backend=self._network
        ) as pool:
            response = await _ask(pool, request)
        # What is compressed is not unpacked.
        kept = [header for header in response.headers if header[0].lower() != b"content-encoding"]
        return httpx.Response(response.status, headers=kept, content=response.content)


async def _ask(pool: httpcore.AsyncConnectionPool, request: httpx.Request) -> httpcore.Response:
    token = _is_ours.set(True)
    try:
        return await pool.request(
            request.method, _core_url(request.url), headers=request.headers.raw
        )
    # Their words quote what came.
    except httpcore.ProtocolError:
        raise WebSocketError("what came is no HTTP response, or breaks off") from None
    except httpcore.NetworkError:
        raise WebSocketError("the connection broke") from None
    finally:
        _is_ours.reset(token)


def _core_url(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )


@attrs.frozen
class _Network(httpcore.AsyncNetworkBackend):
    """Opens the streams to one exchange, whatever host it is asked for."""

    parts: SplitResult
    ssl_context: ssl.SSLContext | None = attrs.field(repr=False)
    open_stream: StreamOpener | None
    max_body_bytes: int

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore calls it so
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _Stream(await open_tcp_stream(self.parts, self.open_stream), self)


class _Stream(httpcore.AsyncNetworkStream):
    """A connection for one request. The deadline is that of whoever waits for the response."""

    def __init__(self, stream: trio.abc.Stream, network: _Network) -> None:
        self._stream = stream
        self._network = network
        self._received_bytes = 0

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> bytes:
        try:
            data = bytes(await self._stream.receive_some(max_bytes))
        except trio.BrokenResourceError:
            raise httpcore.ReadError("the connection broke") from None
        self._received_bytes += len(data)
        # Raised from within, as the generators of httpcore are not closed when nobody reads on.
        if self._received_bytes > self._network.max_body_bytes + _MAX_HEAD_BYTES:
            raise WebSocketError(f"it is longer than {self._network.max_body_bytes:,} bytes")
        return data

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> None:
        try:
            await self._stream.send_all(buffer)
        except trio.BrokenResourceError:
            # The exchange may have answered before that.
            raise httpcore.WriteError("the connection broke") from None

    async def aclose(self) -> None:
        # Shielded by httpcore, so this must not wait for the other side.
        await drop(self._stream)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore calls it so
    ) -> httpcore.AsyncNetworkStream:
        network = self._network
        return _Stream(await start_tls(network.parts, self._stream, network.ssl_context), network)
