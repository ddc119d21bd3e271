"""Claiming the sessions of conversations, for the first time or after a reconnect.

A client may hold many thousands of them, and a new control connection means that all are claimed
again. So no more than some are on their way at once, and the others wait for their turn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import trio

from trio_calls._logging import get_logger
from trio_calls.client.control_connection import ControlConnection
from trio_calls.client.message_session import MessageSession
from trio_calls.errors import WSSConnectionError
from trio_calls.wire.responses import Response

logger = get_logger("trio_calls.conversation_claims")

#: So many claims wait for the exchange's answer at once.
MAX_CLAIMS_AT_ONCE: Final = 1000


class ConversationClaims:
    """Claims sessions on the present control connection.

    Args:
      control: that connection.
      on_answer: called with a session and the exchange's answer. It is not called when the
        connection is lost before: whoever still wants the session adds it again then.
      on_room: called when there may be room for more.
    """

    def __init__(
        self,
        control: ControlConnection,
        on_answer: Callable[[MessageSession, Response], None],
        on_room: Callable[[], None],
    ) -> None:
        # Holds the claims. Something may be written as soon as there is a connection.
        self._nursery: trio.Nursery | None = None
        self._control = control
        self._on_answer = on_answer
        self._on_room = on_room
        # In the order in which they were added; the values mean nothing.
        self._queue: dict[MessageSession, None] = {}
        self._on_their_way = 0

    def start(self, nursery: trio.Nursery) -> None:
        """Choose the nursery for the claims, and claim what waits for that."""
        self._nursery = nursery
        self._start_more()

    @property
    def have_room(self) -> bool:
        """Whether a claim that is added now goes out now."""
        is_connected = self._control.connection_id is not None
        return is_connected and not self._queue and self._on_their_way < MAX_CLAIMS_AT_ONCE

    def add(self, session: MessageSession) -> None:
        """Claim a session, now or in its turn, unless it is being claimed already."""
        if session.claimed_on is None or not self._control.is_present(session.claimed_on):
            self._queue[session] = None
            self._start_more()

    def connection_lost(self) -> None:
        """Forget what was to be claimed on a connection that is gone."""
        self._queue.clear()

    def _start_more(self) -> None:
        while self._queue and self._on_their_way < MAX_CLAIMS_AT_ONCE:
            connection_id, nursery = self._control.connection_id, self._nursery
            if connection_id is None or nursery is None or nursery.cancel_scope.cancel_called:
                return
            session = next(iter(self._queue))
            del self._queue[session]
            session.claimed_on = connection_id
            self._on_their_way += 1
            nursery.start_soon(self._claim, session, connection_id)

    async def _claim(self, session: MessageSession, connection_id: str) -> None:
        try:
            if not self._control.is_present(connection_id):
                return
            response = await self._control.wire.claim_conversation(
                self._control, session.session_id
            )
            if self._control.is_present(connection_id):
                session.claimed_on = None
                self._on_answer(session, response)
        except WSSConnectionError as error:
            logger.debug("the claim of a conversation came to nothing: %s", error)
        finally:
            self._on_their_way -= 1
            if trio.current_effective_deadline() > trio.current_time():
                self._start_more()
                self._on_room()
