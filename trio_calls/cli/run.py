"""``trio-calls run``: serves calls with a handler from a file or a module."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, Final

import attrs
import click
import trio

from trio_calls import events
from trio_calls.cli import values
from trio_calls.cli.call_log import logging_calls
from trio_calls.cli.conversation import ConversationCommand
from trio_calls.cli.directory import require_fleet, tell_fleet
from trio_calls.cli.dispatch import queue_name, run_from_redis
from trio_calls.cli.exchange_options import (
    sample_rate_option,
    settings_of_simulation,
    wire_option,
)
from trio_calls.cli.find_handler import Handlers, find_handler, find_handlers
from trio_calls.cli.monitoring import (
    MonitorSettings,
    monitor_client,
    report_client,
    require_monitor,
    trace_client,
)
from trio_calls.cli.outcome import TERMINATED, Failure, run_trio
from trio_calls.cli.people import people_of, people_options, refuse_people
from trio_calls.cli.rehearsal import rehearse
from trio_calls.cli.signals import status_after
from trio_calls.cli.task_view import require_task_view, showing_tasks
from trio_calls.cli.worker_channel import open_worker_end
from trio_calls.cli.workers import REFUSED, supervise
from trio_calls.client.client import CallClient, open_call_client
from trio_calls.config import ClientConfig
from trio_calls.errors import WSSConfigError, WSSConnectionError, WSSFleetError
from trio_calls.fleet._dispatch_store import DEFAULT_QUEUE

_MENDABLE: Final = (WSSConfigError, WSSConnectionError, WSSFleetError)

_EXAMPLE: Final = """\b
Examples:
  trio-calls run examples/front_desk.py
  trio-calls run examples/front_desk.py --simulate
  trio-calls run my_agent.py --simulate --say hello.wav --then 3s more.wav --record heard.wav
  trio-calls run my_company.agents:front_desk --drain-seconds 120 --workers 4
  trio-calls run my_agent.py --show-tasks       and, elsewhere: kill -USR1 ITS_PROCESS
  trio-calls run my_agent.py --workers 4 --monitor 127.0.0.1:9090
