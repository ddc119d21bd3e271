"""What conversations in writing cost: processor time, latency and memory, and whether any is lost.

    python -m benchmarks.messages.run

The client and its handlers run in this process, the exchange in another. Each message is answered
by the handler of its conversation. Exit status 1 if a promise is not kept.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import psutil
import trio

from benchmarks.exchange_process import ExchangeProcess, open_exchange_process
from benchmarks.resident import bytes_in_use
from trio_calls import events, open_call_client
from trio_calls.errors import WSSConnectionError, WSSMessageInDoubtError
from trio_calls.sessions import Conversation

MB: Final = 10**6

#: What is promised: a thousand messages a second, answered within 50 ms, and none lost over ten
#: cuts; ten thousand conversations in 120 MB.
PER_SECOND: Final = 1000
P99_SECONDS: Final = 0.05
CUTS: Final = 10
OPEN_SESSIONS: Final = 10_000
OPEN_BYTES: Final = 120 * MB
#: And half of what a message costs the official client, at the most.
MAX_PART_OF_OFFICIAL: Final = 0.5
SLOWLY_PER_SECOND: Final = 100


async def answer(conversation: Conversation) -> None:
    async for message in conversation:
        # What was lost with a connection is written again on the next.
        with suppress(WSSConnectionError, WSSMessageInDoubtError):
            await conversation.send(api_version="v23.0", data=message.content)


class Exchange(ExchangeProcess):
    """The other process."""

    async def open(self, sessions: int, **order: Any) -> None:
        """Have so many sessions open, and an order ready."""
        await self.order({"sessions": sessions, **order})
        assert await self.answer() == "open"

    async def write(self) -> dict[str, float]:
        """Have the messages of the order written. Returns what came of them."""
        await self.order("go")
        figures: dict[str, float] = await self.answer()
        return figures


open_exchange = partial(open_exchange_process, Exchange, Path(__file__).with_name("exchange.py"))


def cpu_seconds(pid: int | None = None) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


async def measure(exchange: Exchange, seconds: float, sessions: int) -> bool:
    """Measure all three, one after the other. Returns whether the promises are kept."""
    messages = int(PER_SECOND * seconds)
    await exchange.open(sessions, messages=messages, per_second=PER_SECOND, cuts=0)
    before, began = cpu_seconds(), trio.current_time()
    plain = await exchange.write()
    core = (cpu_seconds() - before) / (trio.current_time() - began)
    print(
        f"{PER_SECOND} messages a second: {100 * core:.0f} % of a core, "
        f"p50 {1000 * plain['p50']:.1f} ms, p99 {1000 * plain['p99']:.1f} ms, {plain['lost']} lost"
    )
    await exchange.open(sessions, messages=messages, per_second=PER_SECOND, cuts=CUTS)
    cut = await exchange.write()
    print(f"the same with {CUTS} cuts: p99 {1000 * cut['p99']:.0f} ms, {cut['lost']} lost")
    await exchange.open(OPEN_SESSIONS, messages=1, per_second=1, cuts=0)
    used = bytes_in_use()
    print(f"{OPEN_SESSIONS} conversations open: {used / MB:.0f} MB in all")
    await exchange.write()
    is_quick = plain["p99"] < P99_SECONDS and core < 1
    return is_quick and not plain["lost"] and not cut["lost"] and used < OPEN_BYTES


async def cost_of_official(seconds: float, sessions: int) -> float:
    """Measure what a message costs the official client, in seconds of processor time."""
    async with open_exchange() as exchange, trio.open_nursery() as nursery:
        url = f"ws://127.0.0.1:{exchange.port}"
        command = [sys.executable, "-m", "benchmarks.messages.official", url]
        process: trio.Process = await nursery.start(trio.run_process, command)
        cost = await cost_of_a_message(exchange, seconds, sessions, process.pid)
        nursery.cancel_scope.cancel()
    return cost


async def cost_of_a_message(
    exchange: Exchange, seconds: float, sessions: int, pid: int | None = None
) -> float:
    """Measure what a message costs a client at a rate that both can keep."""
    messages = int(SLOWLY_PER_SECOND * seconds)
    await exchange.open(sessions, messages=messages, per_second=SLOWLY_PER_SECOND, cuts=0)
    before = cpu_seconds(pid)
    figures = await exchange.write()
    if figures["lost"]:
        print(f"{figures['lost']:g} messages were lost")
    return (cpu_seconds(pid) - before) / messages


async def compare(exchange: Exchange, seconds: float, sessions: int) -> bool:
    """Compare with the official client. Returns whether the promise is kept."""
    official = await cost_of_official(seconds, sessions)
    ours = await cost_of_a_message(exchange, seconds, sessions)
    print(
        f"processor time of a message, at {SLOWLY_PER_SECOND} a second: {1e6 * ours:.0f} us, "
        f"with the official client {1e6 * official:.0f} us"
    )
    return ours <= MAX_PART_OF_OFFICIAL * official


async def main(seconds: float, sessions: int) -> bool:
    async with open_exchange() as exchange:
        empty = bytes_in_use()
        print(f"the process without a client: {empty / MB:.0f} MB")
        async with open_call_client(exchange.config) as client:
            client.on(events.INCOMING_MESSAGE)(answer)
            is_cheap = await compare(exchange, seconds, min(sessions, 50))
            return await measure(exchange, seconds, sessions) and is_cheap


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--sessions", type=int, default=500)
    arguments = parser.parse_args()
    sys.exit(not trio.run(main, arguments.seconds, arguments.sessions))
