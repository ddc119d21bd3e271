"""The command: `python -m benchmarks.fleet.chaos`. Kill -9, and callers who are answered or told.

Somebody calls several times a second. A dispatcher passes the calls on to workers through Redis.
All of these are processes, and at random moments one of them is killed, and started again a moment
later. A caller may be answered, may be told that nobody comes, and may be cut off when the worker
dies that they talk with. None may ring on.

The processes are forked from one that has imported everything, so that a start costs next to
nothing, and a minute of it fits into the tests.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from multiprocessing.process import BaseProcess
from typing import Any, Final, Literal, Protocol, get_args

import attrs
import trio

from benchmarks.fleet.chaos_processes import Reach, dispatch, work
from trio_calls import CallState
from trio_calls.config import WireName
from trio_calls.fleet import new_dispatch_key
from trio_calls.simulator import PhoneHungUp, Simulator, open_simulator

SERVERS: Final = ("redis-server", "valkey-server")

#: Somebody calls so often, and something is killed so often, in seconds.
CALL_EVERY: Final = 0.5
KILL_EVERY: Final = 2.0
#: What is killed is started again after so long, at the most.
DOWN_SECONDS: Final = 1.0
#: A caller who rings for longer rings on. What there is to wait for: a dispatcher that is not there
#: and starts, some of them one after the other, each with its 5 s of ringing.
LIMIT_SECONDS: Final = 40.0
#: How likely each process is the one that is killed.
WEIGHTS: Final = {"worker": 1.5, "dispatcher": 2, "redis": 2}

#: The last ones are imported only where they are used.
PRELOADED: Final = [
    "benchmarks.fleet.chaos_processes",
    "coredis",
    "cryptography.fernet",
    "trio_calls.transport._websockets",
]

_START_SECONDS: Final = 15


class Mortal(Protocol):
    """A process that is killed and started again."""

    @property
    def has_crashed(self) -> bool:
        """Whether it has ended by itself."""
        ...

    async def start(self) -> None:
        """Start it."""
        ...

    async def kill(self) -> None:
        """Kill it with SIGKILL."""
        ...


class ForkedProcess:
    """A function that runs in a process of its own."""

    def __init__(self, target: Callable[..., None], *arguments: object) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(PRELOADED)
        self._target = target
        self._arguments = arguments
        self._process: BaseProcess | None = None

    @property
    def has_crashed(self) -> bool:
        """Whether it has ended by itself."""
        return self._process is not None and self._process.exitcode is not None

    async def start(self) -> None:
        """Start it."""
        process = self._context.Process(target=self._target, args=self._arguments, daemon=True)
        # It waits for the server, which takes a second the first time.
        await trio.to_thread.run_sync(process.start)
        self._process = process

    async def kill(self) -> None:
        """Kill it with SIGKILL."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(process.join)