"""


@click.command(cls=ConversationCommand, epilog=_EXAMPLE)
@click.argument("target")
@click.option(
    "--simulate",
    is_flag=True,
    help="Against a simulated exchange inside this process, which a virtual caller rings once.",
)
@people_options
@click.option(
    "--drain-seconds",
    type=values.seconds,
    default=attrs.fields(ClientConfig).drain_seconds.default,
    show_default=True,
    metavar="SECONDS",
    help="How long calls in progress may go on after SIGTERM.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="NUMBER",
    help="Serve in so many processes, to use more cores. One that dies is replaced.",
)
@click.option(
    "--show-tasks",
    is_flag=True,
    help="Print the tree of tasks whenever the process gets SIGUSR1, and go on.",
)
@sample_rate_option("Of all audio, in Hz, in place of WSS_SAMPLE_RATE; with --simulate, too.")
@wire_option(
    "Which generation of the exchange is spoken, in place of WSS_WIRE; with --simulate, too.  "
    "[default: first]"
)
@click.option(
    "--monitor",
    type=values.host_and_port,
    metavar="HOST:PORT",
    help="Serve metrics for Prometheus, health and a list of the calls there, of all workers.",
)
@click.option(
    "--fleet",
    metavar="URL",
    help="Tell the Redis there of the calls, for `trio-calls fleet`. WSS_REDIS_URL does it, too, "
    "and shows no password to other users.",
)
@click.option(
    "--show-numbers",
    is_flag=True,
    help="With --monitor or a fleet: leave telephone numbers in the list of the calls.",
)
@click.option(
    "--from-redis",
    metavar="URL",
    help="Take calls that `trio-calls dispatch` puts into Redis, with no connection of its own. "
    "The name of a variable that has the URL shows no password to other users.",
)
@click.option(
    "--queue",
    type=queue_name,
    metavar="NAME",
    help="With --from-redis: which calls.  [default: calls]",
)
@click.option("--as-worker", type=(int, int), hidden=True, metavar="NUMBER DESCRIPTOR")
@click.option("--reports", is_flag=True, hidden=True)
@click.pass_context
def run(
    context: click.Context,
    /,
    target: str,
    *,
    simulate: bool,
    drain_seconds: float,
    workers: int,
    show_tasks: bool,
    monitor: str | None,
    fleet: str | None,
    show_numbers: bool,
    from_redis: str | None,
    queue: str | None,
    as_worker: tuple[int, int] | None,
    reports: bool,
    **simulated: Any,
) -> None:
    """Serve calls with the handler in TARGET, until Control-C.

    TARGET is file.py, file.py:function, package.module or package.module:function. Without a
    function it is `handle_call`, or else the only async function there that takes an ActiveCall. It
    serves messages, too, with `handle_conversation`, or else the only one that takes a
    Conversation; one of the two is enough.

    The settings come from the environment: WSS_API_KEY and WSS_CONNECTOR_UUID, or WSS_CERT_PATH and
    WSS_KEY_PATH; WSS_BASE_URL, WSS_WIRE, WSS_SAMPLE_RATE and WSS_MAX_CONCURRENT_CALLS. `trio-calls
    check` tells whether they are right.

    With --simulate it needs none of them, and takes WSS_SAMPLE_RATE and WSS_WIRE where they are
    set: somebody calls, says what they want and listens; the callee picks up after 1 s of ringing;
    after 15 s the caller hangs up. What they say is a sentence of the examples, or else what --say,
    --then and --after-silence give, in their order; then the caller hangs up 10 s after the answer,
    or after its last word if that is later. Exit status 0 if the call was answered or connected, 1
    if not, or if the handler failed.

    With --show-tasks, SIGUSR1 makes the process print who runs in which nursery, which scopes are
    cancelled or shielded, and at which line each task waits, and changes nothing. Each of several
    workers prints its own, and so does their supervisor. It takes a millisecond or two for each
    task, in which no call goes on.

    With --workers each process loads TARGET, and has a connection of its own to the exchange. The
    first to claim a call serves it. Limits such as max_concurrent_calls hold for each worker alone.

    With --monitor /metrics, /healthz, /readyz and /calls are served, to whoever reaches them. It
    needs the extra `monitor`.

    With --fleet, or where WSS_REDIS_URL is set, Redis is told which worker has which call, and
    `trio-calls fleet` lists them from any machine. Calls do not depend on it. It needs the extra
    `fleet`.

    With --from-redis, calls come from a dispatcher: see `trio-calls dispatch`. WSS_DISPATCH_KEY is
    the key, or several. It is one process, without --workers, and its calls are shown nowhere:
    neither by --monitor nor in a fleet, even where WSS_REDIS_URL is set. It needs the extra
    `fleet`, too.

    Nothing else is restarted: not the program when the file changes, and not a handler that has
    failed. SIGTERM ends the program when the calls in progress are over; a second signal ends them,
    and so does Control-C. An agent whose handler has returned leaves its conference on SIGTERM.
    """
    prefix = "" if as_worker is None else f"worker {as_worker[0]}: "
    logging.basicConfig(level=logging.INFO, format=f"{prefix}%(levelname)-7s %(message)s")
    run_main: Callable[..., Any] = run_trio
    if show_tasks:
        require_task_view()
        run_main = partial(run_trio, showing_tasks)
    if from_redis is not None or queue is not None:
        watched_by = {"--monitor": monitor, "--fleet": fleet, "--show-numbers": show_numbers}
        _refuse_with_redis(from_redis, simulate, workers, watched_by)
        refuse_people(context, simulated)
        url, queue = from_redis or "", queue or DEFAULT_QUEUE
        context.exit(run_from_redis(run_main, target, drain_seconds, url, queue))
    in_fleet = require_fleet(fleet, simulate=simulate)
    if as_worker is not None:
        settings = _WorkerSettings(prefix, as_worker[1], reports, in_fleet, show_numbers)
        context.exit(_run_worker(run_main, find_handlers(target), drain_seconds, settings))
    watched = _monitor_settings(monitor, show_numbers, simulate, in_fleet)
    people = people_of(context, **simulated) if simulate else None
    if people is None:
        refuse_people(context, simulated)
    if workers > 1:
        _refuse_workers(simulate)
        main = partial(supervise, show_tasks=show_tasks, show_numbers=show_numbers)
        supervised = target, drain_seconds, workers, watched
        context.exit(run_main(main, *supervised, mendable=(OSError, Failure)))
    if people is not None:
        simulated_as = settings_of_simulation()
        rate, wire = simulated_as.sample_rate, simulated_as.wire
        went_well = run_main(rehearse, find_handler(target), rate, people, wire)
        context.exit(0 if went_well else 1)
    handlers = find_handlers(target)
    mendable = (*_MENDABLE, Failure)
    observes: list[_Observe] = [] if watched is None else [partial(monitor_client, watched)]
    if in_fleet:
        observes.append(partial(tell_fleet, prefix, show_numbers))
    context.exit(run_main(_serve, handlers, drain_seconds, observes, mendable=mendable))


def _refuse_with_redis(
    from_redis: str | None, simulate: bool, workers: int, watched_by: Mapping[str, object]
) -> None:
    if from_redis is None:
        raise click.UsageError("--queue goes with --from-redis")
    if simulate:
        raise click.UsageError("--simulate rings by itself: leave --from-redis out")
    if workers > 1:
        raise click.UsageError(
            "--from-redis is one process: leave --workers out, and start it as often as you like"
        )
    for option, value in watched_by.items():
        if value:
            raise click.UsageError(
                f"{option} shows the calls of a connection to the exchange, and --from-redis has "
                f"none: leave {option} out"
            )


def _refuse_workers(simulate: bool) -> None:
    if simulate:
        raise click.UsageError("--simulate rings one worker, once: leave --workers out")
    if sys.platform == "win32":
        raise click.UsageError("--workers needs a system like Linux or macOS")


def _monitor_settings(
    address: str | None, show_numbers: bool, simulate: bool, in_fleet: bool
) -> MonitorSettings | None:
    """Return what is to be served, if that makes sense and can be done."""
    if address is None:
        if show_numbers and not in_fleet:
            raise click.UsageError("--show-numbers goes with --monitor or --fleet")
        return None
    if simulate:
        raise click.UsageError("--simulate rings once, and is over: leave --monitor out")
    require_monitor()
    return MonitorSettings(address, show_numbers)


def _run_worker(
    run_main: Callable[..., int],
    handlers: Handlers,
    drain_seconds: float,
    settings: _WorkerSettings,
) -> int:
    try:
        return run_main(_serve_as_worker, handlers, drain_seconds, settings, mendable=_MENDABLE)
    except Failure as failure:
        cause = failure.__cause__
        is_final = isinstance(cause, WSSConnectionError) and cause.is_final
        if not is_final and not isinstance(cause, WSSConfigError | WSSFleetError):
            raise
        failure.show()
        return REFUSED


async def _serve(handlers: Handlers, drain_seconds: float, observes: Sequence[_Observe]) -> int:
    """Serve until a signal comes.

    Returns:
      The exit status.
    """
    program = _Program(ClientConfig.from_env(), handlers, observes)
    async with trio.open_nursery() as nursery:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            nursery.start_soon(program.serve)
            status = await program.wait_end(signals, drain_seconds)
            nursery.cancel_scope.cancel()
    return status


async def _serve_as_worker(
    handlers: Handlers, drain_seconds: float, settings: _WorkerSettings
) -> int:
    """Serve until the supervisor asks this worker to end, or is gone.

    Returns:
      The exit status.
    """
    config = ClientConfig.from_env()
    async with open_worker_end(settings.descriptor) as channel, trio.open_nursery() as nursery:
        observes: list[_Observe] = []
        if settings.reports:
            observes.append(partial(report_client, channel, settings.show_numbers))
        if settings.in_fleet:
            observes.append(partial(tell_fleet, settings.prefix, settings.show_numbers))
        program = _Program(config, handlers, observes, settings.prefix)
        nursery.start_soon(program.serve)
        nursery.start_soon(channel.report_serving, program.serving)
        status = await program.wait_end(channel.orders, drain_seconds)
        nursery.cancel_scope.cancel()
    return status


_Observe = Callable[[CallClient], AbstractAsyncContextManager[object]]
"""Watches a client for the duration of a block."""


@asynccontextmanager
async def _observed(observes: Sequence[_Observe], client: CallClient) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for observe in observes:
            await stack.enter_async_context(observe(client))
        yield


@attrs.frozen
class _WorkerSettings:
    """What a supervisor has told one of its workers.

    Attributes:
      prefix: of each line that it prints.
      descriptor: of its end of the channel.
      reports: whether it is to report of itself.
      in_fleet: whether it is to tell Redis of its calls.
      show_numbers: leave telephone numbers in.
    """

    prefix: str
    descriptor: int
    reports: bool
    in_fleet: bool
    show_numbers: bool


class _Program:
    """Serves calls until a signal ends it.

    Args:
      config: how to reach the exchange.
      handlers: of the calls and messages.
      observes: are entered while the client is there.
      prefix: of each line that is printed.

    Attributes:
      serving: set once calls can come.
    """

    def __init__(
        self,
        config: ClientConfig,
        handlers: Handlers,
        observes: Sequence[_Observe] = (),
        prefix: str = "",
    ) -> None:
        self.serving = trio.Event()
        self._config = config
        self._handlers = handlers
        self._observes = observes
        self._prefix = prefix
        self._client: CallClient | None = None

    async def serve(self) -> None:
        """Serve until cancelled."""
        async with (
            open_call_client(self._config) as client,
            _observed(self._observes, client),
        ):
            self._client = client
            with trace_client(client):
                if self._handlers.calls is not None:
                    client.on(events.INCOMING_CALL)(logging_calls(self._handlers.calls))
                if self._handlers.messages is not None:
                    client.on(events.INCOMING_MESSAGE)(self._handlers.messages)
                self.serving.set()
                self._say(
                    f"serving the {self._handlers} of {self._config.base_url}, until Control-C"
                )
                await trio.sleep_forever()

    async def wait_end(self, signals: AsyncIterator[int], drain_seconds: float) -> int:
        """Wait for a signal that ends the program, and drain first if it is SIGTERM.

        Args:
          signals: the signals to obey.
          drain_seconds: how long calls in progress may go on after SIGTERM.

        Returns:
          The exit status.
        """
        number = await anext(signals)
        if number != signal.SIGTERM or self._client is None:
            return self._status_after(number)
        return await self._drain(self._client, signals, drain_seconds)

    async def _drain(
        self, client: CallClient, signals: AsyncIterator[int], drain_seconds: float
    ) -> int:
        self._say(
            f"terminating: no new calls; {len(client.calls)} in progress may go on for "
            f"{drain_seconds:g} s"
        )
        status = 0
        with trio.move_on_after(drain_seconds) as patience:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._drain_calls, client, nursery.cancel_scope)
                status = self._status_after(await anext(signals))
                nursery.cancel_scope.cancel()
        if patience.cancelled_caught:
            left = len(client.calls)
            were = "1 call was" if left == 1 else f"{left} calls were"
            self._say(f"{were} not over in time: the agent leaves now")
        return status

    async def _drain_calls(self, client: CallClient, scope: trio.CancelScope) -> None:
        await client.drain()
        self._say("all calls are over")
        scope.cancel()

    def _status_after(self, number: int) -> int:
        return status_after(number, if_terminated=TERMINATED, prefix=self._prefix)

    def _say(self, line: str) -> None:
        # print() would write the end of the line by itself where output is not buffered: other
        # processes, which share it, would come in between.
        click.echo(f"{self._prefix}{line}")
