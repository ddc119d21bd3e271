"""A call that was placed from a tab: its two telephones, and what their tabs are told of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import trio

from trio_calls.simulator import PhoneState, SimulatedCall, Simulator
from trio_calls.simulator._live_phone import LivePhone, follow, wait_changed, wake_watchers
from trio_calls.simulator.transcript.frame_text import FrameText
from trio_calls.simulator.transcript.transcript import ConnectionKind, Direction
from trio_calls.state import CallState, Command
from trio_calls.web import _messages as messages
from trio_calls.web._recordings import KEEP_SECONDS, Recordings, stereo_wav

if TYPE_CHECKING:
    from trio_calls.web._tab import Tab

CALLER: Final = "caller"
CALLEE: Final = "callee"

#: The states of a call before an agent has claimed it, and when it is over for a telephone. The
#: others are `CallState`'s.
DIALING: Final = "DIALING"
OVER: Final = CallState.DISCONNECTED.value

#: How many events a tab that joins late is told of.
_MAX_EVENTS: Final = 1000

_GOODBYES: Final = frozenset({Command.CLOSE.value, Command.DISCONNECT.value})
_RING_ENDINGS: Final = {
    PhoneState.HUNG_UP: "The call is over.",
    PhoneState.IDLE: "It rings no longer.",
}


class PhoneCall:
    """One call.

    Args:
      simulated: the call in the simulator.
      simulator: the simulator.
      caller: the tab that calls.
      tab_of: finds the tab with a number.

    Attributes:
      simulated: the call in the simulator.
    """

    def __init__(
        self,
        simulated: SimulatedCall,
        simulator: Simulator,
        caller: Tab,
        tab_of: Callable[[str], Tab | None],
    ) -> None:
        self.simulated = simulated
        self._sample_rate = simulator.config.sample_rate
        self._tab_of = tab_of
        self._placed_at = trio.current_time()
        self._phones = {
            role: LivePhone(simulated, is_callee=role == CALLEE) for role in (CALLER, CALLEE)
        }
        self._tabs: dict[str, Tab] = {CALLER: caller}
        self._told: dict[str, str] = {}
        self._events: list[str] = []
        self._commands: dict[str, str] = {}
        self._listening = ExitStack()
        self._callee_was = PhoneState.IDLE
        self._is_missed = False
        self._hung_up_by: str | None = None
        self._agent_said_goodbye = False
        self._attend(CALLER, caller)
        follow(simulated, self._follow)

    def role_of(self, tab: Tab) -> str | None:
        """Return which telephone of the call a tab is, or None."""
        return next((role for role, other in self._tabs.items() if other is tab), None)

    async def run(self, recordings: Recordings) -> None:
        """Tell the tabs what happens, until the call is over.

        Cancellation: the telephones are left to the simulator, which hangs them up.
        """
        with self._listening:
            self._note(CALLER, f"calls {self.simulated.callee.number}")
            self._look()
            while not self.simulated.ended:
                await wait_changed(self.simulated)
                self._look()
        files = self._keep_recordings(recordings)
        for tab in self._tabs.values():
            tab.call = None
            tab.tell(messages.recordings(files))

    def speak(self, tab: Tab, pcm: bytes) -> None:
        """Have a tab's telephone say something now."""
        role = self.role_of(tab)
        if role is not None:
            self._phones[role].speak(pcm)

    def pick_up(self, tab: Tab) -> None:
        """Pick up a telephone that rings."""
        if self.role_of(tab) == CALLEE and self._callee_was is PhoneState.RINGING:
            self._note(CALLEE, "picks up")
            self._phones[CALLEE].pick_up()

    def hang_up(self, tab: Tab) -> None:
        """Hang up a tab's telephone, or decline while it rings."""
        role = self.role_of(tab)
        if role is None or self.simulated.ended:
            return
        if role == CALLEE and self._callee_was is PhoneState.RINGING:
            self._note(CALLEE, "declines")
        else:
            self._hung_up_by = role
            self._note(role, "hangs up")
        self._phones[role].hang_up()

    def tab_left(self, tab: Tab) -> None:
        """Hang up for a tab that is gone. Where it rang, it rings on, for nobody or the next."""
        role = self.role_of(tab)
        if role == CALLEE and self._callee_was is PhoneState.RINGING:
            self._detach(tab)
            self.look_again()
        elif role is not None:
            self.hang_up(tab)

    def look_again(self) -> None:
        """Look whether somebody has the number that rings."""
        wake_watchers(self.simulated)

    def tell(self, text: str) -> None:
        """Tell all tabs of the call."""
        for tab in self._tabs.values():
            tab.tell(text)

    def _attend(self, role: str, tab: Tab) -> None:
        tab.call = self
        phone = self._phones[role]
        phone.record(KEEP_SECONDS)
        self._listening.enter_context(phone.heard_by(tab.hear))

    def _detach(self, tab: Tab) -> None:
        role = self.role_of(tab)
        if role is not None:
            del self._tabs[role]
            self._told.pop(role, None)
            tab.call = None

    def _look(self) -> None:
        self._look_at_callee()
        for role, tab in self._tabs.items():
            if role == CALLEE and self._callee_was in {PhoneState.RINGING, PhoneState.IDLE}:
                continue
            state, mode = self._state_of(role)
            ending = self._ending(role) if state == OVER else None
            text = messages.call(
                call_id=self.simulated.call_id, role=role, state=state, mode=mode, ending=ending
            )
            if self._told.get(role) != text:
                self._told[role] = text
                tab.tell(text)

    def _state_of(self, role: str) -> tuple[str, str | None]:
        """Return the state of the call for a telephone, and the mode of an agent that is in it."""
        if self._phones[role].state is PhoneState.HUNG_UP:
            return OVER, None
        state, mode = self.simulated.agent_states[-1], self.simulated.agent_mode
        if state is CallState.DISCONNECTED:
            # The two talk on, without the agent.
            return CallState.CONNECTED.value, None
        if state is CallState.PENDING and not self.simulated.was_claimed:
            return DIALING, None
        return state.value, None if mode is None else mode.value

    def _look_at_callee(self) -> None:
        state, was = self._phones[CALLEE].state, self._callee_was
        self._callee_was = state
        if state is PhoneState.RINGING:
            self._ring(is_first_look=was is not PhoneState.RINGING)
        elif was is PhoneState.RINGING:
            self._end_ringing(state)

    def _ring(self, *, is_first_look: bool) -> None:
        number = self.simulated.callee.number
        if is_first_look:
            self._is_missed = False
            self._note("exchange", f"rings {number}")
        if CALLEE in self._tabs:
            return
        tab = self._tab_of(number)
        if tab is None:
            self._say_missed(number)
        elif tab.call is not None:
            self._note(CALLEE, "is in another call")
            self._phones[CALLEE].hang_up()
        else:
            self._tabs[CALLEE] = tab
            self._attend(CALLEE, tab)
            tab.tell(
                messages.ringing(
                    call_id=self.simulated.call_id,
                    caller=self.simulated.caller.number,
                    callee=number,
                )
            )
            for event in self._events:
                tab.tell(event)

    def _say_missed(self, number: str) -> None:
        if not self._is_missed:
            self._is_missed = True
            self._tabs[CALLER].tell(
                messages.error(
                    f"{number} rings, and no phone has that number: open a second tab and "
                    f"register {number}.",
                    "ringing",
                )
            )

    def _end_ringing(self, state: PhoneState) -> None:
        tab = self._tabs.get(CALLEE)
        if tab is None or state is PhoneState.TALKING:
            # Who has picked up is told of the call, and not that the ringing is over.
            return
        reason = _RING_ENDINGS.get(state, "It rings no longer.")
        tab.tell(messages.ring_ended(call_id=self.simulated.call_id, reason=reason))
        self._detach(tab)

    def _ending(self, role: str) -> str:
        if self._hung_up_by == role:
            return "You hung up."
        if self._hung_up_by is not None:
            return f"The {self._hung_up_by} hung up."
        if self._agent_said_goodbye:
            was_answered = len(self.simulated.agent_states) > 2  # noqa: PLR2004
            return "The agent hung up." if was_answered else "The agent declined the call."
        return "The agent was lost: its media connection broke."

    def _follow(self, connection: ConnectionKind, direction: Direction, text: FrameText) -> None:
        """Put what has travelled into words."""
        party = "agent" if direction is Direction.FROM_AGENT else "exchange"
        what = text.what
        if text.reference is not None:
            what = self._name_answer(text.reference[1], what, is_answer=party == "exchange")
        if party == "agent" and what in _GOODBYES:
            self._agent_said_goodbye = True
        where = f"{connection} connection: " if direction is Direction.NEITHER else ""
        self._note(party, where + what)

    def _name_answer(self, identifier: str, what: str, *, is_answer: bool) -> str:
        if not is_answer:
            self._commands[identifier] = what.partition(" ")[0]
            return what
        return f"{self._commands.pop(identifier, 'a command')}: {what.removeprefix('response ')}"

    def _note(self, party: str, text: str) -> None:
        at = trio.current_time() - self._placed_at
        event = messages.event(at=at, party=party, text=text)
        if len(self._events) < _MAX_EVENTS:
            self._events.append(event)
        self.tell(event)

    def _keep_recordings(self, recordings: Recordings) -> list[dict[str, str]]:
        files = []
        for role, phone in self._phones.items():
            said, heard = phone.take_recording()
            if said:
                name = f"call-{self.simulated.number}-{role}.wav"
                recordings.add(name, stereo_wav(said, heard, self._sample_rate))
                files.append({"name": name, "url": f"/recordings/{name}"})
        return files
