"""Results of voice as tables; with `python -m benchmarks.voice.report` as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import click

from benchmarks.figures import Load, median
from benchmarks.report import RESULTS, Table, failures, markdown
from benchmarks.summary import MAX_LATE_MS, SATURATED_SHARE, is_valid
from benchmarks.voice.agents import VOICE_AGENTS
from benchmarks.voice.figures import Capacity, Interruptions, VoiceResults

VOICE_RESULTS: Final = RESULTS / "voice"

#: What all others are compared with.
REFERENCE: Final = "pipecat-turn"

_NONE: Final = "-"


def tables(results: VoiceResults) -> Iterator[Table]:
    """Yield every table that has something to show."""
    loads = {name: _of(name, results.loads) for name in VOICE_AGENTS}
    if results.loads:
        calls = results.loads[0].calls
        title = f"Echo, {calls} calls, with an ear on the caller"
        yield Table(title, _ECHO_COLUMNS, list(_echo_rows(loads, results.capacities)))
    if results.interruptions:
        calls = results.interruptions[0].calls
        yield Table(
            f"Talked over, {calls} calls",
            _INTERRUPTED_COLUMNS,
            list(map(_row, results.interruptions)),
        )
    yield from failures(results)


_ECHO_COLUMNS: Final = (
    "agent",
    "CPU, ms a call-second",
    f"of {REFERENCE}",
    "round trip, ms, p50 / p99",
    "MB a call",
    "calls that a core carries",
)


def _echo_rows(
    loads: dict[str, list[Load]], capacities: Iterable[Capacity]
) -> Iterator[Sequence[str]]:
    carried = {capacity.agent: f"{capacity.calls}" for capacity in capacities}
    reference = loads[REFERENCE]
    for name, own in loads.items():
        if own:
            yield (
                name,
                f"{_cpu(own):.2f}{_marks(own)}",
                f"{_cpu(own) / _cpu(reference):.2f}" if reference else _NONE,
                f"{_middle(own, lambda load: load.round_trip_p50_ms):.1f} / "
                f"{_middle(own, lambda load: load.round_trip_p99_ms):.1f}",
                f"{_middle(own, lambda load: load.resident_mb_per_call):.2f}",
                carried.get(name, _NONE),
            )


_INTERRUPTED_COLUMNS: Final = (
    "agent",
    "silent after, ms, p50 / p90",
    "times",
    "talked on",
    "heard of the sentence after that",
    "CPU, ms a call-second",
)


def _row(figures: Interruptions) -> Sequence[str]:
    marks = _marked(figures.core_share, is_late=figures.exchange_late_p99_ms > MAX_LATE_MS)
    return (
        figures.agent,
        f"{figures.silent_p50_ms:.0f} / {figures.silent_p90_ms:.0f}{marks}",
        f"{figures.attempts}",
        f"{figures.talked_on}",
        f"{figures.resumed} times, up to {figures.heard_after_ms:.0f} ms"
        if figures.resumed
        else "nothing",
        f"{figures.cpu_ms_per_call_second:.2f}{marks}",
    )


def _of(name: str, loads: Iterable[Load]) -> list[Load]:
    return [load for load in loads if load.agent == name]


def _middle(loads: list[Load], figure: Callable[[Load], float]) -> float:
    return median([load for load in loads if is_valid(load)] or loads, figure)


def _cpu(loads: list[Load]) -> float:
    return _middle(loads, lambda load: load.cpu_ms_per_call_second)


def _marks(loads: list[Load]) -> str:
    share = _middle(loads, lambda load: load.core_share)
    return _marked(share, is_late=not any(map(is_valid, loads)))


def _marked(core_share: float, *, is_late: bool) -> str:
    return ("*" if core_share >= SATURATED_SHARE else "") + ("†" if is_late else "")


@click.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True), required=False)
def main(path: Path | None) -> None:
    """Print results as Markdown: those in PATH, or the latest that were kept."""
    results = VoiceResults.load(path or max(VOICE_RESULTS.glob("*.json")))
    click.echo(markdown(results, tables(results)), nl=False)


if __name__ == "__main__":
    main()
