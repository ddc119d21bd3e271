"""One measurement of an agent that listens while it talks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from benchmarks.exchange.pacing import Pacer
from benchmarks.figures import Load
from benchmarks.measure import MeasurementError, measure_load, pacing, set_up
from benchmarks.summary import is_valid
from benchmarks.voice.figures import Capacity, Interruptions, carries, summarize_attempts
from benchmarks.voice.pairs import VoicePair, open_voice_pair
from benchmarks.voice.recordings import gaps_in

_REQUEST_MS: Final = 20
#: Everything recorded is in its file after that.
_WRITTEN_SECONDS: Final = 4.0
_BETWEEN_SECONDS: Final = 1.0
#: From one number of calls to the next, near to what a core carries; and at the most.
_STEP: Final = 1.06
_LONGEST_STEP: Final = 1.5
_NEARLY_ALL: Final = 0.8
#: Of what the processor time of few calls promises. Calls become cheaper as they become more.
_FIRST_SHARE: Final = 0.7
#: That a number of calls was not carried may have been the machine's fault.
_TRIES: Final = 2
#: Those in which the exchange was late tell nothing about the agent.
_MOST_TRIES: Final = 6


async def measure_echo(name: str, calls: int, window_seconds: float) -> Load:
    """Have an agent echo calls, in a process of its own, and listen to them.

    Raises:
      MeasurementError: it did not.
    """
    async with open_voice_pair(name, "echo") as voice:
        await set_up(voice.pair, calls)
        load = await measure_load(voice.pair, _REQUEST_MS, window_seconds)
        await _check_recordings(voice)
        return load


async def _check_recordings(voice: VoicePair) -> None:
    if voice.recordings is not None:
        await asyncio.sleep(_WRITTEN_SECONDS)
        if gaps := gaps_in(voice.recordings):
            raise MeasurementError(f"{gaps} gap(s) in the recordings")


async def measure_interruptions(name: str, calls: int, window_seconds: float) -> Interruptions:
    """Have callers talk over an agent that talks.

    Raises:
      MeasurementError: nobody could, or nobody silenced it.
    """
    async with open_voice_pair(name, "talk") as voice:
        return await _interrupt(voice, calls, window_seconds)


async def _interrupt(voice: VoicePair, calls: int, window_seconds: float) -> Interruptions:
    pair = voice.pair
    await set_up(pair, calls)
    pacer = Pacer(pair.exchange.calls, frames_per_request=1)
    async with pacing(pacer):
        for conversation in voice.conversations:
            conversation.begin()
        started_at, cpu = time.monotonic(), pair.agent.cpu_seconds()
        await asyncio.sleep(window_seconds)
        core_share = (pair.agent.cpu_seconds() - cpu) / (time.monotonic() - started_at)
    attempts = [a for conversation in voice.conversations for a in conversation.attempts()]
    if all(attempt.silent_after_seconds is None for attempt in attempts):
        raise MeasurementError(f"was never silenced, of {len(attempts)} times")
    return summarize_attempts(
        pair.name,
        calls,
        attempts,
        core_share=core_share,
        lateness_seconds=pacer.lateness_seconds,
    )


async def find_capacity(
    name: str, cpu_ms: float, window_seconds: float, report: Callable[[Load], None]
) -> Capacity:
    """Look for the most calls that an agent carries on its core.

    Args:
      name: of the agent.
      cpu_ms: what a call-second of few calls takes; tells where to begin.
      window_seconds: how long each number of calls is tried.
      report: called with every try.

    Raises:
      MeasurementError: it did not take a call, or the machine was too busy to tell.
    """
    first = max(1, int(_FIRST_SHARE * 1000 / cpu_ms))
    while True:
        carried, calls = 0, first
        async with open_voice_pair(name, "echo") as voice:
            try:
                while load := await _carried(voice, calls, window_seconds, report):
                    carried, calls = calls, more(calls, load.core_share)
            except MeasurementError:
                if not carried:
                    raise
                # The exchange, which has the other core, could not tell any further.
                calls = 0
        first = int(first * _FIRST_SHARE)
        if carried or not first:
            return Capacity(name, carried, calls)


def more(calls: int, core_share: float) -> int:
    """Return with how many calls to go on, where so many have taken such a share of a core."""
    step = min(max(_STEP, _NEARLY_ALL / core_share), _LONGEST_STEP)
    return max(calls + 1, int(calls * step))


async def _carried(
    voice: VoicePair, calls: int, window_seconds: float, report: Callable[[Load], None]
) -> Load | None:
    """Return what was measured if so many calls are carried."""
    await set_up(voice.pair, calls - len(voice.pair.exchange.calls))
    counted = 0
    for _ in range(_MOST_TRIES):
        # Nobody speaks between two measurements, and that is to look like no gap in a recording.
        await asyncio.sleep(_BETWEEN_SECONDS)
        load = await measure_load(voice.pair, _REQUEST_MS, window_seconds)
        report(load)
        if carries(load):
            await _check_recordings(voice)
            return load
        counted += is_valid(load)
        if counted == _TRIES:
            return None
    raise MeasurementError(f"the machine was too busy to tell whether {calls} calls are carried")
