"""The agent that is measured: ``python -m benchmarks.monitor.agent ws://… PORT``; 0: not watched.

Its spans are made and exported, to nowhere, as those of an application would be.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import trio
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from benchmarks.agents.ours import config_of, echo
from trio_calls import events, open_call_client
from trio_calls.telemetry import open_monitor, trace_calls


class Nowhere(SpanExporter):
    """Writes spans down as JSON, and throws them away."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            span.to_json()
        return SpanExportResult.SUCCESS


async def main(base_url: str, port: int) -> None:
    async with open_call_client(config_of(base_url)) as client:
        if not port:
            client.on(events.INCOMING_CALL)(echo)
            await trio.sleep_forever()
        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(Nowhere()))
        with trace_calls(client, tracer_provider=provider):
            async with open_monitor(client, f"127.0.0.1:{port}"):
                client.on(events.INCOMING_CALL)(echo)
                await trio.sleep_forever()


if __name__ == "__main__":
    trio.run(main, sys.argv[1], int(sys.argv[2]))
