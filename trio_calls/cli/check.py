"""``trio-calls check``: is this machine set up to take calls?"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

import attrs
import click
import trio

from trio_calls.cli.outcome import run_trio, sentence_of
from trio_calls.client.client import open_call_client
from trio_calls.config import ClientConfig
from trio_calls.errors import WSSConfigError, WSSConnectionError
from trio_calls.transport.tls import make_ssl_context

_STEP_SECONDS: Final = 15.0


class _Unmet(Exception):
    """A check that failed. The message says what to do."""


_EXAMPLE: Final = """\b
Example:
  export WSS_API_KEY=… WSS_CONNECTOR_UUID=…
  trio-calls check
"""


@click.command(epilog=_EXAMPLE)
@click.pass_context
def check(context: click.Context) -> None:
    """Check whether this machine is set up to take calls.

    Looks, in this order, whether the settings are in the environment, whether the exchange's name
    resolves, whether it can be connected to, whether its TLS certificate is right, and whether it
    accepts the key. One line each. Takes no call, and prints no secret. Exit status 0 if all is
    well, 1 if not.
    """
    context.exit(0 if run_trio(_check) else 1)


async def _check() -> bool:
    """Go through the checks up to the first that fails.

    Returns:
      Whether none did.
    """
    try:
        config = ClientConfig.from_env()
    except WSSConfigError as error:
        _print("✗", "settings", sentence_of(error))
        return False
    _print("✓", "settings", _describe_settings(config))
    checks = _Checks(config)
    steps: tuple[tuple[str, Callable[[], Awaitable[str]]], ...] = (
        ("name", checks.resolve),
        ("connection", checks.connect),
        ("TLS", checks.verify),
        ("key", checks.log_in),
    )
    for name, step in steps:
        try:
            with trio.fail_after(_STEP_SECONDS):
                finding = await step()
        except _Unmet as unmet:
            _print("✗", name, str(unmet))
            return False
        except trio.TooSlowError:
            _print("✗", name, f"no answer within {_STEP_SECONDS:g} s: check the network between")
            return False
        _print("✓", name, finding)
    return True


@attrs.frozen
class _Checks:
    """The steps on the way to the exchange. Each says what it found, or raises `_Unmet`."""

    config: ClientConfig

    @property
    def host(self) -> str:
        return urlsplit(self.config.base_url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.config.base_url).port or (443 if self.is_tls else 80)

    @property
    def is_tls(self) -> bool:
        return self.config.base_url.startswith("wss://")

    async def resolve(self) -> str:
        try:
            found = await trio.socket.getaddrinfo(
                self.host, self.port, type=trio.socket.SOCK_STREAM
            )
        except (OSError, UnicodeError):
            raise _Unmet(
                f"{self.host} has no address: check WSS_BASE_URL, and the network's name server"
            ) from None
        return f"{self.host} is {found[0][4][0]}"

    async def connect(self) -> str:
        try:
            stream = await trio.open_tcp_stream(self.host, self.port)
        except OSError as error:
            raise _Unmet(
                f"no connection to {self.host} port {self.port} ({sentence_of(error)}): is the "
                "exchange running there, and does a firewall let this out?"
            ) from None
        await stream.aclose()
        return f"port {self.port} is open"

    async def verify(self) -> str:
        if not self.is_tls:
            return "not used: a ws:// address is for an exchange on this machine"
        try:
            context = make_ssl_context(self.config)
        except WSSConfigError as error:
            raise _Unmet(sentence_of(error)) from None
        stream = await trio.open_ssl_over_tcp_stream(
            self.host, self.port, ssl_context=context, https_compatible=True
        )
        try:
            await stream.do_handshake()
        except trio.BrokenResourceError as error:
            raise _Unmet(self._explain_tls(error.__cause__)) from None
        finally:
            await trio.aclose_forcefully(stream)
        return f"{self.host} is who it says it is"

    async def log_in(self) -> str:
        try:
            async with open_call_client(self.config):
                return f"the exchange accepts it, and audio at {self.config.sample_rate} Hz"
        except WSSConnectionError as error:
            raise _Unmet(sentence_of(error)) from None

    def _explain_tls(self, cause: BaseException | None) -> str:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"{self.host} cannot be verified ({cause.verify_message}): check the host in "
                "WSS_BASE_URL, this machine's clock, and its certificate authorities"
            )
        reason = cause.reason if isinstance(cause, ssl.SSLError) else "the connection broke off"
        return f"no TLS with {self.host} ({reason}): does that port speak wss://?"


def _describe_settings(config: ClientConfig) -> str:
    if config.api_key is not None:
        return f"WSS_API_KEY and WSS_CONNECTOR_UUID are set; the exchange is {config.base_url}"
    return f"WSS_CERT_PATH and WSS_KEY_PATH are set; the exchange is {config.base_url}"


def _print(mark: str, name: str, finding: str) -> None:
    click.echo(f"{click.style(mark, fg='green' if mark == '✓' else 'red')} {name:<11}{finding}")
