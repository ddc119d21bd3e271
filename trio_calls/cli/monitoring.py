"""``trio-calls run --monitor``: what is served, and what a worker tells its supervisor."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    nullcontext,
)
from typing import Final

import attrs
import click
import trio

from trio_calls.cli.outcome import Failure, sentence_of
from trio_calls.cli.worker_channel import WorkerEnd
from trio_calls.cli.worker_reports import WorkerReports
from trio_calls.client.client import CallClient
from trio_calls.telemetry import Monitor, open_monitor, trace_calls
from trio_calls.telemetry._monitor import require_extra, serve_reports
from trio_calls.telemetry._tracing import has_opentelemetry
from trio_calls.telemetry._watch import open_watch

#: How long the last report of a worker may take to be sent.
LAST_REPORT_SECONDS: Final = 1.0


@attrs.frozen
class MonitorSettings:
    """What was asked for on the command line.

    Attributes:
      address: host and port to serve on.
      show_numbers: leave telephone numbers in.
    """

    address: str
    show_numbers: bool = False


def require_monitor() -> None:
    """Raise `Failure` unless the extra is installed."""
    try:
        require_extra()
    except ModuleNotFoundError as error:
        raise Failure(str(error)) from None


def trace_client(client: CallClient) -> AbstractContextManager[None]:
    """Trace the calls of a client where OpenTelemetry is installed. Who sets it up sees them."""
    return trace_calls(client) if has_opentelemetry() else nullcontext()


@asynccontextmanager
async def monitor_client(settings: MonitorSettings, client: CallClient) -> AsyncIterator[None]:
    """Serve what there is to see of a client for the duration of the block, and say where.

    Raises:
      Failure: the port cannot be served on.
    """
    opening = open_monitor(client, settings.address, show_numbers=settings.show_numbers)
    async with _introduced(opening, settings.address):
        yield


@asynccontextmanager
async def report_client(
    channel: WorkerEnd, show_numbers: bool, client: CallClient
) -> AsyncIterator[None]:
    """Report of a client to the supervisor for the duration of the block, and once at its end.

    Cancellation: the last report is sent all the same, within `LAST_REPORT_SECONDS`.
    """
    async with open_watch(client, show_numbers=show_numbers) as watch:

        def make_report(with_calls: bool) -> bytes:
            return watch.report_now(with_calls=with_calls).to_line()

        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(channel.answer, make_report)
                yield
                nursery.cancel_scope.cancel()
        finally:
            with trio.move_on_after(LAST_REPORT_SECONDS, shield=True):
                # One before it may have ended in the middle of its line.
                await channel.send(b"\n" + make_report(False))


@asynccontextmanager
async def monitor_workers(
    settings: MonitorSettings | None,
) -> AsyncIterator[WorkerReports | None]:
    """Serve what workers report for the duration of the block, and say where.

    Args:
      settings: what was asked for; None for nothing.

    Returns:
      What the workers are to report to; None if nobody is to look.

    Raises:
      Failure: the port cannot be served on.
    """
    if settings is None:
        yield None
        return
    reports = WorkerReports()
    serving = serve_reports(reports, settings.address)
    async with _introduced(serving, settings.address), trio.open_nursery() as nursery:
        nursery.start_soon(reports.keep_asking)
        yield reports
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def _introduced(
    opening: AbstractAsyncContextManager[Monitor], address: str
) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        try:
            monitor = await stack.enter_async_context(opening)
        except OSError as error:
            raise Failure(f"cannot serve the monitor on {address}: {sentence_of(error)}") from None
        click.echo(f"metrics are on {monitor.url}/metrics")
        yield
