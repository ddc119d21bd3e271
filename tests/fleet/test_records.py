"""What the directory says of calls and workers, as it is written and read."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trio_calls.fleet._entries import CallRecord, WorkerRecord, call_entry, worker_entry
from trio_calls.fleet._keys import is_worker_id
from trio_calls.state import AgentMode, CallState

pytestmark = pytest.mark.pure

MS = st.integers(0, 2**53)
NUMBERS = st.none() | st.text(min_size=1, max_size=64)
RECORDS = st.builds(
    CallRecord,
    state=st.sampled_from(CallState),
    mode=st.none() | st.sampled_from(AgentMode),
    opened_ms=MS,
    since_ms=MS,
    sample_rate=st.integers(1, 192_000),
    caller_number=NUMBERS,
    callee_number=NUMBERS,
)
WORKERS = st.builds(
    WorkerRecord,
    since_ms=MS,
    lease_ms=MS,
    capacity=st.none() | st.integers(0, 10_000),
    is_draining=st.booleans(),
    is_connected=st.booleans(),
)
CALL = CallRecord(
    state=CallState.CONNECTED,
    mode=AgentMode.SPY,
    opened_ms=1000,
    since_ms=2500,
    sample_rate=24000,
    caller_number="+6591110000",
)
WORKER = WorkerRecord(
    since_ms=1000, lease_ms=10_000, capacity=100, is_draining=False, is_connected=True
)


@settings(max_examples=40)
@given(RECORDS)
def test_a_call_is_read_as_it_was_written(record: CallRecord) -> None:
    assert CallRecord.decode(record.encode()) == record


@settings(max_examples=40)
@given(WORKERS)
def test_a_worker_is_read_as_it_was_written(record: WorkerRecord) -> None:
    assert WorkerRecord.decode(record.encode()) == record


def test_numbers_that_are_not_told_are_not_written() -> None:
    silent = attrs.evolve(CALL, caller_number=None)
    assert "caller" not in json.loads(silent.encode())
    assert "6591110000" in CALL.encode().decode()


def test_no_number_is_in_a_repr() -> None:
    entry = call_entry("a", "w", CALL, 5000)
    assert entry.caller_number == "+6591110000"
    assert "6591110000" not in repr(CALL) + repr(entry)


def test_times_are_told_as_how_long_ago() -> None:
    entry = call_entry("a", "w", CALL, 5000)
    assert (entry.seconds, entry.state_seconds) == (4.0, 2.5)
    worker = worker_entry("w", WORKER, 5000, left_ms=7500, is_whole=True)
    assert (worker.seconds, worker.silent_seconds) == (4.0, 2.5)


def test_a_clock_that_goes_back_makes_nothing_negative() -> None:
    entry = call_entry("a", "w", CALL, 0)
    assert (entry.seconds, entry.state_seconds) == (0.0, 0.0)
    assert worker_entry("w", WORKER, 0, left_ms=20_000, is_whole=True).silent_seconds == 0.0


def test_what_a_terminal_would_obey_is_left_out() -> None:
    entry = call_entry("a\x1b[2J", "w", attrs.evolve(CALL, caller_number="\n1"), 0)
    assert (entry.call_id, entry.caller_number) == ("a[2J", "1")


WRONG: list[tuple[str, Any]] = [
    ("state", "connected"),
    ("state", None),
    ("state", ["PENDING"]),
    ("mode", "SHOUT"),
    ("opened_ms", -1),
    ("opened_ms", 1.5),
    ("opened_ms", True),
    ("opened_ms", 2**60),
    ("since_ms", "1"),
    ("sample_rate", None),
    ("caller", ""),
    ("caller", 12),
    ("caller", "x" * 513),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_call_that_makes_no_sense_is_refused(name: str, value: object) -> None:
    values = {**json.loads(CALL.encode()), name: value}
    with pytest.raises(ValueError, match=name):
        CallRecord.decode(json.dumps(values).encode())


@pytest.mark.parametrize("name", ["since_ms", "lease_ms", "is_draining", "is_connected"])
def test_a_worker_that_lacks_something_is_refused(name: str) -> None:
    values = json.loads(WORKER.encode())
    del values[name]
    with pytest.raises(ValueError, match=name):
        WorkerRecord.decode(json.dumps(values).encode())


@pytest.mark.parametrize(
    "data", [b"", b"null", b"[]", b"\xff", b"[" * 10_000, b'{"a":"' + b"x" * 17_000 + b'"}']
)
def test_what_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        CallRecord.decode(data)


@settings(max_examples=40)
@given(st.binary(max_size=64) | st.from_regex(r'\{"state":.{0,20}\}').map(str.encode))
def test_nothing_but_a_value_error_comes_of_nonsense(data: bytes) -> None:
    for read in (CallRecord.decode, WorkerRecord.decode):
        with pytest.raises(ValueError, match=r".*"):
            read(data)


def test_what_is_newer_is_passed_over() -> None:
    values = {**json.loads(CALL.encode()), "mood": "good"}
    assert CallRecord.decode(json.dumps(values).encode()) == CALL


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("web1-4f.a_B", True), ("", False), ("a:b", False), ("é", False), ("x" * 129, False)],
)
def test_names_of_workers(text: str, is_one: bool) -> None:
    assert is_worker_id(text) is is_one
