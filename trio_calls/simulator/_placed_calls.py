"""The calls that were placed in a simulator, for whoever places them."""

from __future__ import annotations

from collections import deque
from typing import Final

from trio_calls.simulator._simulated_call import SimulatedCall
from trio_calls.simulator.exchange.exchange import Exchange
from trio_calls.simulator.exchange.exchange_call import ExchangeCall
from trio_calls.simulator.phones.phone import Pickup, answers

#: The connector's own number: agents call from it, and are called there.
LOCAL_NUMBER: Final = "+65 6222 0000"


class PlacedCalls:
    """Places calls, and keeps them for as long as they may be asked about.

    Args:
      exchange: where calls are placed.
      keep_finished: how many of the calls that are over are kept, the latest; None: all.
    """

    def __init__(self, exchange: Exchange, keep_finished: int | None = None) -> None:
        self._exchange = exchange
        self._keep_finished = keep_finished
        # In the order in which they were placed.
        self._kept: dict[ExchangeCall, SimulatedCall] = {}
        self._finished: deque[ExchangeCall] = deque()
        # What the telephones of these numbers do when an agent calls them.
        self._pickups: dict[str, Pickup] = {}
        exchange.start_call = self._start

    @property
    def kept(self) -> list[SimulatedCall]:
        """All that are kept, in the order in which they were placed."""
        return list(self._kept.values())

    def place(self, *, caller: str, callee: str, pickup: Pickup) -> SimulatedCall:
        """Have one telephone call another, and offer the call to every SDK.

        Raises:
          ValueError: a number is too long for the wire; nothing happened.
        """
        call = self._exchange.place_call(
            caller=caller, callee=callee, pickup=pickup, on_over=self._call_finished
        )
        return self._keep(call)

    def set_pickup(self, number: str, pickup: Pickup) -> None:
        """Say what the telephone of a number does when an agent calls it."""
        self._pickups[number] = pickup

    def _start(self, number: str, local_number: str | None) -> ExchangeCall:
        """Place the call that an agent wants to be started. Called by the exchange."""
        call = self._exchange.place_call(
            caller=number,
            callee=local_number or LOCAL_NUMBER,
            pickup=answers(),
            dials=self._pickups.get(number, answers()),
            on_over=self._call_finished,
        )
        self._keep(call)
        return call

    def _keep(self, call: ExchangeCall) -> SimulatedCall:
        self._kept[call] = SimulatedCall(call, self._exchange.log)
        return self._kept[call]

    def _call_finished(self, call: ExchangeCall) -> None:
        if self._keep_finished is None:
            return
        self._finished.append(call)
        if len(self._finished) > self._keep_finished:
            forgotten = self._finished.popleft()
            del self._kept[forgotten]
            self._exchange.forget(forgotten)
