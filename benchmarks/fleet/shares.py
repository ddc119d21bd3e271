"""How evenly calls are shared in fleets of 2 to 100 workers: `python -m benchmarks.fleet.shares`.

A simulation, of which `benchmarks.fleet.simulation` tells what is real and what a model. Prints a
table, and writes ``benchmarks/results/shares/``: a JSON file and a picture. Takes some minutes.
"""

from __future__ import annotations

import json
import random
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import attrs
from matplotlib.figure import Figure

from benchmarks.fleet.simulation import Fleet
from benchmarks.report import RESULTS

WORKERS: Final = (2, 3, 5, 10, 20, 50, 100)
SIZES: Final = (4, 8, 20, 40, 100, 200)
#: A single call is a twentieth of the load of a worker of this size.
LARGE: Final = 20
FOREVER: Final = 1e9
STEADY_UNTIL: Final = 150.0
SETTLED_AT: Final = 70.0


@attrs.frozen
class Figures:
    """What came of one fleet.

    Attributes:
      scene: ``steady`` or ``burst``.
      is_even: whether workers had shares; otherwise the first claim won.
      workers: how many there were.
      capacity: how many calls they take together.
      calls: how many were placed.
      load: the mean, at the end.
      above: by how much the worker that is furthest above the mean was so before its last call.
      spread: the standard deviation of load, among workers of twenty or more.
      longest_wait: of a caller until the exchange has given the call away, in seconds.
      mean_wait: the same on average.
      claims: how many were made of each offer, by each worker.
    """

    scene: str
    is_even: bool
    workers: int
    capacity: int
    calls: int
    load: float
    above: float
    spread: float
    longest_wait: float
    mean_wait: float
    claims: float


def make_fleet(workers: int, *, is_even: bool) -> Fleet:
    """Make workers of unequal size, who have heard of each other."""
    chance = random.Random(workers)
    fleet = Fleet([chance.choice(SIZES) for _ in range(workers)], chance, is_even=is_even)
    for number in range(20):
        fleet.place(number / 4, 0.5)
    return fleet


def burst(fleet: Fleet) -> float:
    """Place a third of what all can take one by one, then a fifth of it within 20 ms."""
    few = int(0.3 * fleet.capacity)
    for number in range(few):
        fleet.place(10 + 20 * number / few, FOREVER)
    many = int(0.2 * fleet.capacity)
    for number in range(many):
        fleet.place(40 + 0.02 * number / many, FOREVER)
    fleet.run(50)
    return max((worker.calls - 1) / worker.capacity - fleet.load for worker in fleet.workers)


def steady(fleet: Fleet) -> float:
    """Place calls for over two minutes, that last for one, at half of what all can take."""
    chance = random.Random(1)
    at = 10.0
    while at < STEADY_UNTIL:
        at += chance.expovariate(0.5 * fleet.capacity / 60)
        fleet.place(at, chance.expovariate(1 / 60))
    fleet.run(STEADY_UNTIL)
    # Before that there are not enough calls for the mean to mean anything.
    return max(call.excess for call in fleet.calls if call.placed_at > SETTLED_AT)


SCENES: Final[dict[str, Callable[[Fleet], float]]] = {"steady": steady, "burst": burst}


def measure(scene: str, workers: int, *, is_even: bool) -> Figures:
    """Run one fleet."""
    fleet = make_fleet(workers, is_even=is_even)
    above = SCENES[scene](fleet)
    loads = [worker.load for worker in fleet.workers if worker.capacity >= LARGE]
    waits = [
        call.claimed_at - call.placed_at for call in fleet.calls if call.claimed_at is not None
    ]
    claims = sum(worker.claims for worker in fleet.workers)
    return Figures(
        scene=scene,
        is_even=is_even,
        workers=workers,
        capacity=fleet.capacity,
        calls=len(fleet.calls),
        load=round(fleet.load, 3),
        above=round(above, 3),
        spread=round(statistics.pstdev(loads or [0.0]), 3),
        longest_wait=round(max(waits), 3),
        mean_wait=round(statistics.mean(waits), 3),
        claims=round(claims / len(fleet.calls) / workers, 2),
    )


def plot(results: Sequence[Figures], path: Path) -> None:
    """Draw how far workers are above the mean, and how long callers wait, by number of workers."""
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    above, waits = figure.subplots(1, 2)
    for scene, color in (("steady", "tab:blue"), ("burst", "tab:orange")):
        for is_even, style in ((True, "-"), (False, "--")):
            rows = [row for row in results if (row.scene, row.is_even) == (scene, is_even)]
            workers = [row.workers for row in rows]
            label = f"{scene}, {'shares' if is_even else 'the first claim wins'}"
            look = {"color": color, "linestyle": style, "marker": "o", "label": label}
            above.plot(workers, [row.above for row in rows], **look)
            waits.plot(workers, [1000 * row.longest_wait for row in rows], **look)
    above.axhline(0.15, color="gray", linewidth=0.8)
    above.set_title("The worker furthest above the mean load")
    waits.axhline(200, color="gray", linewidth=0.8)
    waits.set_title("The longest wait of an offer, ms")
    for axes in (above, waits):
        axes.set_xscale("log")
        axes.set_xticks(WORKERS, [str(workers) for workers in WORKERS])
        axes.minorticks_off()
        axes.set_xlabel("workers")
    figure.legend(*above.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Run all fleets."""
    results = []
    print("scene   rule    workers  calls  above  spread  longest ms  mean ms  claims an offer")
    for scene in SCENES:
        for is_even in (True, False):
            for workers in WORKERS:
                row = measure(scene, workers, is_even=is_even)
                results.append(row)
                print(
                    f"{scene:7} {'shares' if is_even else 'race':7} {workers:7} {row.calls:6} "
                    f"{row.above:6.3f} {row.spread:7.3f} {1000 * row.longest_wait:11.0f} "
                    f"{1000 * row.mean_wait:8.0f} {row.claims * workers:16.1f}",
                    flush=True,
                )
    folder = RESULTS / "shares"
    folder.mkdir(parents=True, exist_ok=True)
    told = json.dumps([attrs.asdict(row) for row in results], indent=1)
    (folder / "shares.json").write_text(told + "\n")
    plot(results, folder / "shares.png")


if __name__ == "__main__":
    main()
