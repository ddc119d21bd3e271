"""Those who watch a client, and change nothing about it: metrics, health, traces.

Every offer that is seen comes to one end: it becomes a call, or it is lost. ::

    offer_seen() ──► waits for room ──► is claimed ──► call_opened() … call_closed()
                          │                 │
                          └─────────────────┴────────► offer_lost()

A call that rings anew, as its agent could not decline it, is an offer anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import attrs

from trio_calls.call.active_call import ActiveCall
from trio_calls.state import IdentityEnum


class Loss(IdentityEnum):
    """Why an offer has not become a call here."""

    BUSY = "busy"
    """Another worker was faster."""

    HUNG_UP = "hung_up"
    """The caller had hung up by the time of the claim.

    On the second wire, which does not say so, perhaps another worker has it.
    """

    WITHDRAWN = "withdrawn"
    """It was out of date before it was claimed: the caller had hung up, or is served already."""

    LEFT = "left"
    """The application left it to other workers, or put it off for too long."""

    LAPSED = "lapsed"
    """The time was over in which it could be claimed. On the second wire only."""

    CROWDED_OUT = "crowded_out"
    """More offers waited than are kept. It is left to other workers."""

    DISCONNECTED = "disconnected"
    """The control connection was lost before there was a call."""

    REFUSED = "refused"
    """The exchange has refused the claim for a reason of its own."""


class ClientObserver(Protocol):
    """Somebody who watches a client. Nothing here may wait or raise."""

    def connection_changed(self, is_connected: bool) -> None:
        """Note that there is a control connection now, or none any more."""
        ...

    def room_changed(self, is_full: bool) -> None:
        """Note that there are as many calls as there may be, or that there is room again."""
        ...

    def offer_seen(self) -> None:
        """Note that a call was offered, which may be claimed here."""
        ...

    def offer_lost(self, loss: Loss) -> None:
        """Note that an offer that was seen will be no call of this client."""
        ...

    def call_opened(self, call: ActiveCall, offered_at: float | None) -> None:
        """Note that a call is here, and its handler about to be called.

        Called in the context of the call's own task: all that runs for the call sees the context
        variables that are set in here.

        Args:
          call: the call.
          offered_at: when it was offered, in Trio's time; None if it was not: another process has
            handed it over, or the application has started it.
        """
        ...

    def call_closed(self, call: ActiveCall) -> None:
        """Note that nothing runs any more for a call. Called in the same context."""
        ...


@attrs.define(eq=False)
class ClientObservers:
    """Tells those who watch a client what happens to it.

    Args:
      capacity: how many calls there may be at a time; None for no limit.
      room: tells how many may ring at a time, as calls have failed; None for no limit.

    Attributes:
      capacity: how many calls there may be at a time; None for no limit.
      is_connected: whether there is a control connection.
      is_draining: whether no more calls are claimed, for good.
      is_full: whether there are as many calls as there may be; claims count, too.
    """

    capacity: int | None = None
    _room: Callable[[], float] | None = None
    is_connected: bool = attrs.field(default=False, init=False)
    is_draining: bool = attrs.field(default=False, init=False)
    is_full: bool = attrs.field(default=False, init=False)
    _observers: list[ClientObserver] = attrs.field(factory=list, init=False)

    @property
    def is_paused(self) -> bool:
        """Whether no calls are claimed for a while, as too many in a row have failed."""
        return self._room is not None and self._room() < 1

    def add(self, observer: ClientObserver) -> None:
        """Let somebody watch, until they are removed."""
        self._observers.append(observer)

    def remove(self, observer: ClientObserver) -> None:
        """Let somebody watch no longer who does."""
        self._observers.remove(observer)

    def connection_changed(self, is_connected: bool) -> None:
        """Tell of a new control connection, or of the loss of one."""
        self.is_connected = is_connected
        for observer in tuple(self._observers):
            observer.connection_changed(is_connected)

    def count_changed(self, calls: int) -> None:
        """Tell whether there is room, if that has changed, now that there are so many calls."""
        is_full = self.capacity is not None and calls >= self.capacity
        if is_full is not self.is_full:
            self.is_full = is_full
            for observer in tuple(self._observers):
                observer.room_changed(is_full)

    def offer_seen(self) -> None:
        """Tell of an offer."""
        for observer in tuple(self._observers):
            observer.offer_seen()

    def offer_lost(self, loss: Loss) -> None:
        """Tell of an offer that comes to nothing."""
        for observer in tuple(self._observers):
            observer.offer_lost(loss)

    def call_opened(self, call: ActiveCall, offered_at: float | None) -> None:
        """Tell of a new call, in the context of its task."""
        for observer in tuple(self._observers):
            observer.call_opened(call, offered_at)

    def call_closed(self, call: ActiveCall) -> None:
        """Tell of a call whose scope is closed."""
        for observer in tuple(self._observers):
            observer.call_closed(call)
