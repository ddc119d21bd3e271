"""A worker that tells a fleet of its calls, and somebody who looks after all of them."""

from __future__ import annotations

from contextlib import suppress

from trio_calls import ActiveCall, ClientConfig, events, open_call_client
from trio_calls.fleet import Fleet, NoSuchCallError, open_directory


async def handle_call(call: ActiveCall) -> None:
    await call.answer()
    await call.wait_disconnected()


async def serve(config: ClientConfig, redis_url: str) -> None:
    async with (
        open_call_client(config) as client,
        open_directory(client, redis_url) as directory,
    ):
        print("in the fleet this is", directory.worker_id)
        client.on(events.INCOMING_CALL)(handle_call)
        await client.run_forever()


async def close_long_calls(redis_url: str, longest_seconds: float) -> None:
    fleet = Fleet(redis_url)
    for call in (await fleet.view()).calls:
        if call.seconds > longest_seconds:
            # It may have ended just now.
            with suppress(NoSuchCallError):
                await fleet.close(call.call_id)
