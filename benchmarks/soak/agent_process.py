"""The process of the agent under test.

It reports calls by lines of JSON on standard output, ``{"begun": 7}`` and ``{"over": {…}}``, and
answers each line of standard input with ``{"answer": …}``. Its settings are in the environment.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import trio

from benchmarks.resident import bytes_in_use
from benchmarks.soak.flows import Agent
from benchmarks.soak.records import Record
from trio_calls import CallClient, ClientConfig, serve_calls


def _say(**line: Any) -> None:
    print(json.dumps(line), flush=True)


class _Pipe:
    def call_begun(self, call_number: int) -> None:
        _say(begun=call_number)

    def call_over(self, record: Record) -> None:
        _say(over=record.to_json())


async def _measure(client: CallClient) -> dict[str, int]:
    while client.calls:  # noqa: ASYNC110  # nothing else tells when a scope is closed
        await trio.sleep(0.01)
    tasks = trio.lowlevel.current_statistics().tasks_living
    return {"tasks": tasks, "resident_bytes": bytes_in_use()}


async def main() -> None:
    async with trio.open_nursery() as nursery:
        agent = Agent(_Pipe())
        client: CallClient = await nursery.start(
            serve_calls, agent.handle_call, ClientConfig.from_env()
        )
        words = trio.wrap_file(sys.stdin)
        while word := await words.readline():
            _say(answer=await _measure(client) if word == "measure\n" else None)
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    # What the simulator's faults do to the client is not worth a line each; crashes are reported.
    logging.disable(logging.CRITICAL)
    trio.run(main)