class RedisProcess:
    """A server of Redis that keeps nothing, and is always on the same port."""

    def __init__(self, executable: str, folder: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        self.url: str = f"redis://127.0.0.1:{self._port}/0"
        options = {"bind": "127.0.0.1", "port": self._port, "save": "", "appendonly": "no"}
        self._command = [executable, "--dir", folder]
        for name, value in options.items():
            self._command += [f"--{name}", str(value)]
        self._process: trio.Process | None = None

    @property
    def has_crashed(self) -> bool:
        """Whether it has ended by itself."""
        return self._process is not None and self._process.poll() is not None

    async def start(self) -> None:
        """Start it, and wait until it takes connections."""
        self._process = await trio.lowlevel.open_process(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        with trio.fail_after(_START_SECONDS):
            while True:
                try:
                    stream = await trio.open_tcp_stream("127.0.0.1", self._port)
                except OSError:
                    await trio.sleep(0.02)
                else:
                    await stream.aclose()
                    return

    async def kill(self) -> None:
        """Kill it with SIGKILL."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()


@attrs.define
class Outcome:
    """What became of the callers.

    Attributes:
      answered: how many talked with somebody.
      told: how many were told that nobody comes.
      rang_on: how many rang for longer than `LIMIT_SECONDS`.
      waits: how long each of them rang until they were answered or told, in seconds.
      kills: how often what was killed.
      crashes: how often what was not there any more when it was to be killed, or in the end.
    """

    answered: int = 0
    told: int = 0
    rang_on: int = 0
    waits: list[float] = attrs.field(factory=list)
    kills: Counter[str] = attrs.field(factory=Counter)
    crashes: Counter[str] = attrs.field(factory=Counter)

    @property
    def is_good(self) -> bool:
        """Whether everybody was answered or told, and nothing has ended by itself."""
        return not self.rang_on and not self.crashes

    def report(self) -> dict[str, Any]:
        """Return the figures."""
        waits = sorted(self.waits) or [math.nan]
        return {
            "answered": self.answered,
            "told": self.told,
            "rang_on": self.rang_on,
            "median_wait_s": round(statistics.median(waits), 2),
            "p99_wait_s": round(waits[int(0.99 * (len(waits) - 1))], 2),
            "longest_wait_s": round(waits[-1], 2),
            "kills": dict(self.kills),
            "crashes": dict(self.crashes),
        }


@asynccontextmanager
async def running(mortal: Mortal) -> AsyncIterator[Mortal]:
    """Run a process for the duration of the block."""
    try:
        await mortal.start()
        yield mortal
    finally:
        await mortal.kill()


class Chaos:
    """Callers, and what is killed under them.

    Args:
      simulator: where the calls are placed.
      mortals: what is killed, and how it is called in the report.
      seed: of every chance.
    """

    def __init__(self, simulator: Simulator, mortals: list[tuple[str, Mortal]], seed: int) -> None:
        self.outcome: Outcome = Outcome()
        self._simulator = simulator
        self._mortals = mortals
        # Of their own, so that a seed kills in the same order however many calls there are.
        self._killing = random.Random(seed)
        self._calling = random.Random(seed)

    async def run(self, seconds: float) -> Outcome:
        """Let people call for so many seconds. Returns when each knows where they stand."""
        async with trio.open_nursery() as killing:
            killing.start_soon(self._keep_killing)
            async with trio.open_nursery() as callers:
                with trio.move_on_after(seconds):
                    while True:
                        callers.start_soon(self._call)
                        await trio.sleep(self._calling.expovariate(1 / CALL_EVERY))
            killing.cancel_scope.cancel()
        for kind, mortal in self._mortals:
            self._note_crash(kind, mortal)
        return self.outcome

    def _note_crash(self, kind: str, mortal: Mortal) -> None:
        if mortal.has_crashed:
            self.outcome.crashes[kind] += 1

    async def _call(self) -> None:
        call = self._simulator.place_call()
        began = trio.current_time()
        with trio.move_on_after(LIMIT_SECONDS) as patience:
            # Hung up on: told.
            with suppress(PhoneHungUp):
                await call.caller.wait_talking()
        if patience.cancelled_caught:
            self.outcome.rang_on += 1
            call.caller.hang_up()
            return
        self.outcome.waits.append(trio.current_time() - began)
        if CallState.ANSWERED in call.agent_states:
            self.outcome.answered += 1
            await call.wait_ended()
        else:
            self.outcome.told += 1

    async def _keep_killing(self) -> None:
        while True:
            await trio.sleep(self._killing.expovariate(1 / KILL_EVERY))
            weights = [WEIGHTS[kind] for kind, _ in self._mortals]
            ((kind, mortal),) = self._killing.choices(self._mortals, weights)
            self._note_crash(kind, mortal)
            self.outcome.kills[kind] += 1
            await mortal.kill()
            await trio.sleep(self._killing.uniform(0, DOWN_SECONDS))
            with trio.CancelScope(shield=True):
                await mortal.start()


async def run_chaos(
    seconds: float,
    seed: int,
    *,
    workers: int = 4,
    second_media: Literal["refuse", "replace"] = "refuse",
    wire: WireName = "first",
) -> Outcome:
    """Have chaos for so many seconds, with processes of its own. Returns what became of callers."""
    executable = next(filter(None, map(shutil.which, SERVERS)), None)
    if executable is None:
        raise FileNotFoundError("there is no redis-server: install it from the system's packages")
    with tempfile.TemporaryDirectory() as folder:
        redis = RedisProcess(executable, folder)
        async with (
            open_simulator(
                port=0, second_media_connection=second_media, keep_finished_calls=10
            ) as simulator,
            running(redis),
        ):
            reach = Reach(simulator.config.base_url, redis.url, str(new_dispatch_key()), wire)
            desk = ForkedProcess(dispatch, reach)
            crew = [ForkedProcess(work, reach, seed + number) for number in range(workers)]
            async with running(desk), _all_running(crew):
                mortals: list[tuple[str, Mortal]] = [("dispatcher", desk), ("redis", redis)]
                mortals += [("worker", worker) for worker in crew]
                return await Chaos(simulator, mortals, seed).run(seconds)


@asynccontextmanager
async def _all_running(crew: list[ForkedProcess]) -> AsyncIterator[None]:
    try:
        for worker in crew:
            await worker.start()
        yield
    finally:
        for worker in crew:
            await worker.kill()


def main() -> int:
    """Run the command. Returns its exit status: 1 if a caller rang on, or a process crashed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet.chaos")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--second-media", choices=["refuse", "replace"], default="refuse")
    parser.add_argument("--wire", choices=get_args(WireName), default="first")
    options = parser.parse_args()
    run = partial(
        run_chaos,
        options.seconds,
        options.seed,
        workers=options.workers,
        second_media=options.second_media,
        wire=options.wire,
    )
    outcome = trio.run(run)
    print(json.dumps({**vars(options), **outcome.report()}, indent=2))
    return 0 if outcome.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
