"""Record what takes how long in a call, with OpenTelemetry.

    PENDING → ANSWERED → DISCONNECTED

A call is a trace. What its handler does is below it, wherever it was started: in the handler, in a
nursery, in a thread.

It needs `pip install '.[traces]' opentelemetry-sdk`. Run it from the top of the checkout, with the
settings of an exchange in the environment (WSS_API_KEY, WSS_CONNECTOR_UUID): `python -m
examples.recipes.traces`. It prints the spans; put an exporter to your collector in its place.
"""

from functools import partial
from pathlib import Path

import trio
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SpanExporter,
)
from opentelemetry.trace import Tracer

from trio_calls import ActiveCall, ClientConfig, events, open_call_client
from trio_calls.telemetry import trace_calls
from trio_calls.voice import open_voice

SPEECH = Path(__file__).parents[1] / "speech"


async def handle_call(tracer: Tracer, call: ActiveCall) -> None:
    await call.answer()
    async with open_voice(call) as voice:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(voice.say, SPEECH / "please_hold.wav")
            nursery.start_soon(look_up, tracer)
        with tracer.start_as_current_span("say goodbye"):
            await voice.say(SPEECH / "goodbye.wav")
    await call.disconnect()


async def look_up(tracer: Tracer) -> None:
    with tracer.start_as_current_span("look up") as span:
        await trio.sleep(0.5)  # your agent asks a database
        span.set_attribute("my_company.found", True)


def open_tracing(exporter: SpanExporter) -> TracerProvider:
    """Send spans somewhere, from a thread of their own. Shut it down in the end: that sends all."""
    provider = TracerProvider(resource=Resource.create({"service.name": "front-desk"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


async def serve(config: ClientConfig, provider: TracerProvider) -> None:
    tracer = provider.get_tracer("my_company.front_desk")
    async with open_call_client(config) as client:
        with trace_calls(client, tracer_provider=provider):
            client.on(events.INCOMING_CALL)(partial(handle_call, tracer))
            await client.run_forever()


if __name__ == "__main__":
    tracing = open_tracing(ConsoleSpanExporter())
    try:
        trio.run(serve, ClientConfig.from_env(), tracing)
    finally:
        tracing.shutdown()
