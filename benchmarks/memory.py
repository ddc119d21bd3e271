"""What calls cost in memory, and that they give it back: `python -m benchmarks.memory`.

Prints the resident memory of this process, which is the agent; the exchange is a process of its
own. *before* the calls; at their *peak*; *after some*, the first tenth or the first round of them,
in which buffers and caches find their size; and *after all*. Where no call goes on, the allocator
is first asked to give back what it keeps of freed memory. Exits with status 1 if there are more
than 2 MiB between the last two. `--calls` and `--at-once` make it shorter.

The loads:

- *one after another*: each call is answered, hears 0.2 s of audio, says it back, is hung up;
- *at once*: as many calls talk at the same time, and are hung up; again and again;
- *unread*: as many calls at once whose agent neither reads its audio nor gets rid of its own, so
  that both queues are as full as the configuration lets them be: `receive_buffer_seconds` and
  `send_buffer_seconds`. That is the most that a call can take.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any, Final

import trio

from benchmarks.exchange_process import ExchangeProcess, open_exchange_process
from benchmarks.resident import bytes_in_use, resident_bytes
from trio_calls import ActiveCall, CallClient, serve_calls
from trio_calls.call.scope import CallHandler, call_handler

MIB: Final = 2**20

#: How much more memory may be in use after all of a load than after some of it, in bytes.
ALLOWED_GROWTH: Final = 2 * MIB

COLUMNS: Final = ("before", "peak", "after some", "after all", "a call")
ROUNDS: Final = 3

#: 0.2 s of audio, and more than `receive_buffer_seconds`, in longer frames, which cost less time.
SHORT: Final = {"frames": 10, "frame_bytes": 960}
FULL: Final = {"frames": 110, "frame_bytes": 4800}


async def echo(call: ActiveCall) -> None:
    await call.answer()
    async for chunk in call.audio_stream():
        await call.send_audio(chunk)


async def fill_both_queues(call: ActiveCall) -> None:
    await call.answer()
    while True:
        await call.send_audio(bytes(2**16))


class Exchange(ExchangeProcess):
    """The other process."""

    async def place(self, calls: int, at_once: int, **order: Any) -> None:
        await self.order({"calls": calls, "at_once": at_once, **order})

    async def release(self) -> None:
        await self.order("release")

    async def wait(self, word: str) -> None:
        answer = await self.answer()
        assert answer == word, answer


open_exchange = partial(
    open_exchange_process, Exchange, Path(__file__).with_name("memory_exchange.py")
)


class Figures:
    """The memory of one load, in bytes.

    Attributes:
      before: in use before it.
      peak: while it lasted.
      first: in use when a first part of it was over: buffers and caches have found their size.
      last: in use when all of it was over.
    """

    def __init__(self) -> None:
        self.before = self.peak = self.first = self.last = bytes_in_use()

    def note_peak(self) -> None:
        self.peak = max(self.peak, resident_bytes())

    def show(self, load: str, per_call: float) -> bool:
        """Print a line. Returns whether the memory was given back."""
        sizes = (self.before, self.peak, self.first, self.last)
        is_flat = self.last - self.first <= ALLOWED_GROWTH
        verdict = "" if is_flat else "   NOT GIVEN BACK"
        mib = (f"{size / MIB:8.1f} MiB" for size in sizes)
        print(f"{load:32}", *mib, f"{per_call / 1024:10.2f} KiB{verdict}", flush=True)
        return is_flat


class Benchmark:
    """Places loads, and measures."""

    client: CallClient

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._handler: CallHandler = echo

    async def handle(self, call: ActiveCall) -> None:
        await call_handler(self._handler, call)

    async def _wait_over(self) -> None:
        """Wait until the calls are over here as well, where that is a little later."""
        await self._exchange.wait("done")
        while self.client.calls:  # noqa: ASYNC110  # nothing else tells when a scope is closed
            await trio.sleep(0.01)

    async def one_after_another(self, calls: int) -> bool:
        """Per call: what is left of each."""
        order: dict[str, Any] = {
            "at_once": 1,
            **SHORT,
            "pulls": True,
            "holds": False,
        }
        tenth = max(1, calls // 10)
        figures = Figures()
        for number in range(10):
            await self._exchange.place(tenth, **order)
            await self._wait_over()
            figures.note_peak()
            if number == 0:
                figures.first = bytes_in_use()
        figures.last = bytes_in_use()
        per_call = (figures.last - figures.first) / (9 * tenth)
        return figures.show(f"{10 * tenth} one after another", per_call)

    async def at_once(self, calls: int, *, is_unread: bool) -> bool:
        """Per call: what each takes while it lasts."""
        self._handler = fill_both_queues if is_unread else echo
        order: dict[str, Any] = {
            "at_once": calls,
            **(FULL if is_unread else SHORT),
            "pulls": not is_unread,
            "holds": True,
        }
        figures = Figures()
        await self._have_at_once(order, figures)
        figures.first = bytes_in_use()
        for _ in range(ROUNDS):
            await self._have_at_once(order, figures)
        figures.last = bytes_in_use()
        name = f"{calls} at once, {'unread' if is_unread else 'talking'}, {ROUNDS + 1} times"
        return figures.show(name, (figures.peak - figures.before) / calls)

    async def _have_at_once(self, order: dict[str, Any], figures: Figures) -> None:
        """Have calls at once, from their beginning to their end."""
        await self._exchange.place(order["at_once"], **order)
        await self._exchange.wait("talking")
        figures.note_peak()
        await self._exchange.release()
        await self._wait_over()


async def main(calls: int, at_once: int) -> bool:
    async with open_exchange() as exchange, trio.open_nursery() as nursery:
        benchmark = Benchmark(exchange)
        benchmark.client = await nursery.start(serve_calls, benchmark.handle, exchange.config)
        print(f"{'load':32}", *(f"{word:>12}" for word in COLUMNS))
        results = [
            await benchmark.one_after_another(calls),
            await benchmark.at_once(at_once, is_unread=False),
            await benchmark.at_once(at_once, is_unread=True),
        ]
        nursery.cancel_scope.cancel()
    return all(results)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--at-once", type=int, default=200)
    arguments = parser.parse_args()
    sys.exit(not trio.run(main, arguments.calls, arguments.at_once))
