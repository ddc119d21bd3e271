"""Writes down what those who watch a client are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import attrs
import trio

from trio_calls import ActiveCall, CallClient
from trio_calls.client.client import client_observers_of
from trio_calls.client.observers import ClientObserver, Loss

SEEN = "seen"
whose: ContextVar[str] = ContextVar("whose", default="nobody's")


@attrs.define(eq=False)
class Observer:
    """Writes down what it is told."""

    told: list[object] = attrs.field(factory=list)

    def connection_changed(self, is_connected: bool) -> None:
        self.told.append("connected" if is_connected else "disconnected")

    def room_changed(self, is_full: bool) -> None:
        self.told.append("full" if is_full else "room")

    def offer_seen(self) -> None:
        self.told.append(SEEN)

    def offer_lost(self, loss: Loss) -> None:
        self.told.append(loss)

    def call_opened(self, call: ActiveCall, offered_at: float | None) -> None:
        whose.set(call.call_id)
        seconds = None if offered_at is None else trio.current_time() - offered_at
        self.told.append((call.call_id, "opened", seconds))

    def call_closed(self, call: ActiveCall) -> None:
        self.told.append((call.call_id, "closed"))


@contextmanager
def observing(client: CallClient) -> Iterator[list[object]]:
    """Collect what is told of a client in the block."""
    observer: ClientObserver = (written := Observer())
    observers = client_observers_of(client)
    observers.add(observer)
    try:
        yield written.told
    finally:
        observers.remove(observer)
