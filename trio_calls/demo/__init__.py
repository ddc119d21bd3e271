"""Private: the five flows, told with virtual phones: what ``trio-calls demo`` runs.

A story has the people who call, and what must come of it. The agents that they call do not live
here: they are the scripts in ``examples/``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import trio

from trio_calls._plain_text import print_anywhere
from trio_calls.concurrency.error_groups import plain_program_end
from trio_calls.demo.runner import run_demo
from trio_calls.demo.settings import chosen_wire
from trio_calls.demo.stories import STORIES, Story

#: The exit status of a program that Control-C has ended, as shells have it.
_INTERRUPTED: Final = 130

__all__ = ["STORIES", "Story", "chosen_wire", "run_demo", "simulate"]


def simulate(example: str) -> None:
    """Run one example against the simulator, report what happened, and exit the program.

    ``--wire second`` on the command line, or ``WSS_WIRE``, chooses the wire.

    Args:
      example: the path of a script in ``examples/``, usually its own ``__file__``.

    Raises:
      SystemExit: with status 0 if the flow did what it promises, 130 after Control-C, 1 otherwise.
    """
    print_anywhere()
    wire = chosen_wire()
    story = next(story for story in STORIES if story.name == Path(example).stem)
    output = Path("demo-output")
    try:
        output.mkdir(exist_ok=True)
    except OSError as error:
        sys.exit(f"cannot write into {output}: {error.strerror or error}")
    try:
        with plain_program_end():
            went_well = trio.run(run_demo, [story], output, wire)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        sys.exit(_INTERRUPTED)
    sys.exit(0 if went_well else 1)
