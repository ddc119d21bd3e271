"""An agent as a whole program."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Final

import trio

from trio_calls.call.scope import CallHandler
from trio_calls.client.client import serve_calls
from trio_calls.config import ClientConfig

#: The exit status of a program that Control-C has ended, as shells have it.
_INTERRUPTED: Final = 130


def run(handler: CallHandler, config: ClientConfig | None = None) -> None:
    """Serve calls as a whole program: `trio.run` of `serve_calls`, which ends as programs do.

    ::

        if __name__ == "__main__":
            trio_calls.run(handle_call)

    SIGTERM drains, as `CallClient.run_forever` says, and then this returns. Control-C leaves every
    call in good order, says so in one line on standard error, and exits with status 130. What a
    handler exits with, as by ``sys.exit(3)``, is the program's status, after every call was left.

    Args:
      handler: called with each `ActiveCall`, in the call's own scope. Plain or asynchronous.
      config: how to reach the exchange; None for `ClientConfig.from_env`.

    Raises:
      SystemExit: Control-C was pressed, or a handler exits.
      WSSConnectionError, WSSConfigError: as `serve_calls`.
    """
    if config is None:
        config = ClientConfig.from_env()
    try:
        trio.run(serve_calls, handler, config)
    except KeyboardInterrupt:
        # Whoever reads it may be gone.
        with suppress(OSError, ValueError):
            print("interrupted: every call was left", file=sys.stderr)
        raise SystemExit(_INTERRUPTED) from None
