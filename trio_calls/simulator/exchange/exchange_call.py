"""One call through the exchange: its three legs, and everything that moves them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import attrs
import trio

from trio_calls.audio import frame_bytes
from trio_calls.audio_format import AudioFormat
from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.simulator.phones.agent_leg import AgentLeg, AgentSocket
from trio_calls.simulator.phones.agent_wire import AgentWire
from trio_calls.simulator.phones.conference import Party, mix_conference
from trio_calls.simulator.phones.leg import Leg, PhoneState
from trio_calls.simulator.phones.media_clock import run_media_clock
from trio_calls.simulator.phones.phone import Pickup
from trio_calls.simulator.phones.recording import make_recording
from trio_calls.simulator.phones.ringing import Ringing, RingOutcome
from trio_calls.state import AgentMode, CallState
from trio_calls.wire.commands import TERMINATED, CallEvent
from trio_calls.wire.first.control import CALL_TERMINATED, SDK_REQUEST
from trio_calls.wire.names import CALL_UNANSWERED

CALL_CLOSED: Final = "CALL_CLOSED"
CALL_DECLINED: Final = "CALL_DECLINED"

#: How long the telephone rings that an agent calls.
DIAL_SECONDS: Final = 60.0

#: How long the callee's phone rings before a call counts as missed.
MISSED_SECONDS: Final = 20.0


@attrs.frozen
class _Leaving:
    """An agent's wish to go, while the last of its audio is played."""

    command_id: str
    ends_call: bool


