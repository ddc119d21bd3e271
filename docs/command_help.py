"""Writes the page on the commands: what `trio-calls COMMAND --help` prints.

`python docs/command_help.py` brings it up to date, and a test says when it is not.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import Final

import click

CHECKOUT: Final = Path(__file__).resolve().parent.parent
# Run as a script, this describes the checkout that it is in, installed or not.
sys.path.insert(0, str(CHECKOUT))

from trio_calls.cli.group import trio_calls  # noqa: E402

PAGE: Final = CHECKOUT / "docs" / "reference" / "commands.rst"

#: Fits the column of the documentation.
_WIDTH: Final = 90

_HEAD: Final = """\
.. made by docs/command_help.py, do not edit

The commands
============

The extra ``trio-calls[cli]`` brings the command ``trio-calls``. What it is good for, and which exit
status means what, is in :doc:`/how-to/ring-your-agent`.
"""


def help_of(name: str) -> str:
    """Return what a command prints about itself."""
    command: click.Command = trio_calls
    context = click.Context(trio_calls, info_name="trio-calls")
    for word in name.split():
        assert isinstance(command, click.Group)
        command = command.commands[word]
        context = click.Context(
            command, context, word, terminal_width=_WIDTH, help_option_names=["-h", "--help"]
        )
    with context:
        return command.get_help(context)


def names() -> Iterator[str]:
    """Name all commands, and those that are commands of another."""
    for name, command in trio_calls.commands.items():
        yield name
        if isinstance(command, click.Group):
            yield from (f"{name} {inner}" for inner in command.commands)


def page() -> str:
    """Return the page, with a section for each command."""
    return "\n\n".join(_sections()) + "\n"


def _sections() -> Iterator[str]:
    yield _HEAD.rstrip()
    for name in names():
        title = f"trio-calls {name}"
        yield (
            f"{title}\n{'-' * len(title)}\n\n.. code-block:: text\n\n"
            + indent(help_of(name).rstrip(), "   ")
        )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
