"""Recording what calls do with OpenTelemetry."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from trio_calls.client.client import CallClient

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider


def has_opentelemetry() -> bool:
    """Return whether the extra ``trio-calls[traces]`` is installed."""
    # Packages of others are found in `opentelemetry`, too, where this one is not.
    return (
        importlib.util.find_spec("opentelemetry") is not None
        and importlib.util.find_spec("opentelemetry.trace") is not None
    )


@contextmanager
def trace_calls(
    client: CallClient,
    *,
    tracer_provider: TracerProvider | None = None,
    show_numbers: bool = False,
) -> Iterator[None]:
    """Record a span for each call that begins in the block, with OpenTelemetry.

    ::

        async with open_call_client(config) as client:
            with trace_calls(client):
                client.on(events.INCOMING_CALL)(handle_call)
                await client.run_forever()

    A call is a trace. Its commands are spans of their own, and so are the turns that a voice
    measures. Spans that the handler records, and what it starts in nurseries and Trio's threads,
    and the handlers of the call's events, are children of the call's.

    Names are OpenTelemetry's where its semantic conventions have some, and begin with
    ``trio_calls.`` otherwise. What was said, and what the exchange has written into an error, is
    in no span.

    Args:
      client: whose calls they are.
      tracer_provider: where the spans go; None: to the global one, which the application has set.
      show_numbers: give the spans the telephone numbers of caller and callee.

    Raises:
      ModuleNotFoundError: the extra ``trio-calls[traces]`` is not installed.

    Leaving the block: spans of calls in progress go on until their calls are over.
    """
    if not has_opentelemetry():
        raise ModuleNotFoundError(
            "traces need opentelemetry-api, which is not installed: "
            "install the extra 'traces' of trio-calls"
        )
    from trio_calls.telemetry._spans import CallTracing  # noqa: PLC0415  # needs the extra

    tracing = CallTracing(client, tracer_provider, show_numbers=show_numbers)
    try:
        yield
    finally:
        tracing.stop()
