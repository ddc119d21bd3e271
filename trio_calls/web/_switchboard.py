"""Which tab has which number, and the calls between them."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Final

import trio

from trio_calls.simulator import Simulator, never_answers
from trio_calls.simulator._live_partner import follow_partners
from trio_calls.web import _messages as messages
from trio_calls.web._chats import Chats
from trio_calls.web._faults import FAULTS_BY_NAME
from trio_calls.web._phone_call import PhoneCall
from trio_calls.web._recordings import Recordings
from trio_calls.web._tab import Tab

#: The numbers of the first two tabs, which call each other.
CALLER_NUMBER: Final = "+65 9111 0000"
CALLEE_NUMBER: Final = "+65 6222 0000"

#: So many tabs may be open.
MAX_TABS: Final = 100


class Switchboard:
    """Connects the tabs with a simulator's telephones.

    Args:
      simulator: where the calls are placed.
      recordings: keeps the recordings of the calls that are over.
      agent: the name of the agent that takes the calls; None: whichever is connected.
      nursery: runs the calls.

    Attributes:
      chats: what is written between the tabs and agents.
    """

    def __init__(
        self,
        simulator: Simulator,
        recordings: Recordings,
        agent: str | None,
        nursery: trio.Nursery,
    ) -> None:
        self._simulator = simulator
        self._recordings = recordings
        self._agent = agent
        self._nursery = nursery
        self._tabs: dict[str, Tab] = {}
        self._calls: dict[str, PhoneCall] = {}
        self.chats: Chats = Chats(simulator)

    @property
    def is_full(self) -> bool:
        """Whether there may be no more tabs."""
        return len(self._tabs) >= MAX_TABS

    def tab_of(self, number: str) -> Tab | None:
        """Return the tab with a number, or None."""
        return self._tabs.get(number)

    def join(self, tab: Tab) -> None:
        """Give a new tab a number, and greet it."""
        self._assign(tab, next(n for n in _numbers() if n not in self._tabs))
        to = CALLER_NUMBER if tab.number == CALLEE_NUMBER else CALLEE_NUMBER
        rate = self._simulator.config.sample_rate
        tab.tell(messages.hello(sample_rate=rate, number=tab.number, dial=to, agent=self._agent))
        self.chats.show(tab)

    def leave(self, tab: Tab) -> None:
        """Forget a tab that is gone, and hang up for it."""
        if self._tabs.get(tab.number) is tab:
            del self._tabs[tab.number]
        self.chats.forget(tab)
        for call in list(self._calls.values()):
            call.tab_left(tab)

    def register(self, tab: Tab, number: str) -> None:
        """Give a tab the number that it asks for, or say why not."""
        if refusal := _wrong_number(number) or self._refuse_number(tab, number):
            tab.tell(messages.error(refusal, "register"))
            return
        self._assign(tab, number)
        tab.tell(messages.registered(number))
        self.chats.show(tab)

    def dial(self, tab: Tab, to: str) -> None:
        """Place a call from a tab's number, or say why not."""
        if refusal := _wrong_number(to) or _refuse_call(tab, to):
            tab.tell(messages.error(refusal, "dial"))
            return
        simulated = self._simulator.place_call(caller=tab.number, callee=to, pickup=never_answers())
        call = PhoneCall(simulated, self._simulator, tab, self.tab_of)
        self._calls[simulated.call_id] = call
        self._nursery.start_soon(self._run, call)

    def write(self, tab: Tab, text: str) -> None:
        """Write to the agent from a tab's number, or say why not."""
        if refusal := self.chats.write(tab, text):
            tab.tell(messages.error(refusal, "write"))

    def inject(self, tab: Tab, name: str) -> None:
        """Make something go wrong in a tab's call, or in the next one."""
        fault = FAULTS_BY_NAME.get(name)
        if fault is None:
            tab.tell(messages.error("There is no such fault.", "fault"))
        elif tab.call is None and fault.needs_call:
            tab.tell(messages.error("This goes wrong in a call only: call first.", "fault"))
        else:
            call = None if tab.call is None else tab.call.simulated
            self._simulator.inject(fault.make(), call=call)

    def pass_on(self, call_id: str, record: str) -> None:
        """Pass on a record of an agent's timeline, as JSON, to the tabs of its call."""
        call = self._calls.get(call_id)
        if call is not None:
            call.tell(messages.timeline(record))

    async def _run(self, call: PhoneCall) -> None:
        try:
            await call.run(self._recordings)
        finally:
            del self._calls[call.simulated.call_id]

    def _assign(self, tab: Tab, number: str) -> None:
        self._tabs.pop(tab.number, None)
        self._tabs[number] = tab
        tab.number = number
        # Calls may be ringing this number.
        for call in self._calls.values():
            call.look_again()

    def _refuse_number(self, tab: Tab, number: str) -> str | None:
        if self._tabs.get(number, tab) is not tab:
            return f"Another tab has the number {number}."
        if tab.call is not None:
            return "A phone keeps its number while it is in a call."
        return None


def _numbers() -> Iterator[str]:
    yield from (CALLER_NUMBER, CALLEE_NUMBER)
    for count in itertools.count(1):
        yield f"+65 9111 {count:04}"


def _wrong_number(number: str) -> str | None:
    if not number.strip() or not number.isprintable():
        return "A number is 1 to 512 printable characters."
    return None


def _refuse_call(tab: Tab, to: str) -> str | None:
    if tab.call is not None:
        return "This phone is in a call: hang up first."
    if to == tab.number:
        return f"{to} is this phone's own number: call another one."
    return None


@asynccontextmanager
async def open_switchboard(
    simulator: Simulator, recordings: Recordings, *, agent: str | None = None
) -> AsyncIterator[Switchboard]:
    """Connect tabs with a simulator's telephones for the duration of the block."""
    async with trio.open_nursery() as nursery:
        switchboard = Switchboard(simulator, recordings, agent, nursery)
        with follow_partners(simulator, switchboard.chats.look):
            yield switchboard
        nursery.cancel_scope.cancel()
