"""``trio-calls dispatch``, and the worker's side of it, ``trio-calls run --from-redis``."""

from __future__ import annotations

import inspect
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Final

import attrs
import click
import trio

from trio_calls import events
from trio_calls._quoting import Secret
from trio_calls.call.active_call import ActiveCall
from trio_calls.call.scope import CallHandler
from trio_calls.cli import values
from trio_calls.cli.call_log import logging_calls
from trio_calls.cli.find_handler import find_handler
from trio_calls.cli.outcome import TERMINATED, Failure, run_trio, sentence_of
from trio_calls.cli.signals import status_after
from trio_calls.client.client import CallClient, open_call_client
from trio_calls.concurrency.error_groups import plain_single_error
from trio_calls.config import ClientConfig
from trio_calls.errors import WSSConfigError, WSSConnectionError, WSSFleetError
from trio_calls.fleet import Dispatcher, new_dispatch_key, open_dispatcher, serve_from_redis
from trio_calls.fleet._dispatch_store import DEFAULT_QUEUE, check_queue

#: Where Redis is, where no option says it.
REDIS_VARIABLE: Final = "WSS_REDIS_URL"
KEY_VARIABLE: Final = "WSS_DISPATCH_KEY"

_MENDABLE: Final = (WSSConfigError, WSSConnectionError, WSSFleetError)

_EXAMPLE: Final = f"""\b
Examples:
  export {KEY_VARIABLE}=$(trio-calls dispatch --new-key)
  export {REDIS_VARIABLE}=redis://:PASSWORD@redis.internal:6379/0
  trio-calls dispatch                                     one process, with the connection
  trio-calls run my_agent.py --from-redis {REDIS_VARIABLE}    each of the workers
  trio-calls dispatch my_company.py:choose_queue          by caller, for instance
  trio-calls run sales.py --from-redis {REDIS_VARIABLE} --queue sales
"""


def queue_name(text: str) -> str:
    """Check the name of a queue."""
    try:
        return check_queue(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def dispatch_keys() -> list[str]:
    """Return the keys of the environment, the one first that encrypts.

    Raises:
      Failure: there is none.
    """
    keys = [Secret(key) for key in os.environ.get(KEY_VARIABLE, "").replace(",", " ").split()]
    if not keys:
        raise Failure(
            f"{KEY_VARIABLE} is not set: `trio-calls dispatch --new-key` prints a new key"
        )
    return list(keys)


@click.command(epilog=_EXAMPLE)
@click.argument("target", required=False)
@click.option(
    "--redis",
    envvar=REDIS_VARIABLE,
    metavar="URL",
    help=f"Where Redis is. {REDIS_VARIABLE} says it, too, and shows no password to other users.",
)
@click.option(
    "--ring-seconds",
    type=values.seconds,
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="In what time a worker is to open a call. Then it is declined.",
)
@click.option("--new-key", is_flag=True, help="Print a new key, and do nothing else.")
@click.pass_context
def dispatch(
    context: click.Context,
    /,
    target: str | None,
    *,
    redis: str | None,
    ring_seconds: float,
    new_key: bool,
) -> None:
    """Claim calls, and pass them on to workers through Redis, until Control-C.

    For an exchange that allows one connection where many workers are to talk. These are `trio-calls
    run --from-redis`: they have the same settings, and no control connection.

    TARGET is file.py:function or package.module:function. That function is given each ActiveCall,
    and returns the name of a queue; without one all calls are in the queue `calls`. It may be
    async. If it fails, the call is declined.

    What is in Redis is encrypted with the first key of WSS_DISPATCH_KEY; workers need the same one.
    To change it, give the workers both, and then the dispatcher the new one: keys are separated by
    spaces or commas. The settings of the exchange are those of `trio-calls run`.

    A call that cannot be put into Redis within 3 s is declined, and so is one that no worker has
    opened in time: the caller hears it at once. SIGTERM ends the program when the workers have
    opened what they were passed; a second signal ends it now, and so does Control-C. What was not
    opened then is offered again by the exchange, to whoever is connected; on the second wire, which
    offers nothing again, workers may still open it, and nobody declines it. It needs the extra
    `fleet`.
    """
    try:
        if new_key:
            click.echo(str(new_dispatch_key()))
            return
        if redis is None:
            raise click.UsageError(f"where is Redis? Set {REDIS_VARIABLE}, or use --redis")
        _begin_log()
        choose = _find_choice(target)
        main = _DispatchProgram(choose, Secret(redis), ring_seconds, dispatch_keys()).run
        context.exit(run_trio(main, mendable=(*_MENDABLE, ValueError)))
    except ModuleNotFoundError as error:
        raise Failure(str(error)) from None


def _begin_log() -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)-7s %(message)s")
    # It logs each attempt that fails, with a traceback; that Redis is gone is said once by us.
    logging.getLogger("coredis").setLevel(logging.CRITICAL)


