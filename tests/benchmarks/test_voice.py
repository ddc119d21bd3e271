"""What the benchmark of voice counts: echoes too faint for a detector, and who talks over whom."""

from __future__ import annotations

import importlib.util
import itertools
import re
from pathlib import Path

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.exchange.echo import EchoMeter
from benchmarks.figures import Load
from benchmarks.report import RESULTS, markdown
from benchmarks.voice.agents import VOICE_AGENTS
from benchmarks.voice.conversation import Attempt, Conversation, PlayOut
from benchmarks.voice.figures import Capacity, VoiceResults, carries, summarize_attempts
from benchmarks.voice.measure import more
from benchmarks.voice.pairs import TalkedOverCall, caller_speech
from benchmarks.voice.quiet_audio import QuietAudio
from benchmarks.voice.raw_calls import raw_head
from benchmarks.voice.recordings import count_gaps
from benchmarks.voice.report import VOICE_RESULTS, tables
from benchmarks.voice.runner import VoicePlan
from benchmarks.voice.sentences import SAMPLE_RATE, SENTENCE_SECONDS, number_of, sentence
from benchmarks.voice.targets import judge
from trio_calls.audio import level_dbfs, to_samples

pytestmark = [pytest.mark.pure, pytest.mark.slow]

AUDIO = QuietAudio(SAMPLE_RATE, head=b"")
FRAME_SECONDS = 0.02
FRAME = AUDIO.frame_bytes
SENT_NS, RETURNED_NS = 10**15 + 123_456_789, 10**15 + 124_000_000
SPEECH = [b"\x01\x01" * (FRAME // 2)] * 5

README = (RESULTS.parent / "README.md").read_text()

LOAD = Load(
    agent="pipecat-turn",
    calls=25,
    request_ms=20,
    is_tls=False,
    cpu_ms_per_call_second=10.0,
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


@given(cuts=st.lists(st.integers(0, 10_000), max_size=30), skipped=st.integers(0, 5))
def test_a_quiet_echo_is_found_however_it_is_cut(cuts: list[int], skipped: int) -> None:
    meter = EchoMeter(AUDIO)
    frames = [meter.send(SENT_NS) for _ in range(5)]
    stream = b"".join(frame for number, frame in enumerate(frames) if number != skipped)
    places = sorted({cut % (len(stream) + 1) for cut in cuts} | {0, len(stream)})
    for start, end in itertools.pairwise(places):
        meter.receive(stream[start:end], RETURNED_NS)
    assert meter.missing_frames == (1 if skipped < 5 else 0)
    assert set(meter.round_trips_ns) == {RETURNED_NS - SENT_NS}
    assert meter.foreign_bytes == 0


def test_a_quiet_frame_that_was_altered_has_not_come_back() -> None:
    frame = AUDIO.pcm(1, SENT_NS)
    assert AUDIO.read(frame) == (1, SENT_NS)
    assert AUDIO.read(frame[:4] + b"\x10\x10" + frame[6:]) is None
    assert AUDIO.read(frame[:-2] + b"\x10\x10") is None


def test_no_detector_takes_a_quiet_frame_for_speech() -> None:
    assert level_dbfs(AUDIO.pcm(2**32 - 1, 2**63)) < -70


def test_a_raw_frame_is_masked_with_zeros() -> None:
    head = raw_head(FRAME)
    # Of RFC 6455: a final binary frame, masked, its length in the next two bytes, then the key.
    assert head[:2] == bytes([0x82, 0x80 | 126])
    assert int.from_bytes(head[2:4]) == FRAME
    assert head[4:] == bytes(4)


@pytest.mark.parametrize("number", [1, 2, 99])
def test_a_sentence_tells_its_number(number: int) -> None:
    samples = to_samples(sentence(number))
    assert len(samples) == SENTENCE_SECONDS * SAMPLE_RATE
    assert {number_of(int(sample)) for sample in np.unique(samples)} == {number}
    assert number_of(0) == 0


def test_what_comes_early_is_played_in_its_turn() -> None:
    play_out = PlayOut(SAMPLE_RATE)
    play_out.receive(sentence(1)[: 2 * FRAME], 10.0)
    play_out.receive(sentence(2)[:FRAME], 10.01)
    play_out.receive(sentence(2)[:FRAME], 11.0)
    played = [(s.sentence, round(s.begin, 6), round(s.end, 6)) for s in play_out.stretches]
    assert played == [(1, 10.0, 10.04), (2, 10.04, 10.06), (2, 11.0, 11.02)]


def test_sentences_that_come_together_are_told_apart() -> None:
    play_out = PlayOut(SAMPLE_RATE)
    play_out.receive(sentence(1)[:FRAME] + bytes(FRAME) + sentence(2)[:FRAME], 5.0)
    assert [stretch.sentence for stretch in play_out.stretches] == [1, 0, 2]
    assert play_out.sentence_at(5.03) is None
    playing = play_out.sentence_at(5.05)
    assert playing is not None
    assert playing == pytest.approx((2, 5.04))


def test_a_call_asks_for_no_more_while_the_agent_is_silent() -> None:
    conversation = Conversation(SPEECH, lambda pcm: b"frame", SAMPLE_RATE, seed=1)
    connection = SentFrames()
    call = TalkedOverCall(0, AUDIO, conversation)
    call.opened_by(connection)  # type: ignore[arg-type]
    for _ in range(10):
        call.send_frame(1)
    assert connection.requested_bytes() == 2 * FRAME
    call.receive_audio(b"\0" + sentence(1)[: 100 * FRAME])
    call.send_frame(1)
    assert connection.requested_bytes() == 2 * FRAME


def test_what_is_forgotten_is_not_played() -> None:
    play_out = PlayOut(SAMPLE_RATE)
    for _ in range(3):
        play_out.receive(sentence(1)[:FRAME], 1.0)
    play_out.forget(1.03)
    assert [(round(s.begin, 6), round(s.end, 6)) for s in play_out.stretches] == [
        (1.0, 1.02),
        (1.02, 1.03),
    ]
    play_out.receive(sentence(2)[:FRAME], 1.05)
    last = play_out.stretches[-1]
    assert (last.sentence, last.begin, round(last.end, 6)) == (2, 1.05, 1.07)


def talked_over(
    stops_after: float | None, resumes_after: float | None = None
) -> tuple[list[Attempt], list[bytes]]:
    """Let an agent say sentences, and be silent so long after the caller began to talk.

    Returns what came of it, and what the caller said.
    """
    caller = Conversation(SPEECH, lambda pcm: pcm, SAMPLE_RATE, seed=1)
    said: list[bytes] = []
    number, began = 1, None
    for tick in range(round(30 / FRAME_SECONDS)):
        now = 100 + tick * FRAME_SECONDS
        said.append(caller.send(round(now * 1e9)))
        if said[-1] == SPEECH[0] and began is None:
            began = now
        since = None if began is None else now - began
        is_stopped = since is not None and stops_after is not None and since >= stops_after - 1e-6
        is_back = (
            since is not None and resumes_after is not None and abs(since - resumes_after) < 0.011
        )
        if since is not None and since > 2 and stops_after is not None:
            number, began, is_stopped = number + 1, None, False
        if not is_stopped or is_back:
            caller.receive(sentence(number)[:FRAME], round(now * 1e9))
    return caller.attempts(), said


class SentFrames:
    """A connection that only notes what goes over it."""

    def __init__(self) -> None:
        self.sent = b""

    def send(self, frames: bytes) -> None:
        self.sent += frames

    def requested_bytes(self) -> int:
        found = re.findall(rb'"requested_bytes": (\d+)', self.sent)
        return sum(map(int, found))


def test_it_is_measured_when_the_agent_is_silent() -> None:
    attempts, said = talked_over(stops_after=0.3)
    assert len(attempts) >= 5
    for attempt in attempts:
        assert attempt.silent_after_seconds == pytest.approx(0.3)
        assert attempt.heard_after_seconds == 0
    assert said.count(SPEECH[0]) >= 5 * len(attempts)


def test_what_is_heard_after_that_is_counted() -> None:
    attempts, _ = talked_over(stops_after=0.3, resumes_after=0.8)
    for attempt in attempts:
        assert attempt.silent_after_seconds == pytest.approx(0.3)
        assert attempt.heard_after_seconds == pytest.approx(FRAME_SECONDS)


def test_an_agent_that_talks_on_is_told() -> None:
    attempts, _ = talked_over(stops_after=None)
    assert len(attempts) >= 4
    assert {attempt.silent_after_seconds for attempt in attempts} == {None}


def test_attempts_are_put_together() -> None:
    attempts = [Attempt(0.1, 0.0), Attempt(None, 0.0), Attempt(0.2, 0.04), Attempt(0.3, 0.0)]
    figures = summarize_attempts("x", 5, attempts, core_share=0.2, lateness_seconds=[0.001])
    assert (figures.attempts, figures.talked_on, figures.resumed) == (4, 1, 1)
    assert (figures.silent_p50_ms, figures.silent_p90_ms) == (200, 300)
    assert figures.heard_after_ms == pytest.approx(40)


@pytest.mark.parametrize(
    ("changed", "is_carried"),
    [
        ({}, True),
        ({"round_trip_p99_ms": 19.9}, True),
        ({"round_trip_p99_ms": 20.1}, False),
        ({"lost_bytes": 640}, False),
        ({"exchange_late_p99_ms": 9.0}, False),
    ],
)
def test_calls_are_carried_if_nothing_is_lost_or_late(
    changed: dict[str, float], is_carried: bool
) -> None:
    assert carries(attrs.evolve(LOAD, **changed)) is is_carried  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("calls", "core_share", "next_calls"),
    [(100, 0.2, 150), (100, 0.64, 125), (100, 0.9, 106), (3, 0.9, 4), (1, 1.2, 2)],
)
def test_steps_get_short_where_a_core_is_nearly_busy(
    calls: int, core_share: float, next_calls: int
) -> None:
    assert more(calls, core_share) == next_calls


def test_callers_begin_to_talk_with_a_sound() -> None:
    for number in range(3):
        frames = caller_speech(number)
        assert {len(frame) for frame in frames} == {FRAME}
        assert abs(to_samples(frames[0]).astype(int)).max() >= 500


def test_agents_are_shown_beside_pipecat(tmp_path: Path) -> None:
    results = VoiceResults.begin(rounds=1, window_seconds=2)
    ours = attrs.evolve(LOAD, agent="echo-alone", cpu_ms_per_call_second=2.0)
    results.loads = [LOAD, ours]
    results.capacities = [Capacity("echo-alone", 300, 310)]
    results.save(tmp_path / "kept.json")
    text = markdown(results, tables(VoiceResults.load(tmp_path / "kept.json")))
    assert "| pipecat-turn | 10.00 | 1.00 | 1.0 / 2.0 | 0.10 | - |" in text
    assert "| echo-alone | 2.00 | 0.20 | 1.0 / 2.0 | 0.10 | 300 |" in text


@pytest.mark.parametrize(
    ("agent", "cpu_ms", "calls", "words"),
    [
        ("voice-silero", 2.0, 86, ["pass", "pass", "pass"]),
        ("voice-silero", 2.1, 85, ["MISS", "pass", "MISS"]),
        ("voice-webrtc", 1.4, 129, ["pass", "pass", "pass"]),
        ("voice-webrtc", 1.5, 128, ["MISS", "pass", "MISS"]),
    ],
)
def test_the_layer_is_judged_beside_pipecat(
    agent: str, cpu_ms: float, calls: int, words: list[str]
) -> None:
    results = VoiceResults.begin(rounds=1, window_seconds=2)
    results.loads = [LOAD, attrs.evolve(LOAD, agent=agent, cpu_ms_per_call_second=cpu_ms)]
    results.capacities = [Capacity(agent, calls, calls + 1), Capacity("pipecat-turn", 10, 11)]
    assert [verdict.word for verdict in judge(results)] == words


@pytest.mark.parametrize(("seconds", "word"), [(0.06, "pass"), (0.07, "MISS")])
def test_how_soon_the_agent_is_silent_is_judged(seconds: float, word: str) -> None:
    results = VoiceResults.begin(rounds=1, window_seconds=2)
    attempts = [Attempt(seconds, 0.0)]
    results.interruptions.append(
        summarize_attempts("voice-silero", 10, attempts, core_share=0.1, lateness_seconds=[0.001])
    )
    assert [verdict.word for verdict in judge(results)] == [word, "pass"]


def test_silences_are_shown_with_what_they_cost() -> None:
    results = VoiceResults.begin(rounds=1, window_seconds=2)
    talked_on, silent = Attempt(None, 0.0), Attempt(0.1, 0.0)
    for late, core_share in ((0.001, 0.1), (0.02, 0.99)):
        results.interruptions.append(
            summarize_attempts(
                "pipecat-turn",
                10,
                [silent, silent, talked_on],
                core_share=core_share,
                lateness_seconds=[late],
            )
        )
    text = markdown(results, tables(results))
    assert "| pipecat-turn | 100 / 100 | 3 | 1 | nothing | 10.00 |" in text
    assert "| pipecat-turn | 100 / 100\\*† | 3 | 1 | nothing | 99.00\\*† |" in text


@pytest.mark.parametrize("name", VOICE_AGENTS)
def test_the_readme_says_what_each_agent_is(name: str) -> None:
    assert importlib.util.find_spec(VOICE_AGENTS[name].module) is not None
    assert f"\n| `{name}` | " in README


def test_a_run_measures_every_agent() -> None:
    assert set(VoicePlan().agents) == set(VOICE_AGENTS)


@pytest.mark.parametrize("path", sorted(VOICE_RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_the_readme_shows_the_results_that_are_kept(path: Path) -> None:
    results = VoiceResults.load(path)
    _, *shown = markdown(results, tables(results)).split("\n### ")
    for table in shown:
        assert table.partition("\n\n")[2].strip() in README


def test_gaps_in_a_recording_are_found() -> None:
    audio = QuietAudio(SAMPLE_RATE)
    frames = [audio.pcm(number, number) for number in range(20)]
    pause = bytes(2 * SAMPLE_RATE)
    assert count_gaps(bytes(100) + b"".join(frames)) == 0
    assert count_gaps(b"".join([*frames[:5], pause, *frames[9:]])) == 0
    assert count_gaps(b"".join(frames[:5] + frames[6:])) == 1
    assert count_gaps(b"".join([*frames[:5], bytes(640), *frames[5:]])) == 1
    assert count_gaps(b"".join([*frames[:5], frames[5][:-2], *frames[6:]])) >= 1
