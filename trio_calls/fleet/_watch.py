"""What a client and its calls do, noted for the directory. Nothing here waits for Redis."""

from __future__ import annotations

from collections.abc import Callable

import trio

from trio_calls.call.active_call import ActiveCall, observers_of
from trio_calls.call.observers import TurnTaken
from trio_calls.client.client import CallClient, client_observers_of
from trio_calls.client.observers import Loss
from trio_calls.endings import Ending
from trio_calls.fleet._changes import Changes
from trio_calls.fleet._clock import SharedClock
from trio_calls.fleet._entries import CallRecord, WorkerRecord
from trio_calls.fleet._events import CallEvent, CallEventKind, words_of_ending, words_of_failure
from trio_calls.state import AgentMode, CallState, Command


class CallWatch:
    """Watches one call: a `CallObserver`.

    Args:
      call: the call.
      note: is told that the call has changed, with what has happened.

    Attributes:
      call: the call.
      opened_at: when it was first seen, in Trio's time.
      since: when it came into its state, in Trio's time.
    """

    def __init__(self, call: ActiveCall, note: Callable[[CallWatch, CallEvent], None]) -> None:
        self.call: ActiveCall = call
        self.opened_at: float = trio.current_time()
        self.since: float = self.opened_at
        self._note = note
        self._count = 0
        self._has_ended = False

    def opened(self) -> None:
        """Tell that there is such a call."""
        self._tell(CallEventKind.OPENED)

    def closed(self) -> None:
        """Tell that nothing more will happen."""
        if not self._has_ended:
            self._tell(CallEventKind.ENDED)

    def state_changed(self, state: CallState, ending: Ending | None) -> None:
        """Tell of the new state, or of the end."""
        self.since = trio.current_time()
        if ending is None:
            self._tell(CallEventKind.STATE)
        else:
            self._has_ended = True
            self._tell(CallEventKind.ENDED, words_of_ending(ending))

    def mode_changed(self, mode: AgentMode) -> None:
        """Tell who hears the agent."""
        self._tell(CallEventKind.MODE)

    def command_ended(self, command: Command, asked_at: float, error: BaseException | None) -> None:
        """Tell of a command that has failed."""
        if error is not None and not self._has_ended:
            self._tell(CallEventKind.FAILED, words_of_failure(command, error))

    def turn_taken(self, turn: TurnTaken) -> None:
        """Nothing: there are far too many."""

    def interrupted(self) -> None:
        """Nothing: there are too many."""

    def record(self, clock: SharedClock, *, show_numbers: bool) -> CallRecord:
        """Write down how the call is now."""
        call = self.call
        return CallRecord(
            state=call.state,
            mode=call.mode,
            opened_ms=clock.to_ms(self.opened_at),
            since_ms=clock.to_ms(self.since),
            sample_rate=call.audio_format.sample_rate,
            caller_number=call.caller_number if show_numbers else None,
            callee_number=call.callee_number if show_numbers else None,
        )

    def _tell(self, kind: CallEventKind, detail: str = "") -> None:
        event = CallEvent(
            kind=kind,
            number=self._count,
            seconds=trio.current_time() - self.opened_at,
            state=self.call.state,
            mode=self.call.mode,
            detail=detail,
        )
        self._count += 1
        self._note(self, event)


class ClientWatch:
    """Watches a client: a `ClientObserver`.

    Args:
      client: the client.
      lease_seconds: for how long entries hold.
      show_numbers: whether telephone numbers are written down.
      wake: is called when there is something to write.

    Attributes:
      changes: what has changed since it was written last.
    """

    def __init__(
        self,
        client: CallClient,
        lease_seconds: float,
        *,
        show_numbers: bool,
        wake: Callable[[], None],
    ) -> None:
        self.changes: Changes = Changes()
        self._began_at = trio.current_time()
        self._lease_ms = round(lease_seconds * 1000)
        self._show_numbers = show_numbers
        self._wake = wake
        self._observers = client_observers_of(client)
        self._watches: dict[ActiveCall, CallWatch] = {}
        # The newest of each id.
        self._by_id: dict[str, CallWatch] = {}
        for call in client.calls:
            self._watch(call)
        self._observers.add(self)

    @property
    def call_ids(self) -> frozenset[str]:
        """The ids of the calls that there are."""
        return frozenset(self._by_id)

    def find(self, call_id: str) -> ActiveCall | None:
        """Return the call of an id, or None."""
        watch = self._by_id.get(call_id)
        return None if watch is None else watch.call

    def record(self, call_id: str, clock: SharedClock) -> CallRecord | None:
        """Write down how a call is now; None if it is gone."""
        watch = self._by_id.get(call_id)
        if watch is None:
            return None
        return watch.record(clock, show_numbers=self._show_numbers)

    def worker_record(self, clock: SharedClock) -> WorkerRecord:
        """Write down how the worker is now."""
        return WorkerRecord(
            since_ms=clock.to_ms(self._began_at),
            lease_ms=self._lease_ms,
            capacity=self._observers.capacity,
            is_draining=self._observers.is_draining,
            is_connected=self._observers.is_connected,
        )

    def stop(self) -> None:
        """Watch no longer."""
        self._observers.remove(self)
        for call, watch in self._watches.items():
            observers_of(call).remove(watch)

    def connection_changed(self, is_connected: bool) -> None:
        """Nothing: the worker is written down with each renewal."""

    def room_changed(self, is_full: bool) -> None:
        """Nothing: who looks can count."""

    def offer_seen(self) -> None:
        """Nothing: an offer is no call."""

    def offer_lost(self, loss: Loss) -> None:
        """Nothing: an offer is no call."""

    def call_opened(self, call: ActiveCall, offered_at: float | None) -> None:
        """Watch the call."""
        self._watch(call)

    def call_closed(self, call: ActiveCall) -> None:
        """Have the call forgotten."""
        watch = self._watches.pop(call)
        observers_of(call).remove(watch)
        watch.closed()
        # Another one may have the same name, if the exchange says so.
        if self._by_id.get(call.call_id) is watch:
            del self._by_id[call.call_id]
        self.changes.add_call(call.call_id)
        self._wake()

    def _watch(self, call: ActiveCall) -> None:
        watch = CallWatch(call, self._note)
        self._watches[call] = self._by_id[call.call_id] = watch
        observers_of(call).add(watch)
        watch.opened()

    def _note(self, watch: CallWatch, event: CallEvent) -> None:
        call_id = watch.call.call_id
        self.changes.add_call(call_id)
        self.changes.add_event(call_id, event)
        self._wake()