def _find_choice(target: str | None) -> CallHandler | None:
    if target is not None and ":" not in target:
        raise click.UsageError(f"which function of {target} chooses the queue? {target}:FUNCTION")
    return None if target is None else find_handler(target)


class _DispatchProgram:
    """Passes calls on until a signal ends it."""

    def __init__(
        self, choose: CallHandler | None, url: str, ring_seconds: float, keys: list[str]
    ) -> None:
        self._choose = choose
        self._url = url
        self._ring_seconds = ring_seconds
        self._keys = keys

    async def run(self) -> int:
        """Pass calls on. Returns the exit status."""
        config = ClientConfig.from_env()
        async with (
            open_dispatcher(
                config, self._url, self._keys, ring_seconds=self._ring_seconds
            ) as dispatcher,
            open_call_client(config) as client,
        ):

            async def pass_on(call: ActiveCall) -> None:
                await dispatcher.dispatch(call, await self._queue_of(call))

            client.on(events.INCOMING_CALL)(pass_on)
            click.echo(f"passing on the calls of {config.base_url}, until Control-C")
            with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                return await _wait_end(signals, client, dispatcher)

    async def _queue_of(self, call: ActiveCall) -> str:
        if self._choose is None:
            return DEFAULT_QUEUE
        chosen = self._choose(call)
        # What it returns is checked where it is used.
        return await chosen if inspect.isawaitable(chosen) else chosen  # type: ignore[return-value]


async def _wait_end(signals: AsyncIterator[int], client: CallClient, dispatcher: Dispatcher) -> int:
    number = await anext(signals)
    if number != signal.SIGTERM:
        return status_after(number, if_terminated=TERMINATED)
    click.echo(f"terminating: no new calls; {dispatcher.waiting} wait for workers")
    status = 0
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def drain() -> None:
            await client.drain()
            await dispatcher.drain()
            click.echo("all calls are passed on")
            nursery.cancel_scope.cancel()

        status = status_after(await anext(signals), if_terminated=TERMINATED)
        nursery.cancel_scope.cancel()
    return status


def run_from_redis(
    run_main: Callable[..., int], target: str, drain_seconds: float, url: str, queue: str
) -> int:
    """Serve what dispatchers have put into Redis, as ``trio-calls run`` serves offers.

    Returns:
      The exit status.

    Raises:
      Failure: the settings, or Redis.
    """
    _begin_log()
    address, keys, handler = _address_of(url), dispatch_keys(), find_handler(target)
    main = _serve_from_redis
    try:
        return run_main(main, handler, drain_seconds, address, keys, queue, mendable=_MENDABLE)
    except ModuleNotFoundError as error:
        raise Failure(sentence_of(error)) from None


def _address_of(url: str) -> Secret:
    """Return where Redis is, which a variable may say."""
    if not url.isidentifier():
        return Secret(url)
    if not os.environ.get(url):
        raise Failure(f"{url} is not set: it is to say where Redis is")
    return Secret(os.environ[url])


async def _serve_from_redis(
    handler: CallHandler, drain_seconds: float, url: str, keys: list[str], queue: str
) -> int:
    config = attrs.evolve(ClientConfig.from_env(), drain_seconds=drain_seconds)
    serve = partial(serve_from_redis, logging_calls(handler), config, url, keys, queue=queue)
    with plain_single_error():
        async with trio.open_nursery() as nursery:
            # With SIGTERM it drains by itself.
            await nursery.start(serve)
            click.echo(f"serving the calls of the queue {queue}, until Control-C")
    return 0
