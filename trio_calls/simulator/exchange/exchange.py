"""The exchange: the calls and messages that were placed, and the SDKs that are connected."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import trio

from trio_calls.simulator.exchange.exchange_call import ExchangeCall
from trio_calls.simulator.exchange.identifiers import Identifiers, present_date
from trio_calls.simulator.exchange.message_sessions import NOT_HELD, MessageSession
from trio_calls.simulator.exchange.second_side import SecondSide
from trio_calls.simulator.exchange.sessions import (
    ConnectedSdk,
    Session,
    refusal,
    session_not_found,
)
from trio_calls.simulator.exchange.taps import Taps
from trio_calls.simulator.exchange.violations import ViolationLog
from trio_calls.simulator.phones.agent_leg import AgentSocket
from trio_calls.simulator.phones.phone import Pickup
from trio_calls.simulator.transcript.transcript_log import TranscriptLog
from trio_calls.state import AgentMode
from trio_calls.wire.call_flow import CallFlow
from trio_calls.wire.first.control import SDK_REQUEST
from trio_calls.wire.first.messaging import MessageOut
from trio_calls.wire.first.session_list import SessionClosure, SessionInfo
from trio_calls.wire.names import (
    CHANNEL_NOT_CONFIGURED,
    INVALID_CHANNEL,
    SESSION_NOT_FOUND,
    TELEPHONE,
    WHATSAPP,
)
from trio_calls.wire.responses import Response


class Exchange:
    """Offers calls to SDKs, and gives each to the first that claims it.

    Args:
      base_url: the address of media connections, ``ws://host:port``.
      sample_rate: the sample rate of the telephones, in Hz.
      nursery: runs the calls' clocks and ringing, and the faults that wait for their moment.
      seed: seeds every id and every token.
      is_in_process: whether it is reached in process only.
      keep_audio_seconds: how much is kept of what each party hears and says, the latest seconds;
        None: all.
      mode_after_connect: who hears an agent in a conference at first.

    Attributes:
      identifiers: makes up ids, tokens and dates.
      log: the log of every frame.
      taps: the taps of the open connections.
      violations: what SDKs did against the protocol.
      second: what SDKs of the second wire ask things of.
      start_call: places the call to a number that an agent wants to be started, on behalf of
        another number; None: of the connector's own.
    """

    def __init__(
        self,
        *,
        base_url: str,
        sample_rate: int,
        nursery: trio.Nursery,
        seed: int = 0,
        is_in_process: bool = True,
        keep_audio_seconds: float | None = None,
        mode_after_connect: AgentMode = AgentMode.BARGE,
    ) -> None:
        self.sample_rate = sample_rate
        self.nursery = nursery
        self.identifiers: Identifiers = Identifiers(seed, present_date(is_in_process=is_in_process))
        self.log: TranscriptLog = TranscriptLog(sample_rate)
        self.taps: Taps = Taps(self.log)
        self.violations: ViolationLog = ViolationLog()
        # Chosen by those who keep calls and conversations.
        self.start_call: Callable[[str, str | None], ExchangeCall]
        self.start_conversation: Callable[[str, str | None], tuple[str, bool]]
        self._base_url = base_url
        self._keep_audio_seconds = keep_audio_seconds
        self._mode_after_connect = mode_after_connect
        self._refuses_until = -math.inf
        self._placed = 0
        # By session id, and by call id: oldest first.
        self._sessions: dict[str, Session] = {}
        self._sessions_by_call: dict[str, Session] = {}
        self._message_sessions: dict[str, MessageSession] = {}
        self._has_forgotten_messages = False
        self._sdks: list[ConnectedSdk] = []
        self.second: SecondSide = SecondSide(self)

    def place_call(
        self,
        *,
        caller: str,
        callee: str,
        pickup: Pickup,
        dials: Pickup | None = None,
        on_over: Callable[[ExchangeCall], None],
    ) -> ExchangeCall:
        """Have one telephone call another, and offer the call to every SDK that takes it.

        Args:
          caller: the number that calls.
          callee: the number that is called.
          pickup: what the callee does when the phone rings.
          dials: what the telephone does that an agent calls, if one has started the call. It is in
            the place of the caller's then, and the call is not offered.
          on_over: called with the call when it is over for everybody.

        Raises:
          ValueError: a number is too long for the wire; nothing happened.
        """
        call = ExchangeCall(
            number=self._placed + 1,
            call_id=self.identifiers.call_id(),
            session_id=self.identifiers.call_id(),
            caller=caller,
            callee=callee,
            pickup=pickup,
            dials=dials,
            sample_rate=self.sample_rate,
            nursery=self.nursery,
            keep_audio_seconds=self._keep_audio_seconds,
            mode_after_connect=self._mode_after_connect,
            on_agent_left=self._close_session,
            on_over=on_over,
        )
        session = Session(call, self.identifiers, self.second.off_offer)
        self._placed = call.number
        self.log.call_placed(call.session_id, call.number, call.call_id)
        self._sessions[call.session_id] = session
        self._sessions_by_call[call.call_id] = session
        self._offer(session)
        return call

    def forget(self, call: ExchangeCall) -> None:
        """Forget a call that is over, as if it had never been."""
        del self._sessions[call.session_id]
        del self._sessions_by_call[call.call_id]
        self.log.call_forgotten(call.session_id, call.call_id)

    def open_message_session(
        self,
        *,
        remote_address: str,
        local_address: str,
        is_started_here: bool,
        on_closed: Callable[[MessageSession], None],
    ) -> MessageSession:
        """Open a session with somebody who is about to write, or to be written to.

        Args:
          remote_address: who that is.
          local_address: under which number the agent is written to.
          is_started_here: whether an SDK has started it.
          on_closed: called with the session when it is over.

        Raises:
          ValueError: an address is too long for the wire; nothing happened.
        """
        session = MessageSession(
            session_id=self.identifiers.message_session_id(),
            remote_address=remote_address,
            local_address=local_address,
            is_started_here=is_started_here,
            identifiers=self.identifiers,
            offer_to_all=self._offer_to_all,
            on_closed=on_closed,
        )
        self._message_sessions[session.session_id] = session
        self.log.conversation_began(session.session_id)
        return session

    def forget_messages(self, session: MessageSession) -> None:
        """Forget a session that is closed, as if it had never been."""
        del self._message_sessions[session.session_id]
        self._has_forgotten_messages = True
        self.log.call_forgotten(session.session_id)

    def sdk_connected(self, sdk: ConnectedSdk) -> None:
        """Offer everything to an SDK that it takes from now on, first what waits already.

        What it takes may change: see `set_call_flow`.
        """
        self._sdks.append(sdk)
        if sdk.takes_turns:
            self.second.connected(sdk)
            return
        for session in self._sessions.values():
            if session.is_on_offer and sdk.takes(session):
                sdk.offer(session)
        if sdk.takes_messages:
            self._offer_conversations(sdk)

    def sdk_lost(self, sdk: ConnectedSdk) -> None:
        """Offer again what an SDK claimed and did not act on: its control connection is gone.

        Calls with a media connection are not touched, nor are those of an SDK that keeps claims.
        """
        self._sdks.remove(sdk)
        self.second.lost(sdk)
        for session in list(self._sessions.values()):
            if session.holder is sdk and session.call.agent.socket is None:
                if not sdk.keeps_claims:
                    self._agent_gone(session)
            elif session.is_on_offer:
                self.ring_callee_first(session)
        for message_session in list(self._message_sessions.values()):
            message_session.lost(sdk)

    def open_session(self, request_id: str, session_id: str, sdk: ConnectedSdk) -> Response:
        """Give a session to an SDK that claims it, if it may have it."""
        session = self._sessions.get(session_id) or self._message_sessions.get(session_id)
        return session.open(request_id, sdk) if session else session_not_found(request_id)

    def session_ready(self, session_id: str, sdk: ConnectedSdk) -> bool:
        """Send an SDK the call of a session that it has claimed.

        Returns:
          Whether it has claimed that session. Where the call is over already, nothing is sent.
          A session that is not known may be one that was forgotten, so that gets the doubt.
        """
        if session_id in self._message_sessions:
            return self._message_sessions[session_id].ready(sdk)
        session = self._sessions.get(session_id)
        if session is None:
            return self._placed > len(self._sessions) or self._has_forgotten_messages
        if session.holder is not sdk:
            return False
        if session.is_closed:
            return True
        if session.call.is_outgoing:
            session.call.dial(partial(self._send_call, session))
        else:
            self._send_call(session)
        return True

    def create_session(self, request_id: str, channel: str, remote_address: str) -> Response:
        """Start a session with somebody, unless one is open already."""
        if channel == TELEPHONE:
            session_id, is_new = self._start_call(remote_address)
        elif channel == WHATSAPP:
            session_id, is_new = self.start_conversation(remote_address, None)
        else:
            return refusal(request_id, CHANNEL_NOT_CONFIGURED)
        content = {"sessionId": session_id, "created": is_new}
        return Response(request_id, is_ok=True, content=content)

    def _start_call(self, remote_address: str) -> tuple[str, bool]:
        for session in self._sessions.values():
            if not session.is_closed and session.call.caller.number == remote_address:
                return session.call.session_id, False
        return self.start_call(remote_address, None).session_id, True

    def set_call_flow(self, setup: CallFlow, sdk: ConnectedSdk) -> Response:
        """Offer an SDK what it wants from now on, first of what waits already."""
        on_offer = self.on_offer
        had = {session for session in on_offer if sdk.takes(session)}
        had_messages = sdk.takes_messages
        sdk.call_flow = setup
        if sdk.takes_messages and not had_messages:
            self._offer_conversations(sdk)
        for session in on_offer:
            if session not in had and sdk.takes(session):
                sdk.offer(session)
            self.ring_callee_first(session)
        return Response(setup.request_id, is_ok=True, content={})

    def list_sessions(self) -> list[SessionInfo]:
        """Return what there is to say of every session that is kept: calls, then conversations."""
        return [
            *(session.info for session in self._sessions.values()),
            *(session.info for session in self._message_sessions.values()),
        ]

    def close_session(self, session_id: str) -> SessionClosure | None:
        """Close an open session, as an application asks for; None if it is not open."""
        message_session = self._message_sessions.get(session_id)
        if message_session is not None and not message_session.is_closed:
            message_session.close(SDK_REQUEST)
            return message_session.closure
        session = self._sessions.get(session_id)
        if session is None or session.is_closed:
            return None
        session.call.close()
        return session.closure

    def take_message(self, message: MessageOut, sdk: ConnectedSdk) -> tuple[Response, str | None]:
        """Hand on what an SDK has written.

        Returns:
          The answer, and what the SDK did wrong, if anything. A session that is not known may be
          one that was forgotten, so that gets the doubt.
        """
        message_session = self._message_sessions.get(message.session_id)
        if message_session is not None:
            return message_session.take(message, sdk)
        is_call = message.session_id in self._sessions
        error_code = INVALID_CHANNEL if is_call else SESSION_NOT_FOUND
        fault = None if is_call or self._has_forgotten_messages else NOT_HELD
        return Response(message.request_id, is_ok=False, error_code=error_code), fault

    def find_session(self, call_id: str) -> Session | None:
        """Find the session of a call that agents may still act on."""
        session = self._sessions_by_call.get(call_id)
        return None if session is None or session.is_closed else session

    def session_of(self, call: ExchangeCall) -> Session:
        """Return the session of a call that is kept."""
        return self._sessions[call.session_id]

    def media_access(self, session: Session) -> tuple[str, str]:
        """Return where to open a call's media connection, and with which token."""
        return session.media_access(self._base_url)

    def conversation_with(self, remote_address: str, local_address: str) -> MessageSession:
        """Return the open conversation of somebody with a number of the agent, or a new one."""
        session_id, _ = self.start_conversation(remote_address, local_address)
        return self._message_sessions[session_id]

    @property
    def on_offer(self) -> list[Session]:
        """The calls that anybody may claim, oldest first."""
        return [session for session in self._sessions.values() if session.is_on_offer]

    @property
    def conversations_on_offer(self) -> list[MessageSession]:
        """The conversations in which something waits that nobody can read, oldest first."""
        return [session for session in self._message_sessions.values() if session.is_on_offer]

    def media_connection_lost(self, session: Session, socket: AgentSocket) -> None:
        """Offer a call again that still waits for its agent: its media connection is gone.

        Unless another one has taken its place.
        """
        if session.call.media_connection_lost(socket):
            self._agent_gone(session)

    @property
    def is_down(self) -> bool:
        """Whether it refuses every connection for a while."""
        return trio.current_time() < self._refuses_until

    def go_down(self, seconds: float) -> None:
        """Drop every connection, and refuse new ones for so long, in seconds."""
        self._refuses_until = trio.current_time() + seconds
        for tap in [*self.taps.control(None), *self.taps.media(None)]:
            tap.drop()

    def holder_id(self, session_id: str) -> str | None:
        """Return the id of the control connection that has claimed a session, or None."""
        session = self._sessions.get(session_id) or self._message_sessions.get(session_id)
        return None if session is None or session.holder is None else session.holder.connection_id

    def names_of(self, session_id: str) -> frozenset[str]:
        """Return what requests call a session: its id, and that of its call."""
        session = self._sessions.get(session_id)
        return frozenset({session_id} if session is None else {session_id, session.call.call_id})

    def offer_twice(self, session_id: str | None) -> None:
        """Repeat the offer of a session, or of all with None, as if nobody had claimed it."""
        for session in self._sessions.values():
            if session_id in {None, session.call.session_id}:
                self._offer(session)
        for message_session in self._message_sessions.values():
            if session_id in {None, message_session.session_id} and not message_session.is_closed:
                self._offer_to_all(message_session)

    def end_all_calls(self) -> None:
        """Hang up every telephone."""
        for session in list(self._sessions.values()):
            session.call.end()

    def _send_call(self, session: Session) -> None:
        """Send the call of a session to whoever has it."""
        if session.holder is not None:
            session.holder.send(session.call_in(self._base_url))

    def _agent_gone(self, session: Session) -> None:
        """Find another agent for a call that still waits; what an agent has started ends."""
        if not session.call.is_waiting:
            return
        if session.call.is_outgoing:
            session.call.end()
        else:
            session.release()
            self._offer(session)

    def _offer(self, session: Session) -> None:
        if session.call.is_outgoing:
            return
        for sdk in self._sdks:
            if sdk.takes(session) and not sdk.takes_turns:
                sdk.offer(session)
        self.second.offer(session)
        self.ring_callee_first(session)

    def ring_callee_first(self, session: Session) -> None:
        """Ring the callee's phone, if all that is left are SDKs that take what was missed."""
        takes_missed = any(sdk.takes_missed for sdk in self._sdks)
        if session.is_on_offer and takes_missed and not self._is_taken(session):
            session.call.ring_first(partial(self._offer, session))

    def _is_taken(self, session: Session) -> bool:
        return any(sdk.takes(session) for sdk in self._sdks)

    def _offer_to_all(self, session: MessageSession) -> None:
        """Give what waits to those who take turns, or offer it to every other SDK."""
        if self.second.deliver(session):
            return
        for sdk in self._sdks:
            if sdk.takes_messages and not sdk.takes_turns:
                sdk.offer(session)

    def _offer_conversations(self, sdk: ConnectedSdk) -> None:
        for message_session in self._message_sessions.values():
            if message_session.is_on_offer:
                sdk.offer(message_session)

    def _close_session(self, call: ExchangeCall, reason: str) -> None:
        self._sessions[call.session_id].close(reason)
