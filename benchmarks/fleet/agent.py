"""The agent that is measured: ``python -m benchmarks.fleet.agent ws://… redis://…``.

With an empty address for Redis it is in no fleet.
"""

from __future__ import annotations

import logging
import sys

import trio

from benchmarks.agents.ours import echo
from benchmarks.agents.settings import API_KEY, CONNECTOR_UUID, SAMPLE_RATE
from trio_calls import ClientConfig, events, open_call_client
from trio_calls.fleet import open_directory


async def main(base_url: str, redis_url: str) -> None:
    config = ClientConfig.sandbox(
        api_key=API_KEY,
        connector_uuid=CONNECTOR_UUID,
        sample_rate=SAMPLE_RATE,
        base_url=base_url,
        transport="websockets",
    )
    logging.getLogger("coredis").setLevel(logging.CRITICAL)
    async with open_call_client(config) as client:
        client.on(events.INCOMING_CALL)(echo)
        if not redis_url:
            await trio.sleep_forever()
        async with open_directory(client, redis_url):
            await trio.sleep_forever()


if __name__ == "__main__":
    trio.run(main, sys.argv[1], sys.argv[2])
