"""Results as tables: for the terminal, and with `python -m benchmarks.report` as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs
import click
from rich.console import Console
from rich.table import Table as RichTable

from benchmarks.agents import AGENTS
from benchmarks.figures import Results, over_tls
from benchmarks.summary import (
    MAX_LATE_MS,
    Key,
    Summary,
    compare,
    idle_cpu_ms,
    summarize,
    worst_burst,
)
from benchmarks.targets import OFFICIAL, judge

RESULTS: Final = Path(__file__).parent / "results"

_NONE: Final = "-"


@attrs.frozen
class Table:
    """Rows of text under a title."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@attrs.frozen
class Metric:
    """A figure that is shown by agent and number of calls."""

    title: str
    request_ms: int
    show: Callable[[Summary], str]
    is_marked: bool = True


def _cpu(summary: Summary) -> str:
    return f"{summary.cpu_ms:.2f}"


def _round_trip(summary: Summary) -> str:
    return f"{summary.p50_ms:.1f} / {summary.p99_ms:.1f}"


def _lost(summary: Summary) -> str:
    return f"{summary.lost_bytes:,}"


METRICS: Final = (
    Metric("CPU, ms a call-second; requests of 20 ms", 20, _cpu),
    Metric("CPU, ms a call-second; requests of 100 ms", 100, _cpu),
    Metric("Echo round trip, ms, p50 / p99; requests of 20 ms", 20, _round_trip),
    Metric("Echo round trip, ms, p50 / p99; requests of 100 ms", 100, _round_trip),
    Metric("Bytes that did not come back within a second; requests of 20 ms", 20, _lost),
    Metric("Bytes that did not come back within a second; requests of 100 ms", 100, _lost),
    Metric("Memory, MB a call", 20, lambda summary: f"{summary.resident_mb:.3f}", False),
    Metric("From the offer to the first audio, ms", 20, lambda s: f"{s.first_audio_ms:.1f}", False),
)


def tables(results: Results) -> Iterator[Table]:
    """Yield every table that has something to show."""
    yield _targets(results)
    summaries = summarize(results)
    plain = {key: summary for key, summary in summaries.items() if not key.is_tls}
    encrypted = {key: summary for key, summary in summaries.items() if key.is_tls}
    for metric in METRICS:
        yield from _by_calls(metric.title, metric, plain)
    for metric in METRICS[:4]:
        yield from _by_calls(f"Over TLS: {metric.title}", metric, encrypted)
    yield from _comparisons(results)
    yield from _tls_comparisons(results)
    yield from _bursts(results)
    yield from _idle(results)
    yield from failures(results)


def failures(results: Results) -> Iterator[Table]:
    """Yield what could not be measured, if there is anything."""
    if results.failures:
        rows = [
            (failure.agent, f"{failure.kind}, {failure.calls}", failure.reason.splitlines()[0])
            for failure in results.failures
        ]
        yield Table("What could not be measured", ("agent", "what", "why"), rows)


def _targets(results: Results) -> Table:
    rows = [(verdict.target, verdict.measured, verdict.word) for verdict in judge(results)]
    return Table("Targets", ("target", "measured", ""), rows)


def _by_calls(title: str, metric: Metric, summaries: Mapping[Key, Summary]) -> Iterator[Table]:
    shown = {key: s for key, s in summaries.items() if key.request_ms == metric.request_ms}
    if not shown:
        return
    agents = list(dict.fromkeys(key.agent for key in sorted(shown, key=_order)))
    by_place = {(key.calls, key.agent): summary for key, summary in shown.items()}
    rows = [
        [f"{calls}", *(_cell(metric, by_place.get((calls, agent))) for agent in agents)]
        for calls in sorted({key.calls for key in shown})
    ]
    yield Table(title, ["calls", *agents], rows)


def _order(key: Key) -> int:
    return list(AGENTS).index(key.agent)


def _cell(metric: Metric, summary: Summary | None) -> str:
    if summary is None:
        return _NONE
    return metric.show(summary) + (summary.marks if metric.is_marked else "")


