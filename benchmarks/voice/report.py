"""Results of voice as tables; with `python -m benchmarks.voice.report` as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import click

from benchmarks.figures import Load
from benchmarks.report import RESULTS, Table, failures, markdown
from benchmarks.summary import MAX_LATE_MS, SATURATED_SHARE, is_valid
from benchmarks.voice.agents import VOICE_AGENTS
from benchmarks.voice.figures import Capacity, Interruptions, VoiceResults
from benchmarks.voice.targets import REFERENCE, cpu_ms, judge, loads_of, middle

VOICE_RESULTS: Final = RESULTS / "voice"

_NONE: Final = "-"


def tables(results: VoiceResults) -> Iterator[Table]:
    """Yield every table that has something to show."""
    verdicts = [(each.target, each.measured, each.word) for each in judge(results)]
    if verdicts:
        yield Table("Targets", ("target", "measured", ""), verdicts)
    loads = {name: loads_of(results, name) for name in VOICE_AGENTS}
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
    carried = {
        capacity.agent: f"{capacity.calls}{'' if capacity.too_many else ' or more'}"
        for capacity in capacities
    }
    reference = loads[REFERENCE]
    for name, own in loads.items():
        if own:
            yield (
                name,
                f"{cpu_ms(own):.2f}{_marks(own)}",
                f"{cpu_ms(own) / cpu_ms(reference):.2f}" if reference else _NONE,
                f"{middle(own, lambda load: load.round_trip_p50_ms):.1f} / "
                f"{middle(own, lambda load: load.round_trip_p99_ms):.1f}",
                f"{middle(own, lambda load: load.resident_mb_per_call):.2f}",
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


def _marks(loads: list[Load]) -> str:
    share = middle(loads, lambda load: load.core_share)
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
