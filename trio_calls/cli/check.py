"""``trio-calls check``: is this machine set up to take calls?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import SplitResult, urlsplit

import attrs
import click
import trio

from trio_calls.cli.outcome import run_trio, sentence_of
from trio_calls.client.client import open_call_client
from trio_calls.config import ClientConfig, variable_of
from trio_calls.errors import WSSConfigError, WSSConnectionError
from trio_calls.transport import WebSocketError, open_tcp_stream, port_of, start_tls
from trio_calls.transport.explain import credential_variables, explain_check
from trio_calls.transport.tls import make_ssl_context

_STEP_SECONDS: Final = 15.0


class _Unmet(Exception):
    """A check failed. The message says what to do."""


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
    """Run the checks up to the first that fails.

    Returns:
      Whether all of them passed.
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
        except WebSocketError as error:
            _print("✗", name, explain_check(error, config))
            return False
        except (WSSConfigError, WSSConnectionError, _Unmet) as error:
            _print("✗", name, sentence_of(error))
            return False
        except trio.TooSlowError:
            _print("✗", name, f"no answer within {_STEP_SECONDS:g} s: check the network between")
            return False
        _print("✓", name, finding)
    return True


@attrs.frozen
class _Checks:
    """The steps on the way to the exchange, taken as the client takes them.

    Each returns a description of what it found. It raises what the client would raise there, or
    `_Unmet`.
    """

    config: ClientConfig

    @property
    def address(self) -> SplitResult:
        return urlsplit(self.config.base_url)

    async def resolve(self) -> str:
        host, port = self.address.hostname or "", port_of(self.address)
        try:
            found = await trio.socket.getaddrinfo(host, port, type=trio.socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise _Unmet(
                f"{host} has no address: check {variable_of(self.config, 'base_url')}, and the "
                "network's name server"
            ) from None
        return f"{host} is {found[0][4][0]}"

    async def connect(self) -> str:
        stream = await open_tcp_stream(self.address)
        await stream.aclose()
        return f"port {port_of(self.address)} is open"

    async def verify(self) -> str:
        context = make_ssl_context(self.config)
        if context is None:
            return "not used: a ws:// address is for an exchange on this machine"
        stream = await start_tls(self.address, await open_tcp_stream(self.address), context)
        await trio.aclose_forcefully(stream)
        return f"{self.address.hostname} is who it says it is"

    async def log_in(self) -> str:
        async with open_call_client(self.config):
            return f"the exchange accepts it, and audio at {self.config.sample_rate} Hz"


def _describe_settings(config: ClientConfig) -> str:
    return (
        f"{credential_variables(config)} are set; the exchange is {config.base_url}, on the "
        f"{config.wire} wire ({variable_of(config, 'wire')})"
    )


def _print(mark: str, name: str, finding: str) -> None:
    click.echo(f"{click.style(mark, fg='green' if mark == '✓' else 'red')} {name:<11}{finding}")
