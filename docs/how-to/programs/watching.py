"""Watching an agent; the page "Watch a worker" shows it."""

import logging

import trio
from opentelemetry import trace

from trio_calls import ActiveCall, ClientConfig, events, open_call_client
from trio_calls.telemetry import CallIdFilter, open_monitor, trace_calls

tracer = trace.get_tracer("my_agent")


async def handle_call(call: ActiveCall) -> None:
    await call.answer()
    with tracer.start_as_current_span("look up the caller"):
        await trio.sleep(0.2)  # your agent asks a database
    logging.info("found")
    await call.close()


async def serve(config: ClientConfig, address: str) -> None:
    async with (
        open_call_client(config) as client,
        open_monitor(client, address) as monitor,
    ):
        logging.info("watch me on %s/metrics", monitor.url)
        with trace_calls(client):
            client.on(events.INCOMING_CALL)(handle_call)
            await client.run_forever()


def set_up_logging() -> logging.Handler:
    handler = logging.StreamHandler()
    handler.addFilter(CallIdFilter())
    handler.setFormatter(logging.Formatter("%(levelname)s [%(call_id)s] %(message)s"))
    logging.getLogger().addHandler(handler)
    return handler


if __name__ == "__main__":
    set_up_logging()
    trio.run(serve, ClientConfig.from_env(), "127.0.0.1:9090")
