"""Private: the command ``trio-calls``: its arguments, what it prints, and its worker processes.

Nothing that an application could use lives here. The command needs the extra ``trio-calls[cli]``;
this module imports nothing of it, so that whoever lacks it is told what to install.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from typing import Final

from trio_calls._plain_text import print_anywhere

_EXTRA: Final = ("click", "rich", "soxr")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
      arguments: in place of those on the command line.

    Returns:
      The exit status: 0 if everything went as asked, 1 if not, 2 if the arguments make no sense,
      130 if it was interrupted, 143 if it was terminated before it was done.
    """
    if any(importlib.util.find_spec(name) is None for name in _EXTRA):
        print(
            "the command needs more than the SDK: install the extra 'cli' of trio-calls",
            file=sys.stderr,
        )
        return 1
    print_anywhere()
    from trio_calls.cli.group import run_command  # noqa: PLC0415  # needs the extra

    return run_command(arguments)
