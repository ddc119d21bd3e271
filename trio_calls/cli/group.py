"""The group of all ``trio-calls`` commands, and their exit status."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

import click

from trio_calls._version import __version__
from trio_calls.cli.check import check
from trio_calls.cli.demo import demo
from trio_calls.cli.dial import dial
from trio_calls.cli.dispatch import dispatch
from trio_calls.cli.fleet import fleet
from trio_calls.cli.outcome import INTERRUPTED
from trio_calls.cli.output import open_output
from trio_calls.cli.phone import phone
from trio_calls.cli.run import run
from trio_calls.cli.simulator import simulator
from trio_calls.cli.timeline import timeline

_EXAMPLE: Final = """\b
Ring your agent up without a telephone account, in three terminals:
  trio-calls simulator                      the exchange; says what to export
  trio-calls run examples/front_desk.py     your agent
  trio-calls dial --say hello.wav           somebody calls
"""


@click.group(
    epilog=_EXAMPLE,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="trio-calls", message="%(prog)s %(version)s")
def trio_calls() -> None:
    """Programmable phone calls for Trio.

    Each command has its own --help.
    """


for _command in (simulator, run, dispatch, phone, dial, check, fleet, demo, timeline):
    trio_calls.add_command(_command)


def run_command(arguments: Sequence[str] | None) -> int:
    """Run a command line, and return its exit status."""
    with open_output():
        return _run_command(arguments)


def _run_command(arguments: Sequence[str] | None) -> int:
    try:
        status = trio_calls.main(
            arguments, prog_name="trio-calls", standalone_mode=False, color=_color()
        )
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        # What click makes of Control-C, after ending the line.
        click.echo("interrupted", err=True)
        return INTERRUPTED
    # Commands end with ctx.exit(), and click makes its argument the result.
    return status if isinstance(status, int) else 0


def _color() -> bool | None:
    """Return whether click prints colours; None leaves that to whether it is on a terminal.

    rich has the same rules, and click has none.
    """
    is_unwanted = os.environ.get("NO_COLOR") or os.environ.get("TERM") in {"dumb", "unknown"}
    return False if is_unwanted else None