class ExchangeCall:
    """A call, as the exchange sees it.

    Args:
      number: the number of the call among the exchange's calls, from 1 on.
      call_id: its name on the media connection.
      session_id: its name on the control connection.
      caller: the number that calls.
      callee: the number that is called.
      pickup: what the callee does when the phone rings.
      sample_rate: the sample rate of its telephones, in Hz.
      nursery: runs the call's clock and its ringing.
      keep_audio_seconds: how much is kept of what each party hears and says, the latest seconds;
        None: all.
      mode_after_connect: who hears the agent in a conference at first.
      dials: what the telephone does that an agent calls, if an agent has started the call. It is in
        the place of the caller's in all of this: the agent talks with it first.
      on_agent_left: called with this call and a reason when it is over for the agent.
      on_over: called with this call when it is over for everybody.

    Attributes:
      number: the number of the call among the exchange's calls, from 1 on.
      call_id: its name on the media connection.
      session_id: its name on the control connection.
      sample_rate: the sample rate of its telephones, in Hz.
      caller: the caller's leg.
      callee: the callee's leg.
      agent: the agent's leg.
      is_outgoing: whether an agent has started it.
      was_missed: whether the callee's phone rang before any agent's, in vain.
      was_claimed: whether an SDK has ever claimed it.
      gone: who has left it or hung up, in that order; not those whom another's hanging up took out.
      claimed_or_over: set when an SDK has claimed it, or when it ended unclaimed.
      over: set when both telephones are hung up and the agent is gone.
      changes: wakes who waits for a change of anybody's state, or of the agent's mode.
    """

    def __init__(
        self,
        *,
        number: int,
        call_id: str,
        session_id: str,
        caller: str,
        callee: str,
        pickup: Pickup,
        sample_rate: int,
        nursery: trio.Nursery,
        keep_audio_seconds: float | None,
        mode_after_connect: AgentMode,
        dials: Pickup | None = None,
        on_agent_left: Callable[[ExchangeCall, str], None],
        on_over: Callable[[ExchangeCall], None],
    ) -> None:
        self.number = number
        self.call_id = call_id
        self.session_id = session_id
        self.sample_rate = sample_rate
        new_recording = partial(make_recording, sample_rate, keep_audio_seconds)
        self.is_outgoing: bool = dials is not None
        self.was_missed: bool = False
        waits = PhoneState.IDLE if self.is_outgoing else PhoneState.CALLING
        self.caller: Leg = Leg(caller, waits, new_recording)
        self.callee: Leg = Leg(callee, PhoneState.IDLE, new_recording)
        self.agent: AgentLeg = AgentLeg(sample_rate, mode_after_connect, new_recording)
        self.was_claimed: bool = False
        self.gone: list[Party] = []
        self.claimed_or_over: trio.Event = trio.Event()
        self.over: trio.Event = trio.Event()
        self.changes: Wakeup = Wakeup()
        for leg in (self.caller, self.callee, self.agent):
            leg.on_change = self.changes.wake
        self._pickup = pickup
        self._dials = dials
        self._nursery = nursery
        self._on_agent_left = on_agent_left
        self._on_over = on_over
        self._silence = bytes(frame_bytes(sample_rate))
        self._ringing: Ringing | None = None
        self._ringing_leg = self.callee
        # Of a telephone that rings before there is an agent in the call.
        self._early_ringing: Ringing | None = None
        self._leaving: _Leaving | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether the caller hears ringing and an agent could take the call."""
        return self.agent.state is CallState.PENDING

    @property
    def is_ringing(self) -> bool:
        """Whether the callee's phone rings."""
        return self._ringing is not None

    @property
    def is_being_left(self) -> bool:
        """Whether the agent is on its way out."""
        return self._leaving is not None

    def claim(self, audio_format: AudioFormat, agent_wire: type[AgentWire]) -> None:
        """Give the call to an agent.

        Args:
          audio_format: how it wants to hear it, and speaks.
          agent_wire: how its audio travels.
        """
        self._stop_early_ringing()
        self.agent.use(audio_format, agent_wire)
        self.was_claimed = True
        self.claimed_or_over.set()
        self.changes.wake()

    def dial(self, on_answered: Callable[[], None]) -> None:
        """Ring the telephone that an agent calls. If it is picked up already, say so at once."""
        if self.caller.was_connected:
            on_answered()
        elif self._early_ringing is None and self._dials is not None:
            self.caller.state = PhoneState.RINGING
            self._ring_early(self._dials, DIAL_SECONDS, partial(self._was_dialed, on_answered))

    def ring_first(self, on_missed: Callable[[], None]) -> None:
        """Ring the callee's phone before any agent's. Has it been missed already, do nothing."""
        if self.is_waiting and not (self.was_missed or self._early_ringing):
            self.callee.state = PhoneState.RINGING
            self._ring_early(self._pickup, MISSED_SECONDS, partial(self._has_rung_first, on_missed))

    def answer(self) -> None:
        """Connect the caller with the agent."""
        self._connect_caller()
        self.agent.move_to(CallState.ANSWERED)

    def ring(self, command_id: str, ring_seconds: float) -> None:
        """Ring the callee's phone; the command is answered when that has ended."""
        self.callee.state = PhoneState.RINGING
        self._ringing_leg = self.callee
        self._ringing = Ringing(command_id, self._pickup, ring_seconds, self._ringing_settled)
        self._nursery.start_soon(self._ringing.run)

    def place(self, command_id: str, ring_seconds: float) -> None:
        """Ring the telephone that an agent calls; the command is answered when that has ended."""
        assert self._dials is not None
        self.caller.state = PhoneState.RINGING
        self._ringing_leg = self.caller
        self._ringing = Ringing(command_id, self._dials, ring_seconds, self._placing_settled)
        self._nursery.start_soon(self._ringing.run)

    def leave(self, command_id: str, *, ends_call: bool) -> None:
        """Release the agent as soon as what was pulled of its audio has been played.

        Args:
          command_id: the id of the command that is confirmed then.
          ends_call: whether the telephones hang up then.
        """
        self._stop_ringing("the agent left the call")
        self._leaving = _Leaving(command_id, ends_call)
        self.agent.buffer.play_out()
        self._finish_leaving_if_played_out()

    def close(self) -> None:
        """End the call for its agent, as ``call.close`` does, without its having asked for that."""
        if self._leaving is not None:
            self._finish_leaving(self._leaving)
        elif self.agent.state is not CallState.DISCONNECTED:
            ends_call = self.agent.state is not CallState.CONNECTED
            self.agent.send(CallEvent(TERMINATED))
            self._stop_ringing("the session was closed")
            self._agent_left(SDK_REQUEST)
            if ends_call:
                self.end()

    def pick_up(self) -> None:
        """Pick up the phone that rings, if one does."""
        ringing = self._ringing or self._early_ringing
        if ringing is not None:
            ringing.settle(RingOutcome.PICKED_UP)

    def hang_up_caller(self) -> None:
        """Hang up the caller's phone, or decline the call of an agent that rings it."""
        if self._ringing is not None and self.caller.state is PhoneState.RINGING:
            self._ringing.settle(RingOutcome.DECLINED)
        else:
            self._hang_up(Party.CALLER)

    def hang_up_callee(self) -> None:
        """Hang up the callee's phone, or decline the call while it rings."""
        ringing = self._ringing or self._early_ringing
        if ringing is not None and self.callee.state is PhoneState.RINGING:
            ringing.settle(RingOutcome.DECLINED)
        elif self.callee.is_talking:
            self._hang_up(Party.CALLEE)

    def end(self) -> None:
        """End the call for everybody, as when the caller hangs up.

        A ringing connect is refused after that was said, so that an agent knows why.
        """
        if self.over.is_set():
            return
        self._stop_early_ringing()
        if self._leaving is not None:
            self._finish_leaving(self._leaving)
        elif self.agent.state is not CallState.DISCONNECTED:
            self.agent.send(CallEvent(TERMINATED))
            self._stop_ringing("the call has ended")
            self._agent_left(CALL_TERMINATED)
        # An agent that was leaving may have ended it just now.
        if not self.over.is_set():
            self._hang_up_phones()
            self.claimed_or_over.set()
            self.over.set()
            self.changes.wake()
            self._on_over(self)

    def replace_media_connection(self) -> None:
        """Close the agent's media connection, as another one is to take its place.

        The agent stays in the call as it is. A callee who is being rung is rung no longer, as
        nobody could be told what came of it.
        """
        self._stop_ringing("another media connection was opened for the call")
        self.agent.buffer.forget_credit()
        self.agent.hang_up()

    def media_connection_lost(self, socket: AgentSocket) -> bool:
        """Note that the agent's media connection is gone, whoever closed it.

        A waiting call goes on waiting, and a conference goes on without the agent. An agent that
        was on its way out is released as if it were there.

        Returns:
          Whether it was the present one, and not one that has been replaced.
        """
        if self.agent.socket is not socket:
            return False
        self.agent.socket = None
        self._stop_ringing("the agent is gone")
        if self._leaving is not None:
            return True
        if self.agent.state is CallState.CONNECTED:
            self._agent_left(CALL_TERMINATED)
        elif self.agent.state is CallState.ANSWERED:
            self.end()
        return True

    def tick(self) -> bool:
        """Move one frame of everybody's audio.

        Returns:
          Whether anybody is left to hear a next one.
        """
        if self.over.is_set():
            return False
        voices = self._take_voices()
        heard = mix_conference(voices, self.agent.mode, self._silence)
        self.caller.record(voices[Party.CALLER] or self._silence, heard[Party.CALLER])
        if Party.CALLEE in voices:
            self.callee.record(voices[Party.CALLEE] or self._silence, heard[Party.CALLEE])
        if Party.AGENT in voices:
            self._serve_agent(voices, heard[Party.AGENT])
        return not self.over.is_set()

    def _take_voices(self) -> dict[Party, bytes | None]:
        size = len(self._silence)
        voices = {Party.CALLER: self.caller.take_frame(size)}
        if self.callee.is_talking:
            voices[Party.CALLEE] = self.callee.take_frame(size)
        if self.agent.is_talking:
            voices[Party.AGENT] = self.agent.take_frame()
        return voices

    def _serve_agent(self, voices: dict[Party, bytes | None], heard: bytes) -> None:
        self.agent.said += voices[Party.AGENT] or self._silence
        caller: bytes | None = voices[Party.CALLER] or self._silence
        callee = voices[Party.CALLEE] or self._silence if Party.CALLEE in voices else None
        if self.is_outgoing:
            # The agent has called the callee, and brings in the caller.
            caller, callee = callee, caller
        self.agent.hear(heard, caller, callee)
        self._finish_leaving_if_played_out()

    def _connect_caller(self) -> None:
        if not self.caller.is_talking:
            self.caller.connect()
            self._nursery.start_soon(run_media_clock, trio.current_time(), self.tick)

    def _ringing_settled(self, outcome: RingOutcome) -> None:
        assert self._ringing is not None
        command_id = self._ringing.command_id
        self._ringing = None
        if outcome is RingOutcome.PICKED_UP:
            self.callee.connect()
            self._connect_caller()
            self.agent.move_to(CallState.CONNECTED)
            self.agent.confirm(command_id)
            self.agent.pull()
        else:
            self.callee.state = PhoneState.IDLE
            self._refuse_unanswered(command_id, outcome)

    def _placing_settled(self, outcome: RingOutcome) -> None:
        assert self._ringing is not None
        command_id = self._ringing.command_id
        self._ringing = None
        if outcome is RingOutcome.PICKED_UP:
            self._connect_caller()
            self.agent.move_to(CallState.ANSWERED)
            self.agent.confirm(command_id)
            self.agent.pull()
        else:
            self.caller.state = PhoneState.IDLE
            self._refuse_unanswered(command_id, outcome)
            self.end()

    def _refuse_unanswered(self, command_id: str, outcome: RingOutcome) -> None:
        if outcome is RingOutcome.DECLINED:
            self.agent.refuse(command_id, CALL_DECLINED, "the callee declined the call")
        else:
            self.agent.refuse(command_id, CALL_UNANSWERED, "the callee did not pick up in time")

    def _ring_early(
        self, pickup: Pickup, seconds: float, on_settled: Callable[[RingOutcome], None]
    ) -> None:
        self._early_ringing = Ringing("", pickup, seconds, on_settled)
        self._nursery.start_soon(self._early_ringing.run)

    def _was_dialed(self, on_answered: Callable[[], None], outcome: RingOutcome) -> None:
        self._early_ringing = None
        if outcome is RingOutcome.PICKED_UP:
            self._connect_caller()
            on_answered()
        else:
            self.end()

    def _has_rung_first(self, on_missed: Callable[[], None], outcome: RingOutcome) -> None:
        self._early_ringing = None
        if outcome is RingOutcome.PICKED_UP:
            self.callee.connect()
            self._connect_caller()
            self._agent_left(CALL_TERMINATED)
        else:
            self.callee.state = PhoneState.IDLE
            self.was_missed = True
            on_missed()

    def _stop_early_ringing(self) -> None:
        if self._early_ringing is not None:
            self._early_ringing.stop()
            self._early_ringing = None
            ringing = self.caller if self.is_outgoing else self.callee
            ringing.state = PhoneState.IDLE

    def _stop_ringing(self, reason: str) -> None:
        if self._ringing is not None:
            self._ringing.stop()
            self._ringing_leg.state = PhoneState.IDLE
            self.agent.refuse(self._ringing.command_id, CALL_CLOSED, reason)
            self._ringing = None

    def _finish_leaving_if_played_out(self) -> None:
        if self._leaving is not None and self.agent.has_played_out:
            self._finish_leaving(self._leaving)

    def _finish_leaving(self, leaving: _Leaving) -> None:
        self._leaving = None
        self.agent.confirm(leaving.command_id)
        self._agent_left(SDK_REQUEST)
        if leaving.ends_call:
            self.end()

    def _hang_up(self, party: Party) -> None:
        if not self.over.is_set():
            self.gone.append(party)
            self.end()

    def _agent_left(self, reason: str) -> None:
        if self.was_claimed and not self.gone:
            self.gone.append(Party.AGENT)
        self.agent.move_to(CallState.DISCONNECTED)
        self.agent.hang_up()
        self._on_agent_left(self, reason)

    def _hang_up_phones(self) -> None:
        for leg in (self.caller, self.callee):
            leg.end()
