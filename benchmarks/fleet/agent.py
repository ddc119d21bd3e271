"""The agent that is measured: ``python -m benchmarks.fleet.agent ws://… redis://…``.

With an empty address for Redis it is in no fleet.
"""

from __future__ import annotations

import logging
import sys

import trio

from benchmarks.agents.ours import config_of, echo
from trio_calls import events, open_call_client
from trio_calls.fleet import open_directory


async def main(base_url: str, redis_url: str) -> None:
    logging.getLogger("coredis").setLevel(logging.CRITICAL)
    async with open_call_client(config_of(base_url)) as client:
        client.on(events.INCOMING_CALL)(echo)
        if not redis_url:
            await trio.sleep_forever()
        async with open_directory(client, redis_url):
            await trio.sleep_forever()


if __name__ == "__main__":
    trio.run(main, sys.argv[1], sys.argv[2])
