"""The command ``trio-calls``."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

import trio

from trio_calls._version import __version__
from trio_calls.demo import STORIES, Story, run_demo


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
      arguments: in place of those on the command line.

    Returns:
      The exit status: 0 if everything went as asked, 1 if not, 130 if it was interrupted.

    Raises:
      SystemExit: the arguments make no sense (status 2), or ask for help only (status 0).
    """
    options = _parse(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show an arrow must not end the program.
        sys.stdout.reconfigure(errors="replace")
    status = 1
    try:
        options.output.mkdir(parents=True, exist_ok=True)
        status = 0 if trio.run(run_demo, options.flows or STORIES, options.output) else 1
    except* KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        status = 130
    except* OSError as errors:
        print(f"trio-calls demo: {errors.exceptions[0]}", file=sys.stderr)
    return status


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="trio-calls", description="Programmable phone calls for Trio."
    )
    parser.add_argument("--version", action="version", version=f"trio-calls {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True)
    demo = commands.add_parser(
        "demo",
        help="run the five flows against a simulated exchange",
        description="Run the examples against a simulated exchange on a loopback port, with "
        "virtual phones that talk; print the state flow of each and who heard what, and leave "
        "WAV files of what caller and callee heard. Exit status 1 if a flow did not do what it "
        "promises.",
    )
    demo.add_argument(
        "flows",
        nargs="*",
        metavar="flow",
        type=_story,
        help="which flows to run, all if none is named: "
        + ", ".join(story.name for story in STORIES),
    )
    demo.add_argument(
        "--output",
        type=Path,
        default=Path("demo-output"),
        metavar="FOLDER",
        help="where the WAV files go (default: demo-output)",
    )
    return parser.parse_args(arguments)


def _story(name: str) -> Story:
    for story in STORIES:
        if story.name == name:
            return story
    raise argparse.ArgumentTypeError(
        f"no flow is named {name!r}; there are " + ", ".join(story.name for story in STORIES)
    )
