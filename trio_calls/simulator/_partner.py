"""Somebody who writes to an agent, and reads what it answers, for whoever placed their message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import trio

from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.simulator.exchange.message_sessions import MessageSession
from trio_calls.simulator.transcript.transcript import Transcript
from trio_calls.simulator.transcript.transcript_log import TranscriptLog
from trio_calls.wire.codec import encode_strictly
from trio_calls.wire.first.control import FORCE_CLOSE
from trio_calls.wire.first.messaging import MessageIn, MessageOut


class PartnerGone(Exception):
    """The conversation is over, and with it whatever somebody wanted of it."""


@attrs.frozen
class PartnerMessage:
    """A message of a conversation, as its partner sees it.

    Attributes:
      is_from_agent: whether the agent has written it, and not the partner.
      content: what was written, in the provider's form.
      seconds: when, in Trio's time, since the partner's first message.
      api_version: the version of the provider's API that the agent has named; None for what the
        partner has written.
      client_message_id: the id that the agent's SDK has given it; None as before.
    """

    is_from_agent: bool
    content: Mapping[str, Any] = attrs.field(repr=False)
    seconds: float
    api_version: str | None = None
    client_message_id: str | None = None

    @property
    def text(self) -> str | None:
        """What it says, if it is a plain text; None for everything else."""
        text = self.content.get("text")
        body = text.get("body") if isinstance(text, Mapping) else None
        return body if isinstance(body, str) else None


class Partner:
    """Somebody who writes to an agent over WhatsApp. Made by `Simulator.place_message`."""

    def __init__(
        self, session: MessageSession, log: TranscriptLog, on_news: Callable[[Partner], None]
    ) -> None:
        self._session = session
        self._log = log
        self._began_at = trio.current_time()
        self._messages: list[PartnerMessage] = []
        self._replies: list[PartnerMessage] = []
        self._read = 0
        self._written = 0
        self._news = Wakeup()
        self._on_news = on_news
        session.on_message = self._receive
        session.on_change = self._tell_news

    def __repr__(self) -> str:
        state = "open" if self.is_open else f"closed, {self.close_reason}"
        return f"<Partner {self.session_id} {state}, {len(self._messages)} messages>"

    @property
    def session_id(self) -> str:
        """The name of the conversation on the control connection."""
        return self._session.session_id

    @property
    def number(self) -> str:
        """The number that the partner writes from."""
        return self._session.remote_address

    @property
    def is_open(self) -> bool:
        """Whether the conversation can go on."""
        return not self._session.is_closed

    @property
    def close_reason(self) -> str | None:
        """Why the conversation was closed; None while it is open."""
        return None if self._session.closure is None else self._session.closure.reason

    @property
    def was_claimed(self) -> bool:
        """Whether an SDK has ever claimed the conversation."""
        return self._session.was_claimed

    @property
    def messages(self) -> list[PartnerMessage]:
        """What both sides have written, in the order in which it went through the exchange."""
        return list(self._messages)

    @property
    def replies(self) -> list[PartnerMessage]:
        """What the agent has written, in its order."""
        return list(self._replies)

    @property
    def transcript(self) -> Transcript:
        """What has travelled about the conversation so far, without what was written."""
        return self._log.transcript(self.session_id)

    def write(self, content: str | Mapping[str, Any]) -> None:
        """Write to the agent: at once, or when an SDK is ready for the conversation.

        Args:
          content: a text, which gets the form of WhatsApp's; or what the provider says of a message
            of any kind, which goes to the agent as it is.

        Raises:
          PartnerGone: the conversation is over.
          ValueError: `content` is no JSON, or too long.
        """
        if not self.is_open:
            raise PartnerGone(f"the conversation is over: {self.close_reason}")
        self._written += 1
        node = self._text_node(content) if isinstance(content, str) else dict(content)
        encode_strictly(MessageIn(self.session_id, self.number, node))
        self._note(PartnerMessage(False, node, self._seconds))
        self._session.write(node)

    async def wait_reply(self) -> PartnerMessage:
        """Wait for the next message of the agent that was not returned here yet.

        Raises:
          PartnerGone: the conversation is over, and all of them were.

        Cancellation: the next wait returns that message. Always a checkpoint.
        """
        await trio.lowlevel.checkpoint()
        while self._read == len(self._replies):
            if not self.is_open:
                raise PartnerGone(f"the conversation is over: {self.close_reason}")
            await self._news.wait()
        self._read += 1
        return self._replies[self._read - 1]

    async def wait_claimed(self) -> None:
        """Wait until an SDK has claimed the conversation.

        Raises:
          PartnerGone: it was closed before.
        """
        await trio.lowlevel.checkpoint()
        while not self.was_claimed:
            if not self.is_open:
                raise PartnerGone(f"the conversation is over: {self.close_reason}")
            await self._news.wait()

    async def wait_closed(self) -> None:
        """Wait until the conversation is over."""
        await trio.lowlevel.checkpoint()
        while self.is_open:
            await self._news.wait()

    def close(self, *, reason: str = FORCE_CLOSE) -> None:
        """Let the exchange close the conversation, and tell the agent why.

        What was written and not delivered yet is lost.

        Args:
          reason: as the wire has it: ``FORCE_CLOSE``, ``SDK_REQUEST`` or anything newer.
        """
        self._session.close(reason)

    def _receive(self, message: MessageOut) -> None:
        reply = PartnerMessage(
            True, message.data, self._seconds, message.api_version, message.client_message_id
        )
        self._replies.append(reply)
        self._note(reply)

    def _note(self, message: PartnerMessage) -> None:
        self._messages.append(message)
        self._tell_news()

    def _tell_news(self) -> None:
        self._news.wake()
        self._on_news(self)

    def _text_node(self, text: str) -> dict[str, Any]:
        return {
            "from": self.number,
            "id": f"wamid.{self.session_id}.{self._written}",
            "type": "text",
            "text": {"body": text},
        }

    @property
    def _seconds(self) -> float:
        return trio.current_time() - self._began_at
