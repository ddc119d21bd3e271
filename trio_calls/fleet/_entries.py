"""What the directory says of workers and of their calls.

Times are written as milliseconds on the clock of Redis, which all machines share, and read as how
long ago something was. So no machine has to agree with another about the time.
"""

from __future__ import annotations

from typing import Final

import attrs

from trio_calls._quoting import printable
from trio_calls.fleet._json import (
    count_of,
    flag_of,
    member_of,
    optional_member_of,
    optional_text_of,
    read_object,
    write_object,
)
from trio_calls.state import AgentMode, CallState

_MS: Final = 1000


@attrs.frozen(kw_only=True)
class CallRecord:
    """A call, as its worker writes it down.

    Attributes:
      state: the state that it is in.
      mode: who hears the agent; None unless CONNECTED.
      opened_ms: when the worker got it.
      since_ms: when it came into this state.
      sample_rate: of its audio, in Hz.
      caller_number: who calls; None if that is withheld, or not to be told.
      callee_number: whom the caller dialed.
    """

    state: CallState
    mode: AgentMode | None
    opened_ms: int
    since_ms: int
    sample_rate: int
    caller_number: str | None = attrs.field(default=None, repr=False)
    callee_number: str | None = attrs.field(default=None, repr=False)

    def encode(self) -> bytes:
        """Return it as JSON. Numbers that are not to be told are left out."""
        values = {
            "state": self.state.name,
            "mode": self.mode and self.mode.name,
            "opened_ms": self.opened_ms,
            "since_ms": self.since_ms,
            "sample_rate": self.sample_rate,
            "caller": self.caller_number,
            "callee": self.callee_number,
        }
        return write_object({name: value for name, value in values.items() if value is not None})

    @classmethod
    def decode(cls, data: bytes) -> CallRecord:
        """Read what `encode` has written.

        Raises:
          ValueError: it is none.
        """
        values = read_object(data)
        return cls(
            state=member_of(values, "state", CallState),
            mode=optional_member_of(values, "mode", AgentMode),
            opened_ms=count_of(values, "opened_ms"),
            since_ms=count_of(values, "since_ms"),
            sample_rate=count_of(values, "sample_rate"),
            caller_number=optional_text_of(values, "caller"),
            callee_number=optional_text_of(values, "callee"),
        )


@attrs.frozen(kw_only=True)
class WorkerRecord:
    """A worker, as it writes itself down.

    Attributes:
      since_ms: when it began to keep the directory.
      lease_ms: for how long its entries hold when it says nothing more.
      capacity: how many calls it takes at a time; None for no limit.
      is_draining: whether it takes no more calls, for good.
      is_connected: whether it is connected to the exchange.
    """

    since_ms: int
    lease_ms: int
    capacity: int | None
    is_draining: bool
    is_connected: bool

    def encode(self) -> bytes:
        """Return it as JSON."""
        return write_object(attrs.asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> WorkerRecord:
        """Read what `encode` has written.

        Raises:
          ValueError: it is none.
        """
        values = read_object(data)
        return cls(
            since_ms=count_of(values, "since_ms"),
            lease_ms=count_of(values, "lease_ms"),
            capacity=None if values.get("capacity") is None else count_of(values, "capacity"),
            is_draining=flag_of(values, "is_draining"),
            is_connected=flag_of(values, "is_connected"),
        )


@attrs.frozen(kw_only=True)
class CallEntry:
    """A call of a fleet. Got from `Fleet.view`.

    Attributes:
      call_id: the exchange's name for the call.
      worker_id: the worker that has it.
      state: the state that it is in.
      mode: who hears the agent; None unless CONNECTED.
      seconds: for how long the worker has had it.
      state_seconds: for how long it has been in this state.
      sample_rate: of its audio, in Hz.
      caller_number: who calls; None if that is withheld, or if the worker does not tell numbers.
      callee_number: whom the caller dialed; None likewise.
    """

    call_id: str
    worker_id: str
    state: CallState
    mode: AgentMode | None
    seconds: float
    state_seconds: float
    sample_rate: int
    caller_number: str | None = attrs.field(default=None, repr=False)
    callee_number: str | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class WorkerEntry:
    """A worker of a fleet. Got from `Fleet.view`.

    Attributes:
      worker_id: its name.
      seconds: for how long it has kept the directory.
      silent_seconds: how long ago it has said something; more than a third of its lease is a sign
        that it has trouble.
      capacity: how many calls it takes at a time; None for no limit.
      is_draining: whether it takes no more calls, for good.
      is_connected: whether it is connected to the exchange.
      is_whole: whether all its calls are listed. Where Redis was full some may be missing, or be in
        another state.
    """

    worker_id: str
    seconds: float
    silent_seconds: float
    capacity: int | None
    is_draining: bool
    is_connected: bool
    is_whole: bool


@attrs.frozen
class FleetView:
    """A fleet at a moment. Got from `Fleet.view`.

    Attributes:
      workers: the workers, by their names.
      calls: their calls, worker by worker, the oldest first.
      unreadable: how many entries make no sense, and are left out.
    """

    workers: tuple[WorkerEntry, ...]
    calls: tuple[CallEntry, ...]
    unreadable: int = 0


def call_entry(call_id: str, worker_id: str, record: CallRecord, now_ms: int) -> CallEntry:
    """Return a call as it is shown."""
    return CallEntry(
        call_id=printable(call_id),
        worker_id=worker_id,
        state=record.state,
        mode=record.mode,
        seconds=_seconds_since(record.opened_ms, now_ms),
        state_seconds=_seconds_since(record.since_ms, now_ms),
        sample_rate=record.sample_rate,
        caller_number=record.caller_number and printable(record.caller_number),
        callee_number=record.callee_number and printable(record.callee_number),
    )


def worker_entry(
    worker_id: str, record: WorkerRecord, now_ms: int, *, left_ms: int, is_whole: bool
) -> WorkerEntry:
    """Return a worker as it is shown.

    Args:
      worker_id: its name.
      record: what it says of itself.
      now_ms: the time on the clock of Redis.
      left_ms: what is left of its lease.
      is_whole: whether all its calls are listed.
    """
    return WorkerEntry(
        worker_id=worker_id,
        seconds=_seconds_since(record.since_ms, now_ms),
        silent_seconds=max(0, record.lease_ms - left_ms) / _MS,
        capacity=record.capacity,
        is_draining=record.is_draining,
        is_connected=record.is_connected,
        is_whole=is_whole,
    )


def _seconds_since(then_ms: int, now_ms: int) -> float:
    return max(0, now_ms - then_ms) / _MS
