"""A close comparison, on a machine whose speed changes from second to second: agents take turns."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.figures import Load
from benchmarks.measure import MachineBusyError, Pair, measure_load
from benchmarks.plan import rotated
from benchmarks.summary import is_valid


async def take_turns(
    pairs: Sequence[Pair], request_ms: int, windows: int, window_seconds: float
) -> list[float]:
    """Have agents talk for a window each, one at a time, again and again.

    Args:
      pairs: with their calls set up.
      request_ms: how much audio a buffer request asks for.
      windows: how many each gets.
      window_seconds: how long one is.

    Returns:
      The processor time of each, in ms a call-second: the mean of its windows, less those in which
      the exchange did not keep up with somebody.

    Raises:
      MachineBusyError: there was no other window.
      MeasurementError: nothing came back.
    """
    rounds: list[list[Load]] = []
    for number in range(windows):
        loads = {
            index: await measure_load(pairs[index], request_ms, window_seconds)
            for index in rotated(range(len(pairs)), number)
        }
        if all(is_valid(load) for load in loads.values()):
            rounds.append([load for _, load in sorted(loads.items())])
    if not rounds:
        raise MachineBusyError("the machine was too busy to compare anything")
    return [
        statistics.mean(load.cpu_ms_per_call_second for load in loads)
        for loads in zip(*rounds, strict=True)
    ]
