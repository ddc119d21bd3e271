"""The command: `python -m benchmarks.soak`."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from typing import Final

import attrs
import psutil
import trio

from benchmarks.soak.accounts import Totals
from benchmarks.soak.agents import RemoteAgent, Resources, open_remote_agent
from benchmarks.soak.load import Load
from trio_calls.simulator import open_simulator

MIB: Final = 2**20

#: How much more memory the agent may have in use after the load than before it, in bytes. That it
#: has served a tenth of the load before lets buffers and caches find their size.
ALLOWED_GROWTH: Final = 4 * MIB


@attrs.frozen
class Options:
    """What to do, for how long.

    Attributes:
      seconds: for which new calls are placed.
      seed: of every chance.
      at_once: how many calls at a time.
    """

    seconds: float
    seed: int
    at_once: int


@attrs.define
class Result:
    """What came of it.

    Attributes:
      totals: of the calls.
      before: what the agent held when it had served a tenth of the load, and had no call.
      after: what it held in the end.
      peak_bytes: its memory while it worked.
    """

    totals: Totals
    before: Resources
    after: Resources
    peak_bytes: int

    def faulty(self) -> dict[str, int]:
        """Name the figures that must be 0."""
        growth = self.after.resident_bytes - self.before.resident_bytes
        return self.totals.faulty() | {
            "leaked tasks": self.after.tasks - self.before.tasks,
            "growth of memory, MiB": 0 if growth <= ALLOWED_GROWTH else round(growth / MIB),
        }


async def soak(options: Options) -> Result:
    async with (
        open_simulator(port=0, seed=options.seed, keep_finished_calls=0) as simulator,
        open_remote_agent(simulator.config) as agent,
    ):
        load = Load(simulator, agent, options.seed)
        samples: list[int] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_watch, agent, load.totals, samples, options)
            await load.run(options.seconds * 0.1, options.at_once)
            before = await agent.measure()
            await load.run(options.seconds * 0.9, options.at_once)
            after = await agent.measure()
            nursery.cancel_scope.cancel()
        return Result(load.totals, before, after, max(samples))


async def _watch(agent: RemoteAgent, totals: Totals, samples: list[int], options: Options) -> None:
    process = psutil.Process(agent.process_id)
    began = trio.current_time()
    while True:
        samples.append(process.memory_info().rss)
        if sys.stderr.isatty():
            faults = totals.faults.total()
            lost = totals.lost_to_agent + totals.lost_from_agent
            print(
                f"\r{trio.current_time() - began:5.0f} of {options.seconds:.0f} s: "
                f"{totals.calls} calls, {faults} faults, {lost} bytes lost, "
                f"{samples[-1] / MIB:.1f} MiB ",
                end="",
                file=sys.stderr,
                flush=True,
            )
        await trio.sleep(1)


def show(result: Result, seconds: float) -> None:
    """Print the table."""
    totals, before, after = result.totals, result.before, result.after
    audio_seconds = (totals.bytes_to_agent / 48_000, totals.bytes_from_agent / 48_000)
    rows: list[tuple[str, object]] = [
        ("seconds", f"{seconds:.0f}"),
        ("calls", totals.calls),
        ("handlers begun", totals.scopes),
        ("audio to the agent", f"{audio_seconds[0]:,.0f} s, {totals.bytes_to_agent:,} bytes"),
        ("audio from the agent", f"{audio_seconds[1]:,.0f} s, {totals.bytes_from_agent:,} bytes"),
        ("taken by faults and hangups", f"{totals.taken_bytes:,} bytes"),
        ("faults", totals.faults.total()),
        *((f"  {name}", count) for name, count in sorted(totals.faults.items())),
        ("errors of commands", totals.errors.total()),
        *((f"  {name}", count) for name, count in sorted(totals.errors.items())),
        ("tasks, before and after", f"{before.tasks}, {after.tasks}"),
        ("memory, before and after", _in_mib(before.resident_bytes, after.resident_bytes)),
        ("memory, peak", _in_mib(result.peak_bytes)),
    ]
    for name, figure in rows:
        print(f"{name:32}{figure}")
    print()
    for name, count in result.faulty().items():
        print(f"{name:32}{count}{'' if count == 0 else '   MUST BE 0'}")
    for line in [*totals.crashes[:10], *totals.losses[:10]]:
        print(f"  {line}")


def _in_mib(*sizes: float) -> str:
    return ", ".join(f"{size / MIB:.1f} MiB" for size in sizes)


def main() -> int:
    parser = argparse.ArgumentParser(prog="soak", description="Let calls go wrong for a while.")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=20)
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)  # hundreds of faults, each on purpose
    began = time.monotonic()
    result = trio.run(soak, Options(arguments.seconds, arguments.seed, arguments.at_once))
    print(file=sys.stderr)
    show(result, time.monotonic() - began)
    return int(any(result.faulty().values()))


if __name__ == "__main__":
    sys.exit(main())
