"""The session of one conversation: whose it is, what was written, and its end.

::

    claimed ── granted ──► open ── its connection is lost ──► in question ── granted again ──► open
       │                    │                                      │
       └─ refused, or lost  └──────── closed, refused, left ───────┴──► over

`connection_id` tells the first three from each other: a session is open on that connection, in
question on every other, and claimed for the first time while there is none.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import trio

from trio_calls.client.conversation_values import ConversationEnding, IncomingMessage
from trio_calls.client.unread_messages import UnreadMessages
from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.wire.names import WHATSAPP
from trio_calls.wire.responses import Response

if TYPE_CHECKING:
    from trio_calls.client.conversation import Conversation


@attrs.define(eq=False)
class MessageSession:
    """One session. Conversations share it with whoever claims it and routes messages to it.

    Attributes:
      session_id: the exchange's name for it.
      unread: what was written and not read yet.
      channel: such as ``WA``.
      remote_address: who it is with.
      local_address: under which number the application is written to.
      opened_at: when the exchange gave it to this client, in seconds since 1970; 0 if not known.
      connection_id: the control connection on which it was granted last; None before.
      claimed_on: the control connection on which it is being claimed now.
      refusal: the exchange's answer to the first claim, if it was refused.
      is_lost: whether the control connection was lost before the exchange gave it to us.
      ending: how it has ended, once it has.
      takes_no_more: whether readers end when everything that has come was read.
      is_closing: whether the exchange was asked to close it.
      close_error: what has gone wrong with that.
      users: how many handlers and blocks hold it.
      taken: how many messages were read.
      conversation: its face, as long as the session is known.
      scope: of its handler, while that runs.
      deadline: of that scope.
      news: wakes who waits for a message, for a claim, or for the end.
    """

    session_id: str
    unread: UnreadMessages
    channel: str = WHATSAPP
    remote_address: str = attrs.field(default="", repr=False)
    local_address: str = attrs.field(default="", repr=False)
    opened_at: float = 0.0
    connection_id: str | None = None
    claimed_on: str | None = None
    refusal: Response | None = None
    is_lost: bool = False
    ending: ConversationEnding | None = None
    takes_no_more: bool = False
    is_closing: bool = False
    close_error: Exception | None = None
    users: int = 0
    taken: int = 0
    conversation: Conversation | None = None
    scope: trio.CancelScope | None = None
    deadline: float = math.inf
    news: Wakeup = attrs.field(factory=Wakeup)

    @property
    def was_granted(self) -> bool:
        """Whether the exchange has ever given it to this client."""
        return self.connection_id is not None

    @property
    def is_claim_open(self) -> bool:
        """Whether the first claim has not been answered yet."""
        return not (self.was_granted or self.refusal or self.is_lost or self.ending)

    def grant(self, connection_id: str | None, response: Response) -> None:
        """Note that the exchange has given it to this client, and what it said about it."""
        self.connection_id = connection_id
        content = response.content if isinstance(response.content, dict) else {}
        said = content.get("session")
        if isinstance(said, dict):
            self.channel = _text(said, "channel", self.channel)
            self.remote_address = _text(said, "remoteAddress", self.remote_address)
            self.local_address = _text(said, "localAddress", self.local_address)
            opened_at = said.get("openedAt")
            if isinstance(opened_at, int | float) and not isinstance(opened_at, bool):
                self.opened_at = float(opened_at)
        self.news.wake()

    def end(self, ending: ConversationEnding, deadline: float) -> None:
        """End it, unless it is over already. Its handler has until the deadline."""
        if self.ending is None:
            self.ending = ending
            self.bring_forward(deadline)
            self.news.wake()

    def take_no_more(self) -> None:
        """Let readers end as soon as everything that has come was read."""
        self.takes_no_more = True
        self.news.wake()

    def bring_forward(self, deadline: float) -> None:
        """Cancel its handler at that time, or earlier if that was to be."""
        self.deadline = min(self.deadline, deadline)
        if self.scope is not None:
            self.scope.deadline = self.deadline

    async def next_message(self) -> IncomingMessage | None:
        """Wait for the oldest message that was not read, and take it.

        Returns:
          The message, or None when there will be none any more.

        Cancellation: no message was taken. Always a checkpoint.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        has_slept = False
        while not self.unread:
            if self.ending is not None or self.takes_no_more:
                break
            await self.news.wait()
            has_slept = True
        message = None
        if self.unread:
            self.taken += 1
            message = self.unread.take()
        if not has_slept:
            await trio.lowlevel.cancel_shielded_checkpoint()
        return message


def _text(said: dict[str, object], key: str, default: str) -> str:
    value = said.get(key)
    return value if isinstance(value, str) and value else default
