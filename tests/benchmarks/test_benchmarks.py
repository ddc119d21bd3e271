"""What the benchmark counts, whatever way an agent cuts its audio."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import turns
from benchmarks.agents import AGENTS
from benchmarks.exchange.echo import EchoMeter
from benchmarks.exchange.frames import STAMP, StampedAudio
from benchmarks.figures import Comparison, Load, Results
from benchmarks.measure import MeasurementError
from benchmarks.plan import Plan
from benchmarks.report import RESULTS, markdown
from benchmarks.summary import Key, summarize
from benchmarks.targets import judge

pytestmark = [pytest.mark.pure, pytest.mark.slow]

AUDIO = StampedAudio(16000)
SENT_NS = 1_000
RETURNED_NS = 1_700
SILENCE = bytes(320)

README = (RESULTS.parent / "README.md").read_text()

LOAD = Load(
    agent="fast",
    calls=50,
    request_ms=20,
    is_tls=False,
    cpu_ms_per_call_second=1.0,
    core_share=0.5,
    round_trip_p50_ms=1.0,
    round_trip_p99_ms=2.0,
    lost_bytes=0,
    missing_bytes=0,
    foreign_bytes=0,
    overdrawn_bytes=0,
    first_audio_seconds=0.01,
    resident_mb_per_call=0.1,
    exchange_late_p99_ms=1.0,
    exchange_share=0.1,
)


def send(meter: EchoMeter, frames: int) -> list[bytes]:
    """Send frames. Returns their PCM."""
    return [meter.send(SENT_NS)[-AUDIO.frame_bytes :] for _ in range(frames)]


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    """Cut a stream where it is said, as far as it goes."""
    places = sorted({cut % (len(stream) + 1) for cut in cuts} | {0, len(stream)})
    return [stream[start:end] for start, end in itertools.pairwise(places)]


@given(cuts=st.lists(st.integers(0, 10_000), max_size=30))
def test_an_echo_is_complete_however_it_is_cut(cuts: list[int]) -> None:
    meter = EchoMeter(AUDIO)
    for piece in pieces(b"".join(send(meter, 5)), cuts):
        meter.receive(piece, RETURNED_NS)
    assert (meter.returned_frames, meter.missing_bytes, meter.foreign_bytes) == (5, 0, 0)
    assert list(meter.round_trips_ns) == [RETURNED_NS - SENT_NS] * 5


@given(
    cuts=st.lists(st.integers(0, 10_000), max_size=30),
    silent_before=st.sets(st.integers(0, 4)),
)
def test_silence_between_frames_is_counted_apart(cuts: list[int], silent_before: set[int]) -> None:
    meter = EchoMeter(AUDIO)
    frames = send(meter, 5)
    stream = b"".join(
        SILENCE + frame if number in silent_before else frame for number, frame in enumerate(frames)
    )
    for piece in pieces(stream, cuts):
        meter.receive(piece, RETURNED_NS)
    assert meter.returned_frames == 5
    assert meter.foreign_bytes == len(silent_before) * len(SILENCE)


@given(
    cuts=st.lists(st.integers(0, 10_000), max_size=30),
    start=st.integers(0, AUDIO.frame_bytes - 1),
    size=st.integers(1, AUDIO.frame_bytes - 1),
)
def test_what_is_cut_out_loses_its_own_frames_and_no_others(
    cuts: list[int], start: int, size: int
) -> None:
    meter = EchoMeter(AUDIO)
    stream = b"".join(send(meter, 5))
    start += AUDIO.frame_bytes
    hurt = 1 if start + size <= 2 * AUDIO.frame_bytes else 2
    for piece in pieces(stream[:start] + stream[start + size :], cuts):
        meter.receive(piece, RETURNED_NS)
    assert meter.missing_frames == hurt


def test_an_altered_frame_has_not_come_back() -> None:
    meter = EchoMeter(AUDIO)
    first, second = send(meter, 2)
    meter.receive(first[: STAMP.size] + bytes(AUDIO.frame_bytes - STAMP.size) + second, RETURNED_NS)
    assert (meter.returned_frames, meter.missing_frames) == (1, 1)


def test_a_frame_comes_back_once() -> None:
    meter = EchoMeter(AUDIO)
    (frame,) = send(meter, 1)
    meter.receive(frame, RETURNED_NS)
    meter.receive(frame, RETURNED_NS)
    meter.receive(SILENCE, RETURNED_NS)
    assert meter.returned_frames == 1
    assert meter.foreign_bytes >= len(frame)


def test_what_was_sent_before_does_not_count() -> None:
    meter = EchoMeter(AUDIO)
    (early,) = send(meter, 1)
    meter.begin()
    (late,) = send(meter, 1)
    meter.receive(early + late, RETURNED_NS)
    assert (meter.sent_frames, meter.returned_frames, meter.echoed_frames) == (1, 1, 2)


@pytest.mark.parametrize("sample_rate", [8000, 16000, 24000])
def test_a_message_is_a_frame_of_20_ms_on_the_calls_channel(sample_rate: int) -> None:
    audio = StampedAudio(sample_rate)
    message = audio.message(7, SENT_NS)
    assert audio.frame_bytes == sample_rate // 50 * 2
    assert message.endswith(b"\x00" + audio.pcm(7, SENT_NS))
    # Of RFC 6455: a final binary frame, unmasked, with its length in the next two bytes.
    assert message[:2] == bytes([0x82, 126])
    assert int.from_bytes(message[2:4]) == audio.frame_bytes + 1 == len(message) - 4


def test_a_late_exchange_does_not_count_if_there_are_others() -> None:
    late = attrs.evolve(LOAD, cpu_ms_per_call_second=9.0, exchange_late_p99_ms=50.0)
    results = Results.begin(rounds=3, window_seconds=2)
    results.loads = [late, LOAD, late]
    summary = summarize(results)[Key("fast", 50, 20)]
    assert (summary.cpu_ms, summary.repetitions) == (1.0, 1)
    results.loads = [late]
    assert summarize(results)[Key("fast", 50, 20)].repetitions == 0


@pytest.mark.parametrize(("cpu_ms", "word"), [(0.5, "pass"), (0.7, "MISS")])
def test_a_target_refers_to_the_official_client_of_its_run(cpu_ms: float, word: str) -> None:
    results = Results.begin(rounds=1, window_seconds=2)
    results.loads = [
        attrs.evolve(LOAD, cpu_ms_per_call_second=cpu_ms),
        attrs.evolve(LOAD, agent="official"),
    ]
    verdict = judge(results)[0]
    assert (verdict.target.split(",")[0], verdict.word) == ("fast", word)


def test_agents_take_turns_and_none_is_always_first() -> None:
    plan = Plan(
        agents=("fast", "official"),
        calls=(50,),
        rounds=2,
        closer_calls=(),
        tls_calls=(),
        bursts=(),
        idle_calls=0,
    )
    loads = [(step.agent, step.request_ms) for step in plan.steps()]
    assert loads == [
        ("fast", (20, 100)),
        ("official", (20, 100)),
        ("official", (100, 20)),
        ("fast", (100, 20)),
    ]


@pytest.mark.parametrize(("fast_ms", "word"), [(1.1, "pass"), (1.3, "MISS")])
def test_agents_that_took_turns_are_compared_by_round(fast_ms: float, word: str) -> None:
    results = Results.begin(rounds=1, window_seconds=2)
    results.loads = [LOAD, attrs.evolve(LOAD, agent="official")]
    results.comparisons = [
        Comparison(50, 20, is_tls=False, cpu_ms={"fast": fast * pace, "official": 2 * pace})
        # Whatever the machine's pace was in a round.
        for fast, pace in ((fast_ms, 1), (fast_ms, 1.5), (9, 1), (fast_ms, 0.7), (0.1, 2))
    ]
    verdict = judge(results)[0]
    assert (verdict.target.split(",")[0], verdict.word) == ("fast", word)
    assert f"{fast_ms / 2:.2f}" in verdict.measured


def test_a_run_has_agents_take_turns_where_a_ratio_is_a_target() -> None:
    closer = [step for step in Plan().steps() if step.kind == "turns"]
    for step in closer:
        assert {"fast", "trio-websocket", "official"} <= set(step.agents)
        assert step.calls == 50
    for size in (20, 100):
        assert len([step for step in closer if step.request_ms == (size,)]) >= 5
    with_themselves = [step.agent for step in Plan().steps() if step.kind == "tls turns"]
    assert with_themselves.count("fast") >= 5
    alone = Plan(agents=("fast",)).steps()
    assert not [step for step in alone if step.kind == "turns"]


@pytest.mark.parametrize(("tls_ms", "word"), [(1.2, "pass"), (1.3, "MISS")])
def test_an_agent_takes_turns_with_itself_over_tls(tls_ms: float, word: str) -> None:
    results = Results.begin(rounds=1, window_seconds=2)
    results.loads = [LOAD, attrs.evolve(LOAD, is_tls=True, cpu_ms_per_call_second=9.0)]
    results.comparisons = [
        Comparison(50, 20, is_tls=False, cpu_ms={"fast": pace, "fast over TLS": tls_ms * pace})
        for pace in (1, 1.5, 0.7)
    ]
    (verdict,) = (v for v in judge(results) if v.target.startswith("fast, 50 calls over TLS"))
    assert verdict.word == word
    assert f"{tls_ms:.2f}, in turns" in verdict.measured


async def take_turns_with(
    monkeypatch: pytest.MonkeyPatch, figures: list[tuple[str, float]], windows: int
) -> list[float]:
    """Let agents a and b take turns, where the machine measures what is said, in that order."""
    coming = iter(figures)

    async def measure(pair: Any, request_ms: int, window_seconds: float) -> Load:
        name, cpu_ms = next(coming)
        assert pair.name == name
        late_ms = 0.0 if cpu_ms < 100 else 50.0
        return attrs.evolve(LOAD, cpu_ms_per_call_second=cpu_ms, exchange_late_p99_ms=late_ms)

    monkeypatch.setattr(turns, "measure_load", measure)
    pairs: list[Any] = [SimpleNamespace(name="a"), SimpleNamespace(name="b")]
    result = await turns.take_turns(pairs, 20, windows, 1.0)
    assert list(coming) == []
    return result


async def test_in_turns_none_is_always_first(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = [("a", 1.0), ("b", 10.0), ("b", 20.0), ("a", 2.0), ("a", 3.0), ("b", 30.0)]
    assert await take_turns_with(monkeypatch, figures, 3) == [2.0, 20.0]


async def test_a_turn_that_was_disturbed_counts_for_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    figures = [("a", 1.0), ("b", 500.0), ("b", 20.0), ("a", 2.0)]
    assert await take_turns_with(monkeypatch, figures, 2) == [2.0, 20.0]
    with pytest.raises(MeasurementError, match="too busy"):
        await take_turns_with(monkeypatch, figures[:2], 1)


@pytest.mark.parametrize("name", AGENTS)
def test_the_readme_says_what_each_agent_is(name: str) -> None:
    assert importlib.util.find_spec(AGENTS[name].module) is not None
    assert f"\n| `{name}` | " in README


def tables_of(path: Path) -> dict[str, str]:
    """Return the tables that a report makes of a file, by their titles."""
    _, *tables = markdown(Results.load(path)).split("\n### ")
    return {title: rows.strip() for title, _, rows in (text.partition("\n\n") for text in tables)}


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_the_readme_shows_the_results_that_are_kept(path: Path) -> None:
    for title, rows in tables_of(path).items():
        # A run over TLS only is held against no target.
        if title != "Targets" or not path.stem.endswith("-tls"):
            assert rows in README, title


def test_the_readme_shows_what_was_measured_in_turns() -> None:
    tables = tables_of(max(RESULTS.glob("turns/*.json")))
    in_turns = {title: rows for title, rows in tables.items() if title.startswith("In turns")}
    assert len(in_turns) == 3
    for title, rows in in_turns.items():
        assert f"#### {title}\n\n{rows}" in README


def test_the_readme_shows_what_baselines_cost() -> None:
    tables = tables_of(max(RESULTS.glob("baselines/*.json")))
    for title in (
        "In turns: 50 calls, requests of 20 ms",
        "CPU, ms a call-second; requests of 20 ms",
    ):
        assert tables[title] in README
