"""``trio-calls phone``: rings an agent from a browser tab."""

from __future__ import annotations

import importlib.util
import logging
import secrets
from functools import partial
from typing import TYPE_CHECKING, Final, NoReturn

import click
import trio

from trio_calls import events
from trio_calls.cli.call_log import logging_calls
from trio_calls.cli.exchange_options import (
    sample_rate_option,
    settings_of_simulation,
    wire_option,
)
from trio_calls.cli.find_handler import Handlers, find_handlers
from trio_calls.cli.outcome import TERMINATED, Failure, run_trio
from trio_calls.cli.signals import run_until_signal, status_after
from trio_calls.client.client import open_call_client
from trio_calls.config import ClientConfig
from trio_calls.simulator import open_simulator

if TYPE_CHECKING:
    from trio_calls.cli.phone_page import PageSettings

_EXTRA: Final = ("hypercorn", "segno", "starlette", "trustme")

#: What the simulator keeps of calls. Their recordings are the page's.
_KEEP_FINISHED_CALLS: Final = 10
_KEEP_AUDIO_SECONDS: Final = 1.0

_EXAMPLE: Final = """\b
Examples:
  trio-calls phone examples/front_desk.py
  trio-calls phone my_company.agents:front_desk --host 0.0.0.0 --tls
"""


@click.command(epilog=_EXAMPLE)
@click.argument("target")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to serve the page on. Others than this machine's own need --tls.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="The TCP port to serve the page on; 0 picks a free one.",
)
@click.option("--tls", is_flag=True, help="Serve by HTTPS, with a certificate made on the spot.")
@click.option(
    "--cert",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="Serve by HTTPS with this certificate (PEM); with --key.",
)
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="The certificate's private key (PEM).",
)
@click.option("--no-open", is_flag=True, help="Do not open the page in a browser.")
@sample_rate_option("Of all audio, in Hz, in place of WSS_SAMPLE_RATE.")
@wire_option("Which generation of the exchange is spoken, in place of WSS_WIRE.  [default: first]")
@click.pass_context
def phone(
    context: click.Context,
    target: str,
    *,
    host: str,
    port: int,
    tls: bool,
    cert: str | None,
    key: str | None,
    no_open: bool,
) -> None:
    """Ring the handler in TARGET from a browser tab, and talk with it.

    TARGET is as for `trio-calls run`. It takes the calls of a simulated exchange in this process,
    and nothing leaves this machine: press Call in the tab, speak, and talk over it. A second tab is
    the callee, who picks up and hears what is whispered. If TARGET takes messages, write to it.

    The address holds a token: whoever knows it can call. Browsers give a page the microphone on
    this machine or by HTTPS, so that phones and other machines need --tls. Their cameras read the
    address from the terminal.
    """
    require_phone()
    from trio_calls.cli.phone_page import PageSettings, is_this_machine  # noqa: PLC0415  # extra

    if (cert is None) is not (key is None):
        raise click.UsageError("--cert and --key go together")
    certificate = None if cert is None or key is None else (cert, key)
    if not is_this_machine(host) and not tls and certificate is None:
        raise click.UsageError(
            f"--host {host} is for other machines, and browsers give their pages a microphone by "
            "HTTPS only: add --tls, or --cert and --key"
        )
    logging.basicConfig(level=logging.INFO, format="%(levelname)-7s %(message)s")
    simulated = settings_of_simulation()
    handlers = find_handlers(target)
    settings = PageSettings(host, port, tls and certificate is None, certificate, not no_open)
    serve = partial(_serve, handlers, target, simulated, settings)
    number = run_trio(run_until_signal, serve, mendable=(OSError, Failure))
    context.exit(status_after(number, if_terminated=TERMINATED))


def require_phone() -> None:
    """Raise `Failure` unless the extra is installed."""
    if any(importlib.util.find_spec(name) is None for name in _EXTRA):
        raise Failure("this needs more than the command: install the extra 'phone' of trio-calls")


async def _serve(
    handlers: Handlers, target: str, simulated: ClientConfig, settings: PageSettings
) -> NoReturn:
    from trio_calls.cli.phone_page import serve_page  # noqa: PLC0415  # needs the extra
    from trio_calls.web._timelines import pass_on_timelines  # noqa: PLC0415

    async with (
        open_simulator(
            sample_rate=simulated.sample_rate,
            wire=simulated.wire,
            seed=secrets.randbits(64),  # files that are named after calls outlive them
            keep_finished_calls=_KEEP_FINISHED_CALLS,
            keep_audio_seconds=_KEEP_AUDIO_SECONDS,
        ) as simulator,
        serve_page(simulator, settings, agent=target) as page,
    ):
        with pass_on_timelines(page.switchboard):
            async with open_call_client(simulator.config) as client:
                if handlers.calls is not None:
                    client.on(events.INCOMING_CALL)(logging_calls(handlers.calls))
                if handlers.messages is not None:
                    client.on(events.INCOMING_MESSAGE)(handlers.messages)
                await trio.sleep_forever()
