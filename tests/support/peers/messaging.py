"""An exchange's end of conversations: frames as plain JSON, so that no codec is shared with us."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import attrs

from tests.support.peers.control_words import call_in
from tests.support.peers.exchange import FakeExchange
from tests.support.peers.links import ControlEnd
from trio_calls import CallClient, events, open_call_client
from trio_calls.sessions import Conversation, IncomingMessage

Frame = dict[str, Any]

PARTNER: Final = "6591112222"
API_VERSION: Final = "v23.0"


def text(body: str) -> Frame:
    """A message of WhatsApp's, either way."""
    return {"type": "text", "text": {"body": body}}


def body(message: IncomingMessage) -> Any:
    """What a message says that was made by `text`."""
    return message.content["text"]["body"]


class MessageExchange:
    """The exchange's end of one control connection."""

    def __init__(self, control: ControlEnd) -> None:
        self.control = control

    async def tell(self, *frames: Frame) -> None:
        """Send these, all in one breath."""
        await self.control.send(*map(json.dumps, frames))

    async def expect(self, wire_type: str, **fields: Any) -> Frame:
        """Wait for the next frame, which must be of this type, with at least these fields."""
        frame = json.loads(await self.control.receive())
        assert frame["type"] == wire_type, frame
        assert fields.items() <= frame.items(), frame
        return dict(frame)

    async def any(self) -> Frame:
        """Wait for the next frame, whatever it is."""
        return dict(json.loads(await self.control.receive()))

    async def is_quiet(self) -> bool:
        """Return whether nothing came that was not expected yet."""
        return await self.control.rest() == []

    async def offer(self, *session_ids: str, **fields: Any) -> None:
        """Offer sessions, all in one breath."""
        await self.tell(*(notify(session_id, **fields) for session_id in session_ids))

    async def grant(self, session_id: str, **said: Any) -> None:
        """Let the SDK have a session, from its claim to `session.ready`."""
        claim = await self.expect("session.open", sessionId=session_id)
        await self.tell(ok(claim, {"session": {"id": session_id, "channel": "WA", **said}}))
        assert await self.expect("session.ready") == {
            "type": "session.ready",
            "sessionId": session_id,
        }

    async def refuse(self, session_id: str, code: str | None, content: Any = None) -> None:
        """Do not let the SDK have a session."""
        await self.tell(no(await self.expect("session.open", sessionId=session_id), code, content))

    async def bring(self, session_id: str, **said: Any) -> None:
        """Offer a session, and let the SDK have it."""
        await self.offer(session_id)
        await self.grant(session_id, **said)

    async def ring(self, session_id: str) -> None:
        """Offer a call, let the SDK have it, and say where it is."""
        await self.offer(session_id, channel="TELCO", activity="NEW_INCOMING_CALL")
        await self.grant(session_id, channel="TELCO")
        await self.control.send(call_in(session_id))

    async def write(self, session_id: str, *bodies: str) -> None:
        """Deliver messages, all in one breath."""
        await self.tell(*(message_in(session_id, text(each)) for each in bodies))

    async def take(self, session_id: str) -> Frame:
        """Wait for the next frame, which must be a message in this session."""
        frame = await self.expect("wa.msg.out")
        assert frame["data"].keys() == {"sessionId", "clientMsgId", "apiVersion", "data"}
        assert frame["data"]["sessionId"] == session_id
        return frame

    async def close(self, session_id: str, reason: str = "FORCE_CLOSE") -> None:
        await self.tell(closed(session_id, reason))


def notify(session_id: str, **fields: Any) -> Frame:
    return {
        "type": "session.notify",
        "sessionId": session_id,
        "channel": "WA",
        "remoteAddress": PARTNER,
        "localAddress": "6563334444",
        "activity": "NEW_INCOMING_MESSAGE",
        "createdAt": 1760000000,
        **fields,
    }


def message_in(session_id: str, content: Mapping[str, Any]) -> Frame:
    return {"type": "wa.msg.in", "sessionId": session_id, "sender": PARTNER, "content": content}


def closed(session_id: str, reason: str = "FORCE_CLOSE") -> Frame:
    return {"type": "session.closed", "sessionId": session_id, "reason": reason}


def ok(request: Frame, content: Any = None) -> Frame:
    return {"type": "response", "reqId": request["reqId"], "ok": True, "content": content}


def no(request: Frame, code: str | None, content: Any = None) -> Frame:
    answer = {"type": "response", "reqId": request["reqId"], "ok": False, "errorContent": content}
    return answer | ({"errorCode": code} if code else {})


@attrs.define
class Reader:
    """A handler that notes its conversations, and what it reads in each, until it ends.

    Attributes:
      conversations: in the order in which they came.
      read: what was read, by session.
      reading: how many handlers run.
    """

    conversations: list[Conversation] = attrs.field(factory=list)
    read: dict[str, list[str]] = attrs.field(factory=dict)
    reading: int = 0

    async def __call__(self, conversation: Conversation) -> None:
        self.conversations.append(conversation)
        read = self.read.setdefault(conversation.session_id, [])
        self.reading += 1
        try:
            async for message in conversation:
                read.append(body(message))
        finally:
            self.reading -= 1


@asynccontextmanager
async def open_reader(
    exchange: FakeExchange, **settings: Any
) -> AsyncIterator[tuple[CallClient, MessageExchange, Reader]]:
    """A client whose conversations are read, once it is connected."""
    reader = Reader()
    async with open_call_client(exchange.config(**settings)) as client:
        client.on(events.INCOMING_MESSAGE)(reader)
        yield client, MessageExchange(await exchange.control()), reader
