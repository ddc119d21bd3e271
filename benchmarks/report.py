"""Results as tables: for the terminal, and with `python -m benchmarks.report` as Markdown."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from benchmarks.results import Results
from benchmarks.summary import LoadKey, LoadSummary, summarize


def load_row(key: LoadKey, summary: LoadSummary) -> list[str]:
    return [
        key.agent,
        f"{key.calls}",
        f"{key.request_ms}",
        f"{summary.cpu_ms:.2f}{'*' if summary.is_saturated else ''}",
        f"{summary.p50_ms:.1f} / {summary.p99_ms:.1f}",
        f"{summary.lost_bytes:.0f}",
        f"{summary.resident_mb:.3f}",
        f"{summary.first_audio_seconds:.3f}",
        f"{summary.repetitions}" if summary.is_valid else "none",
    ]


COLUMNS = (
    "agent",
    "calls",
    "request ms",
    "CPU ms a call-second",
    "p50 / p99 ms",
    "lost bytes",
    "MB a call",
    "first audio s",
    "valid",
)


def print_report(results: Results, console: Console) -> None:
    table = Table(*COLUMNS)
    for key, summary in summarize(results).items():
        table.add_row(*load_row(key, summary))
    console.print(table)
