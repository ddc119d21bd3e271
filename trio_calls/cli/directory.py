"""``trio-calls run --fleet``: telling Redis of the calls."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import click

from trio_calls.cli.fleet import REDIS_VARIABLE
from trio_calls.cli.outcome import Failure, sentence_of
from trio_calls.client.client import CallClient
from trio_calls.errors import WSSConfigError
from trio_calls.fleet import open_directory
from trio_calls.fleet._connection import check_address, concealed, require_extra


def require_fleet(url: str | None, *, simulate: bool) -> bool:
    """Return whether there is a fleet, and remember where its Redis is: workers inherit that.

    Args:
      url: what the option says; None for nothing.
      simulate: whether somebody rings once, of which no fleet is told.

    Raises:
      click.UsageError: that does not go together.
      Failure: the address is none, or the extra is not installed.
    """
    if url is not None:
        if simulate:
            raise click.UsageError("--simulate rings once, and is over: leave --fleet out")
        os.environ[REDIS_VARIABLE] = url
    if simulate or not os.environ.get(REDIS_VARIABLE):
        return False
    try:
        require_extra()
        check_address(concealed(os.environ[REDIS_VARIABLE]))
    except (WSSConfigError, ModuleNotFoundError) as error:
        raise Failure(sentence_of(error)) from None
    # It reports each connection that fails, with a traceback; the directory says it in a line.
    logging.getLogger("coredis").setLevel(logging.CRITICAL)
    return True


@asynccontextmanager
async def tell_fleet(prefix: str, show_numbers: bool, client: CallClient) -> AsyncIterator[None]:
    """Tell Redis of the calls for the duration of the block, and say under which name.

    Args:
      prefix: of each line that is printed.
      show_numbers: tell telephone numbers, too.
      client: whose calls they are.

    Raises:
      FleetPasswordError: Redis does not accept the password.
    """
    url = os.environ[REDIS_VARIABLE]
    drain = partial(signal.raise_signal, signal.SIGTERM)
    async with open_directory(client, url, show_numbers=show_numbers, on_drain=drain) as directory:
        click.echo(f"{prefix}in the fleet this is {directory.worker_id}")
        yield
