"""A dispatcher, and a worker that takes its calls from Redis."""

import os
import sys

import trio

from trio_calls import ActiveCall, ClientConfig, events, open_call_client
from trio_calls.fleet import open_dispatcher, serve_from_redis

REDIS = os.environ.get("WSS_REDIS_URL", "redis://localhost")
KEY = os.environ.get("WSS_DISPATCH_KEY", "")


async def dispatch(config: ClientConfig) -> None:
    async with (
        open_dispatcher(config, REDIS, KEY, ring_seconds=20) as dispatcher,
        open_call_client(config) as client,
    ):

        @client.on(events.INCOMING_CALL)
        async def pass_on(call: ActiveCall) -> None:
            queue = "withheld" if call.caller_number is None else "calls"
            await dispatcher.dispatch(call, queue)

        await client.run_forever()
        await dispatcher.drain()


async def work(config: ClientConfig) -> None:
    await serve_from_redis(handle_call, config, REDIS, KEY, queue="calls")


async def handle_call(call: ActiveCall) -> None:
    await call.answer()
    await call.wait_disconnected()


if __name__ == "__main__":
    trio.run(work if "--work" in sys.argv else dispatch, ClientConfig.from_env())
