"""Sessions in which people write: who has one, what waits for it, and what was written."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from trio_calls.simulator.exchange.identifiers import Identifiers
from trio_calls.simulator.exchange.sessions import ClaimedSession, ConnectedSdk, refusal
from trio_calls.wire.first.control import SessionNotify
from trio_calls.wire.first.messaging import MessageIn, MessageOut
from trio_calls.wire.names import NEW_INCOMING_MESSAGE, SESSION_NOT_OPEN, WHATSAPP
from trio_calls.wire.responses import Response

#: What an SDK must not do.
NOT_HELD: Final = "wa.msg.out for a session that it does not hold"


class MessageSession(ClaimedSession):
    """A session with somebody who writes: on offer, claimed, or closed.

    What is written waits until an SDK has claimed the session and is ready for it. When that loses
    its control connection, the session is on offer again as soon as something waits in it. What has
    left on that connection has been delivered, as far as anybody knows.

    Args:
      session_id: its name.
      remote_address: who writes.
      local_address: under which number the agent is written to.
      is_started_here: whether an SDK has started it, and not the one who writes.
      identifiers: makes up dates, and the provider's ids.
      offer_to_all: sends an offer to every SDK.
      on_closed: called with this session when it is over.

    Raises:
      ValueError: an address is too long for the wire.

    Attributes:
      was_claimed: whether an SDK has ever claimed it.
      on_message: called with what an SDK writes.
      on_change: called when it was claimed, lost or closed, when something waits in it, and when
        that was given to somebody who need not claim it.
    """

    def __init__(
        self,
        *,
        session_id: str,
        remote_address: str,
        local_address: str,
        is_started_here: bool,
        identifiers: Identifiers,
        offer_to_all: Callable[[MessageSession], None],
        on_closed: Callable[[MessageSession], None],
    ) -> None:
        offer = SessionNotify(
            session_id=session_id,
            channel=WHATSAPP,
            remote_address=remote_address,
            local_address=local_address,
            activity=NEW_INCOMING_MESSAGE,
            created_at=identifiers.unix_seconds(),
        )
        super().__init__(offer, identifiers, is_started_here=is_started_here)
        self.session_id: str = session_id
        self.remote_address: str = remote_address
        self.local_address: str = local_address
        self.was_claimed: bool = False
        self.on_message: Callable[[MessageOut], None] = lambda _: None
        self.on_change: Callable[[], None] = lambda: None
        self._offer_to_all = offer_to_all
        self._on_closed = on_closed
        self._waiting: deque[MessageIn] = deque()
        self._is_ready = False
        self._is_read_unclaimed = False

    @property
    def waiting(self) -> int:
        """How many messages wait for an SDK."""
        return len(self._waiting)

    @property
    def is_on_offer(self) -> bool:
        """Whether anybody may claim it, and would find something in it."""
        return self.holder is None and not self.is_closed and bool(self._waiting)

    @property
    def is_read(self) -> bool:
        """Whether somebody has it, or, where nobody claims what they read, was given all of it."""
        return self.holder is not None or (self._is_read_unclaimed and not self._waiting)

    def write(self, content: dict[str, Any]) -> None:
        """Write to whoever has the session, or will have it."""
        self._waiting.append(MessageIn(self.session_id, self.remote_address, content))
        if self._is_ready:
            self._deliver()
            return
        if self.is_on_offer:
            self._offer_to_all(self)
        self.on_change()

    def _claimed(self, sdk: ConnectedSdk) -> None:
        self.was_claimed = True
        self.on_change()

    def ready(self, sdk: ConnectedSdk) -> bool:
        """Deliver what waits. Returns whether this SDK has the session, or had it to its end."""
        if self.holder is not sdk:
            return False
        if not self.is_closed:
            self._is_ready = True
            self._deliver()
        return True

    def take_waiting(self) -> MessageIn:
        """Take out the message that waits longest, for whoever reads without claiming."""
        message = self._waiting.popleft()
        self.was_claimed = self._is_read_unclaimed = True
        self.on_change()
        return message

    def take(self, message: MessageOut, sdk: ConnectedSdk) -> tuple[Response, str | None]:
        """Hand a message of an SDK to the partner.

        Returns:
          The answer, and what the SDK did wrong, if anything.
        """
        if self.is_closed:
            return refusal(message.request_id, SESSION_NOT_OPEN), None
        if self.holder is not sdk:
            return refusal(message.request_id, SESSION_NOT_OPEN), NOT_HELD
        return self.accept(message), None

    def accept(self, message: MessageOut) -> Response:
        """Hand a message to the partner."""
        self.on_message(message)
        answer = {
            "messaging_product": "whatsapp",
            "contacts": [{"input": self.remote_address, "wa_id": self.remote_address}],
            "messages": [{"id": self._identifiers.message_id()}],
        }
        return Response(message.request_id, is_ok=True, content=answer)

    def lost(self, sdk: ConnectedSdk) -> None:
        """Take it away from an SDK whose control connection is gone, if that has it."""
        if self.holder is sdk and not self.is_closed:
            self.release()
            self._is_ready = self._is_read_unclaimed = False
            self.on_change()
            self.offer_again()

    def offer_again(self) -> None:
        """Offer it to everybody if something waits that nobody can read."""
        if self.is_on_offer:
            self._offer_to_all(self)

    def close(self, reason: str) -> None:
        """Close it, and tell its holder why."""
        if self.is_closed:
            return
        self._waiting.clear()
        self._end(reason)
        self.on_change()
        self._on_closed(self)

    def _deliver(self) -> None:
        assert self.holder is not None
        while self._waiting and not self.holder.is_gone():
            self.holder.send(self._waiting[0])
            if not self.holder.is_gone():
                self._waiting.popleft()
