"""The partners who write in a simulator, for whoever places their messages."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from trio_calls.simulator._partner import Partner
from trio_calls.simulator.exchange.exchange import Exchange
from trio_calls.simulator.exchange.message_sessions import MessageSession

#: The number that agents write from, where nobody has written to one.
AGENT_NUMBER: Final = "6562220000"


class Partners:
    """Places messages, and keeps their partners for as long as they may be asked about.

    Args:
      exchange: where messages are placed.
      keep_finished: how many of the conversations that are over are kept, the latest; None: all.

    Attributes:
      followers: called with a partner whenever something was written or has changed: who has the
        conversation, or that it is over.
    """

    def __init__(self, exchange: Exchange, keep_finished: int | None = None) -> None:
        self.followers: list[Callable[[Partner], None]] = []
        self._exchange = exchange
        self._keep_finished = keep_finished
        # In the order in which they began.
        self._kept: dict[str, Partner] = {}
        self._open: dict[tuple[str, str], Partner] = {}
        self._finished: deque[MessageSession] = deque()
        exchange.start_conversation = self._start

    @property
    def kept(self) -> list[Partner]:
        """All that are kept, in the order in which they wrote first."""
        return list(self._kept.values())

    def place(self, *, sender: str, receiver: str, content: str | Mapping[str, Any]) -> Partner:
        """Have somebody write: in the conversation that is open, or in a new one.

        Raises:
          ValueError: an address is too long for the wire, or the content is no JSON.
        """
        partner = self._open.get((sender, receiver)) or self._begin(sender, receiver)
        partner.write(content)
        return partner

    def _start(self, remote_address: str, local_address: str | None) -> tuple[str, bool]:
        """Let an agent write to somebody first, from a number; None: any.

        Returns:
          The session's name, and whether it is a new one.
        """
        for (remote, local), partner in self._open.items():
            if remote == remote_address and local_address in {None, local}:
                return partner.session_id, False
        sender = local_address or AGENT_NUMBER
        partner = self._begin(remote_address, sender, is_started_here=True)
        return partner.session_id, True

    def _begin(self, sender: str, receiver: str, *, is_started_here: bool = False) -> Partner:
        session = self._exchange.open_message_session(
            remote_address=sender,
            local_address=receiver,
            is_started_here=is_started_here,
            on_closed=self._finish,
        )
        partner = Partner(session, self._exchange.log, self._tell)
        self._kept[session.session_id] = partner
        self._open[sender, receiver] = partner
        self._tell(partner)
        return partner

    def _tell(self, partner: Partner) -> None:
        for follower in self.followers:
            follower(partner)

    def _finish(self, session: MessageSession) -> None:
        del self._open[session.remote_address, session.local_address]
        if self._keep_finished is None:
            return
        self._finished.append(session)
        if len(self._finished) > self._keep_finished:
            forgotten = self._finished.popleft()
            del self._kept[forgotten.session_id]
            self._exchange.forget_messages(forgotten)
