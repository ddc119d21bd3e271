"""Figures that README and the documentation quote are those of the results that are kept."""

import re
from pathlib import Path

import pytest

from benchmarks.agents import OURS
from benchmarks.figures import Results
from benchmarks.report import RESULTS
from benchmarks.summary import Key, Ratio, compare, summarize, worst_burst
from benchmarks.targets import OFFICIAL

pytestmark = pytest.mark.pure

CHECKOUT = Path(__file__).resolve().parents[2]
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
BENCHMARKS = (CHECKOUT / "benchmarks" / "README.md").read_text(encoding="utf-8")
COMPARISON = (CHECKOUT / "docs" / "explanation" / "official-client.md").read_text(encoding="utf-8")

NEWEST = max(path for path in RESULTS.glob("*.json") if not path.stem.endswith("-tls"))
MEASURED = Results.load(NEWEST)
SUMMARIES = summarize(MEASURED)


def in_turns(agent: str) -> Ratio:
    ratio = compare(MEASURED.comparisons, Key(agent, 50, 20), OFFICIAL)
    assert ratio is not None
    return ratio


def over_tls(agent: str) -> float:
    return SUMMARIES[Key(agent, 50, 20, is_tls=True)].cpu_ms


def compared(what: str) -> list[str]:
    """Read a row of the comparison with the official client: ours, and theirs."""
    (row,) = (line for line in COMPARISON.splitlines() if line.startswith(f"| {what}"))
    return [cell.strip() for cell in row.strip("|").split("|")[1:]]


def calls_without_backlog(agent: str) -> dict[int, bool]:
    """Tell for each number of calls whether the agent kept up: it had processor time left."""
    return {
        key.calls: not summary.marks
        for key, summary in SUMMARIES.items()
        if key.agent == agent and key.request_ms == 20 and not key.is_tls
    }


def test_what_the_second_library_saves() -> None:
    fast, slow = (in_turns(agent).cpu_ms for agent in OURS)
    said = f"With `speedups` a call takes {fast:.1f} ms of processor time a second in place of"
    assert f"{said} {slow:.1f}, and" in " ".join(README.split())


def test_processor_time_of_a_call() -> None:
    fast = in_turns("fast")
    assert compared("processor time of a call, with 50 on one core") == [
        f"{fast.cpu_ms:.1f} ms a second, {over_tls('fast'):.1f} over TLS",
        f"{fast.reference_cpu_ms:.1f}, {over_tls(OFFICIAL):.1f} over TLS",
    ]


def test_calls_that_one_core_carries() -> None:
    ours, theirs = compared("calls that one core carries")
    # A run of its own, of which the table is kept. A star is for an agent that falls behind.
    carried, *beyond = re.findall(rf"^\| (?:{ours}|700) \| ([^|]+) \|", BENCHMARKS, re.M)
    assert "*" not in carried
    assert "*" in beyond[0]
    assert f"one core carries {ours} calls" in " ".join(README.split())

    kept_up = calls_without_backlog("official-unlimited")
    most, too_many = map(int, re.findall(r"\d+", theirs))
    assert most == max(calls for calls, is_fine in kept_up.items() if is_fine)
    assert too_many == min(calls for calls, is_fine in kept_up.items() if not is_fine)


def test_memory_of_a_call() -> None:
    def resident(*agents: str) -> list[float]:
        return [
            summary.resident_mb
            for key, summary in SUMMARIES.items()
            if key.agent in agents and key.request_ms == 20 and not key.is_tls
        ]

    ours, theirs = resident(*OURS), resident(OFFICIAL)
    assert compared("memory of a call") == [
        f"{min(ours):.2f} to {max(ours):.2f} MB",
        f"{max(theirs):.1f} MB",
    ]


def test_calls_in_the_life_of_a_process() -> None:
    (_, theirs) = compared("calls in the life of a process")
    burst = worst_burst(MEASURED, OFFICIAL, 100)
    assert burst is not None
    assert (burst.claimed, burst.talking) == (100, 0)
    assert "of a burst of 100 it claims 100 and serves none" in theirs


def test_what_the_benchmarks_say_of_their_results() -> None:
    text = " ".join(BENCHMARKS.partition("### Targets")[0].split())
    fast, slow, baseline = (in_turns(agent) for agent in (*OURS, "baseline-trio"))
    quiet = SUMMARIES[Key("fast", 200, 100)]
    memory = compared("memory of a call")[0].removesuffix(" MB")
    tls = over_tls("fast") / SUMMARIES[Key("fast", 50, 20)].cpu_ms
    for said in (
        f"this SDK costs {fast.ratio:.2f} times what the official client does",
        f"with trio-websocket {slow.ratio:.2f}, where",
        f"is at {baseline.ratio:.2f}: those {baseline.cpu_ms:.1f} ms a call-second",
        f"The other {fast.cpu_ms - baseline.cpu_ms:.1f} ms",
        f"half of all echoes are back within {quiet.p50_ms:.1f} ms",
        f"99 of 100 within {quiet.p99_ms:.1f} (target 20)",
        f"{memory} MB of memory (target 0.25)",
        f"{tls:.2f} times as much over TLS as without",
    ):
        assert said in text


def test_the_count_of_commands_that_install() -> None:
    table, _, after = README.partition("All three first install")
    assert after
    assert len(re.findall(r"^\| `make \w+` \|", table, re.M)) == 3
