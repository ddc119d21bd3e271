"""``trio-calls demo``: runs the five flows, and reports whether each did what it promises."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from trio_calls.cli.exchange_options import settings_of_simulation, wire_option
from trio_calls.cli.outcome import Failure, run_trio, sentence_of
from trio_calls.demo import STORIES, run_demo

_EXAMPLE: Final = """\b
Example:
  trio-calls demo front_desk goodbye
"""


@click.command(epilog=_EXAMPLE)
@click.argument("flows", nargs=-1, type=click.Choice([story.name for story in STORIES]))
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("demo-output"),
    show_default=True,
    metavar="FOLDER",
    help="Where the WAV files go.",
)
@wire_option("Which generation of the exchange is spoken, in place of WSS_WIRE.  [default: first]")
@click.pass_context
def demo(context: click.Context, flows: tuple[str, ...], output: Path) -> None:
    """Run the five flows against a simulated exchange.

    The examples run on a loopback port, with virtual phones that talk. Prints the state flow of
    each and who heard what, and leaves WAV files of what caller and callee heard. Exit status 1 if
    a flow did not do what it promises.
    """
    wire = settings_of_simulation().wire
    named = [story for name in flows for story in STORIES if story.name == name]
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(sentence_of(error)) from None
    context.exit(0 if run_trio(run_demo, named or STORIES, output, wire) else 1)