def _comparisons(results: Results) -> Iterator[Table]:
    for calls, request_ms, is_tls in sorted(
        {(each.calls, each.request_ms, each.is_tls) for each in results.comparisons}
    ):
        ratios = {
            agent: compare(results.comparisons, Key(agent, calls, request_ms, is_tls), OFFICIAL)
            for agent in AGENTS
        }
        rows = [
            (agent, f"{r.cpu_ms:.2f}", f"{r.ratio:.2f}", f"{r.least:.2f} to {r.most:.2f}")
            for agent, r in ratios.items()
            if r is not None
        ]
        if rows:
            yield Table(
                f"In turns: {calls} calls{', TLS' if is_tls else ''}, requests of {request_ms} ms",
                ("agent", "CPU, ms a call-second", f"times {OFFICIAL}", "in single rounds"),
                rows,
            )


def _tls_comparisons(results: Results) -> Iterator[Table]:
    for calls, request_ms in sorted(
        {(each.calls, each.request_ms) for each in results.comparisons}
    ):
        rows = []
        for agent in AGENTS:
            key = Key(over_tls(agent), calls, request_ms)
            ratio = compare(results.comparisons, key, agent)
            if ratio is not None:
                spread = f"{ratio.least:.2f} to {ratio.most:.2f}"
                rows.append((agent, f"{ratio.cpu_ms:.2f}", f"{ratio.ratio:.2f}", spread))
        if rows:
            yield Table(
                f"In turns with itself without TLS: {calls} calls, requests of {request_ms} ms",
                ("agent", "CPU over TLS, ms a call-second", "times without", "in single rounds"),
                rows,
            )


def _bursts(results: Results) -> Iterator[Table]:
    agents = list(dict.fromkeys(burst.agent for burst in results.bursts))
    if not agents:
        return
    rows = []
    for offered in sorted({burst.offered for burst in results.bursts}):
        cells = []
        for agent in agents:
            burst = worst_burst(results, agent, offered)
            cells.append(
                f"{burst.claimed} / {burst.talking} in {burst.talking_seconds:.1f} s"
                if burst
                else _NONE
            )
        rows.append([f"{offered}", *cells])
    yield Table("Calls offered at once: claimed / served", ["offered", *agents], rows)


def _idle(results: Results) -> Iterator[Table]:
    agents = list(dict.fromkeys(idle.agent for idle in results.idles))
    if agents:
        figures = [idle_cpu_ms(results, agent) for agent in agents]
        row = [_NONE if figure is None else f"{figure:.3f}" for figure in figures]
        yield Table("A call in silence: CPU, ms a call-second", agents, [row])


def legend(results: Results) -> str:
    """Return what the figures and their marks mean."""
    return (
        f"Medians; rounds: {results.rounds} or more, of {results.window_seconds:g} s. "
        "* the agent had no processor time left. "
        f"† the exchange was more than {MAX_LATE_MS:g} ms late with one frame in a hundred: "
        "the machine was too busy to measure this."
    )


def print_report(
    results: Results, console: Console, shown_tables: Iterable[Table] | None = None
) -> None:
    """Print everything to a terminal; or what is said."""
    for table in tables(results) if shown_tables is None else shown_tables:
        shown = RichTable(*table.columns, title=table.title, title_justify="left")
        for row in table.rows:
            shown.add_row(*row)
        console.print(shown)
    console.print(legend(results), highlight=False)


def markdown(results: Results, shown_tables: Iterable[Table] | None = None) -> str:
    """Write everything as Markdown; or what is said."""
    machine = results.machine
    packages = ", ".join(f"{name} {version}" for name, version in machine.packages.items())
    parts = [
        f"{machine.processor}, {machine.cores} cores, {machine.system}, {machine.python}; "
        f"{packages}. {results.started_at[:10]}.",
        legend(results).replace("*", "\\*", 1),
    ]
    for table in tables(results) if shown_tables is None else shown_tables:
        rows = [table.columns, ["---"] * len(table.columns), *table.rows]
        lines = [
            f"| {' | '.join(cell.replace('*', chr(92) + '*') for cell in row)} |" for row in rows
        ]
        parts.append(f"### {table.title}\n\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


@click.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True), required=False)
def main(path: Path | None) -> None:
    """Print results as Markdown: those in PATH, or the latest that were kept."""
    click.echo(markdown(Results.load(path or max(RESULTS.glob("*.json")))), nl=False)


if __name__ == "__main__":
    main()
