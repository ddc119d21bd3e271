"""``trio-calls simulator``: runs a simulated exchange on this machine."""

from __future__ import annotations

import logging
import secrets
import shlex
import signal
from contextlib import AsyncExitStack
from typing import Any, Final, NoReturn

import attrs
import click
import trio
from rich.console import Console
from rich.logging import RichHandler

from trio_calls.audio_format import SAMPLE_RATES
from trio_calls.cli.call_watch import CallWatch
from trio_calls.cli.dial_order import SIMULATOR_KEY, dial_command
from trio_calls.cli.exchange_options import settings_of_simulation, wire_option
from trio_calls.cli.live_view import show_calls
from trio_calls.cli.outcome import Failure, run_trio, sentence_of
from trio_calls.cli.phone import require_phone
from trio_calls.cli.signals import run_until_signal, status_after
from trio_calls.config import ClientConfig, WireName
from trio_calls.errors import WSSConfigError
from trio_calls.simulator import Simulator, open_simulator

_LOOK_EVERY_SECONDS: Final = 0.1
_DEFAULT_RATE: Final = 24000

#: How much is kept for the display. Bounded, as the simulator may run for months.
_KEEP_FINISHED_CALLS: Final = 100
_KEEP_AUDIO_SECONDS: Final = 1.0


@attrs.frozen
class _Settings:
    host: str
    port: int
    api_key: str = attrs.field(repr=False)
    sample_rate: int
    wire: WireName
    max_connections: int
    allowed_hosts: tuple[str, ...]
    allowed_origins: tuple[str, ...]
    phone: bool
    phone_port: int
    no_open: bool


_EXAMPLE: Final = """\b
Example, in three terminals:
  trio-calls simulator
  trio-calls run examples/front_desk.py       after the export that the simulator has printed
  trio-calls dial --say examples/speech/caller_request.wav
"""


@click.command(epilog=_EXAMPLE)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to serve on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="The TCP port to serve on; 0 picks a free one.",
)
@click.option(
    "--api-key",
    default=SIMULATOR_KEY,
    show_default=True,
    help="What agents and `trio-calls dial` must give as their key.",
)
@click.option(
    "--sample-rate",
    type=click.Choice([str(rate) for rate in SAMPLE_RATES]),
    default=str(_DEFAULT_RATE),
    show_default=True,
    help="Of the telephones, in Hz. Agents may ask for another.",
)
@wire_option(
    "Which generation of the exchange agents are told to speak, in place of WSS_WIRE. It takes "
    "agents of either.  [default: first]"
)
@click.option(
    "--max-connections",
    type=click.IntRange(min=1),
    default=500,
    show_default=True,
    help="More are refused: an agent has one, and one for each call; so has `trio-calls dial`.",
)
@click.option(
    "--allow-host",
    "allowed_hosts",
    metavar="NAME",
    multiple=True,
    help="A name that leads here, besides --host and localhost; can be repeated.",
)
@click.option(
    "--allow-origin",
    "allowed_origins",
    metavar="URL",
    multiple=True,
    help="A web page that may connect, like http://localhost:3000; can be repeated.",
)
@click.option(
    "--phone", is_flag=True, help="Serve phones in browser tabs as well, for this machine."
)
@click.option(
    "--phone-port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="The TCP port to serve their page on; 0 picks a free one.",
)
@click.option("--no-open", is_flag=True, help="Do not open that page in a browser.")
@click.pass_context
def simulator(context: click.Context, /, *, sample_rate: str, **options: Any) -> None:
    """Run an exchange on this machine, without a telephone account.

    Prints the environment variables that point an agent at it. Then it serves until Control-C, and
    shows the calls: on a terminal as a table, elsewhere one line an event. At the table, the key t
    shows the tree of the simulator's own tasks, where the extra `tasks` is installed.

    With --phone you call these agents from a browser tab, as with `trio-calls phone`.
    """
    if options["phone"]:
        require_phone()
    wire = settings_of_simulation().wire
    settings = _Settings(sample_rate=int(sample_rate), wire=wire, **options)
    number = run_trio(_serve, settings, mendable=(WSSConfigError, OSError, Failure))
    context.exit(status_after(number, if_terminated=0))


async def _serve(settings: _Settings) -> signal.Signals:
    console = Console(highlight=False)
    async with AsyncExitStack() as stack:
        exchange = await _open_exchange(stack, settings)
        _introduce(exchange.config)
        if settings.phone:
            await _open_phone(stack, exchange, settings)
        return await run_until_signal(_Display(exchange, console).run)


async def _open_exchange(stack: AsyncExitStack, settings: _Settings) -> Simulator:
    opening = open_simulator(
        host=settings.host,
        port=settings.port,
        api_key=settings.api_key,
        sample_rate=settings.sample_rate,
        wire=settings.wire,
        seed=secrets.randbits(64),  # files that are named after calls outlive them
        max_connections=settings.max_connections,
        allowed_hosts=settings.allowed_hosts,
        allowed_origins=settings.allowed_origins,
        keep_finished_calls=_KEEP_FINISHED_CALLS,
        keep_audio_seconds=_KEEP_AUDIO_SECONDS,
    )
    try:
        return await stack.enter_async_context(opening)
    except OSError as error:
        raise Failure(
            f"cannot serve on {settings.host} port {settings.port}: {sentence_of(error)}; is "
            "another simulator running? Choose with --host and --port."
        ) from None


async def _open_phone(stack: AsyncExitStack, exchange: Simulator, settings: _Settings) -> None:
    from trio_calls.cli.phone_page import PageSettings, serve_page  # noqa: PLC0415  # extra

    page = PageSettings(port=settings.phone_port, opens_browser=not settings.no_open)
    await stack.enter_async_context(serve_page(exchange, page))


def _introduce(config: ClientConfig) -> None:
    """Print how an agent connects. The key is the simulator's own, and no secret."""
    variables = {
        "WSS_API_KEY": config.api_key or "",
        "WSS_CONNECTOR_UUID": config.connector_uuid or "",
        "WSS_BASE_URL": config.base_url,
    }
    if config.sample_rate != _DEFAULT_RATE:
        variables["WSS_SAMPLE_RATE"] = str(config.sample_rate)
    if config.wire != "first":
        variables["WSS_WIRE"] = config.wire
    export = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
    print(f"The exchange is on {config.base_url}. Point an agent at it:\n\n  export {export}\n")
    dialing = dial_command(config.base_url, config.api_key or "")
    print(f"Ring it up with `{dialing}`, end this with Control-C.\n", flush=True)


class _Display:
    """Shows the calls: as a table on a terminal, and one line for each event elsewhere."""

    def __init__(self, exchange: Simulator, console: Console) -> None:
        self._watch = CallWatch(exchange)
        self._console = console

    async def run(self) -> NoReturn:
        """Show the calls until cancelled."""
        if self._console.is_terminal:
            logging.basicConfig(
                format="%(message)s",
                handlers=[RichHandler(console=self._console, show_path=False)],
            )
            await show_calls(self._watch, self._console)
        logging.basicConfig(format="%(levelname)s %(message)s")
        await self._print_events()

    async def _print_events(self) -> NoReturn:
        began = trio.current_time()
        while True:
            for call, event in self._watch.look():
                seconds = trio.current_time() - began
                print(f"{seconds:8.1f} s  call {call.number}  {call.parties}  {event}", flush=True)
            await trio.sleep(_LOOK_EVERY_SECONDS)
