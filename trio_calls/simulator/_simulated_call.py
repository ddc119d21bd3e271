"""A call in the simulator, for whoever placed it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

import attrs

from trio_calls.audio import FRAME_SECONDS, frame_bytes, level_dbfs
from trio_calls.simulator.exchange.exchange_call import ExchangeCall
from trio_calls.simulator.phones.agent_leg import AgentLeg
from trio_calls.simulator.phones.conference import Party
from trio_calls.simulator.phones.leg import Leg, PhoneHungUp
from trio_calls.simulator.phones.phone import Phone
from trio_calls.simulator.phones.recording import make_recording
from trio_calls.simulator.transcript.transcript import Transcript
from trio_calls.simulator.transcript.transcript_log import TranscriptLog
from trio_calls.state import AgentMode, CallState

_SWAPPED: Final = {
    Party.CALLER: Party.CALLEE,
    Party.CALLEE: Party.CALLER,
    Party.AGENT: Party.AGENT,
}


@attrs.frozen
class Levels:
    """How loud the parties of a call are, in dBFS; None: not in the call; silence: minus infinity.

    Attributes:
      caller: the caller's voice.
      callee: the callee's.
      agent: the agent's, whoever hears it.
    """

    caller: float | None
    callee: float | None
    agent: float | None


class SimulatedCall:
    """A call in the simulator: its two telephones, and what the exchange knows of its agent.

    Attributes:
      number: the number of the call among the simulator's calls, from 1 on.
      caller: the telephone that calls.
      callee: the telephone that is called. In a call that an agent has started, the agent talks
        with this one first, and brings in the caller's, which is the connector's own.
    """

    def __init__(self, call: ExchangeCall, log: TranscriptLog) -> None:
        self._call = call
        self._log = log
        self.number: int = call.number
        first = Phone(call.caller, call.hang_up_caller)
        second = Phone(call.callee, call.hang_up_callee)
        self.caller: Phone = second if call.is_outgoing else first
        self.callee: Phone = first if call.is_outgoing else second

    def __repr__(self) -> str:
        return f"<SimulatedCall {self.call_id} {self._call.agent.state.name}>"

    @property
    def call_id(self) -> str:
        """The name of the call on its media connection."""
        return self._call.call_id

    @property
    def session_id(self) -> str:
        """The name of the call on the control connection."""
        return self._call.session_id

    @property
    def is_outgoing(self) -> bool:
        """Whether an agent has started it."""
        return self._call.is_outgoing

    @property
    def agent_mode(self) -> AgentMode | None:
        """Who hears the agent; None unless it is in a conference."""
        return self._call.agent.mode

    @property
    def agent_states(self) -> list[CallState]:
        """What the call went through for its agent, as the exchange saw it, from PENDING on."""
        return list(self._call.agent.states)

    @property
    def agent_heard(self) -> bytes:
        """What the agent was sent on channel 0, while it was in the call: a frame a tick."""
        return bytes(self._call.agent.heard)

    @property
    def agent_said(self) -> bytes:
        """The agent's audio as it was played: aligned with `agent_heard`, tick by tick.

        This is what the agent put into the call; who heard it depends on `agent_mode`.
        """
        return bytes(self._call.agent.said)

    def levels(self, *, seconds: float = 0.4) -> Levels:
        """Measure how loud each party has been just now.

        Args:
          seconds: how much of the latest audio is measured.
        """
        call = self._call
        size = max(1, round(seconds / FRAME_SECONDS)) * frame_bytes(call.sample_rate)

        def level(leg: Leg | AgentLeg) -> float | None:
            return level_dbfs(bytes(leg.said[-size:])) if leg.is_talking else None

        first, second = level(call.caller), level(call.callee)
        if call.is_outgoing:
            first, second = second, first
        return Levels(first, second, level(call.agent))

    @property
    def transcript(self) -> Transcript:
        """What has travelled so far on its media connection, and about it on the control one."""
        return self._log.transcript(self.session_id)

    @property
    def was_claimed(self) -> bool:
        """Whether an SDK has ever claimed the call."""
        return self._call.was_claimed

    @property
    def ended(self) -> bool:
        """Whether both telephones have hung up and the agent is gone."""
        return self._call.over.is_set()

    async def wait_claimed(self) -> None:
        """Wait until an SDK has claimed the call.

        Raises:
          PhoneHungUp: the caller gave up before anybody did.
        """
        await self._call.claimed_or_over.wait()
        if not self.was_claimed:
            raise PhoneHungUp("the caller hung up before an agent claimed the call")

    async def wait_agent_left(self) -> None:
        """Wait until the call is over for its agent. Caller and callee may still be talking."""
        await self._call.agent.left.wait()

    async def wait_ended(self) -> None:
        """Wait until both telephones have hung up and the agent is gone."""
        await self._call.over.wait()


def gone_from(call: SimulatedCall) -> list[Party]:
    """Return who has left a call or hung up, in that order: those whose own doing it was."""
    gone = call._call.gone
    # An agent that calls has the callee in the caller's place.
    return [_SWAPPED[party] for party in gone] if call.is_outgoing else list(gone)


def record_caller(call: SimulatedCall, keep_seconds: float) -> None:
    """Record what the caller hears from here on, the latest `keep_seconds` of it."""
    call._call.caller.heard = make_recording(call._call.sample_rate, keep_seconds)


def heard_by_caller(
    call: SimulatedCall, listener: Callable[[bytes | None], None]
) -> AbstractContextManager[None]:
    """Call a function with each frame that the caller hears inside the block, and None at the end.

    Args:
      call: the caller's.
      listener: called in the tick of the frame, which it must not hold up.
    """
    return call._call.caller.heard_by(listener)


def take_recording(call: SimulatedCall) -> bytes:
    """Take out what the caller has heard since this was last called."""
    heard = call._call.caller.heard
    taken = bytes(heard)
    heard.clear()
    return taken


def drop_recordings(call: SimulatedCall) -> None:
    """Drop what the parties of a call have heard and said so far."""
    for leg in (call._call.caller, call._call.callee, call._call.agent):
        leg.heard.clear()
        leg.said.clear()
