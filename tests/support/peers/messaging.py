"""An exchange's end of conversations: frames as plain JSON, so that no codec is shared with us."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol

import attrs
import trio

from tests.support.peers.control_words import call_in
from tests.support.peers.exchange import FakeExchange
from tests.support.peers.links import ControlEnd
from trio_calls import CallClient, events, open_call_client
from trio_calls.sessions import Conversation, IncomingMessage

Frame = dict[str, Any]

PARTNER: Final = "6591112222"
API_VERSION: Final = "v23.0"

_SUBSCRIBER: Final = "subscriber of "


def text(body: str) -> Frame:
    """A message of WhatsApp's, either way."""
    return {"type": "text", "text": {"body": body}}


def body(message: IncomingMessage) -> Any:
    """What a message says that was made by `text`."""
    return message.content["text"]["body"]


class MessageWords(Protocol):
    """How an exchange speaks of written messages on one control connection."""

    def message_in(self, session_id: str, content: Mapping[str, Any]) -> Frame:
        """Deliver what somebody has written."""

    def open_request(self, session_id: str) -> Frame:
        """Return what the request holds with which an SDK opens a session."""

    def opened(self, session_id: str, request: Frame, said: Frame) -> Frame:
        """Grant that request, and say this of the session, if anything is said."""

    async def bring(self, exchange: MessageExchange, session_id: str, said: Frame) -> None:
        """Let an SDK have a session before anybody has written in it, where that is possible."""

    async def listen(self, exchange: MessageExchange, session_id: str) -> None:
        """Wait until the SDK wants to hear of what is written in a session that it has."""

    async def written(self, exchange: MessageExchange, session_id: str) -> None:
        """Let the SDK have a session in which somebody has just written, if it has it not."""

    def taken(self, session_id: str, frame: Frame) -> Frame:
        """Check what an SDK writes in a session. Returns it in the form of the first wire."""


class FirstMessages:
    """On the first wire a session is offered and claimed, and keeps its name."""

    def message_in(self, session_id: str, content: Mapping[str, Any]) -> Frame:
        return message_in(session_id, content)

    def open_request(self, session_id: str) -> Frame:
        return {"sessionId": session_id}

    def opened(self, session_id: str, request: Frame, said: Frame) -> Frame:
        return ok(request, {"session": {"id": session_id, "channel": "WA", **said}})

    async def bring(self, exchange: MessageExchange, session_id: str, said: Frame) -> None:
        await exchange.offer(session_id)
        await exchange.grant(session_id, **said)

    async def listen(self, exchange: MessageExchange, session_id: str) -> None:
        ready = await exchange.expect("session.ready")
        assert ready == {"type": "session.ready", "sessionId": session_id}

    async def written(self, exchange: MessageExchange, session_id: str) -> None:
        pass

    def taken(self, session_id: str, frame: Frame) -> Frame:
        assert frame["type"] == "wa.msg.out", frame
        assert frame["data"].keys() == {"sessionId", "clientMsgId", "apiVersion", "data"}
        assert frame["data"]["sessionId"] == session_id
        return frame


class SecondMessages:
    """On the second wire a message is whose it is told, who names its session by opening that.

    Each session is on behalf of a number of its own, by which it is known here.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._messages = 0

    def message_in(self, session_id: str, content: Mapping[str, Any]) -> Frame:
        self._messages += 1
        return {
            "type": "msg.in",
            "id": f"message {self._messages} of {id(self)}",
            "subscriber": subscriber_of(session_id),
            "participant": PARTNER,
            "channel": "WA",
            "payload": content,
        }

    def open_request(self, session_id: str) -> Frame:
        return {"subscriber": subscriber_of(session_id)}

    def opened(self, session_id: str, request: Frame, said: Frame) -> Frame:
        is_new = session_id not in self._names
        self._names[session_id] = request["sessionId"]
        return ok(request, {"created": is_new})

    async def bring(self, exchange: MessageExchange, session_id: str, said: Frame) -> None:
        pass

    async def listen(self, exchange: MessageExchange, session_id: str) -> None:
        pass

    async def written(self, exchange: MessageExchange, session_id: str) -> None:
        if session_id not in self._names:
            await exchange.grant(session_id)

    def taken(self, session_id: str, frame: Frame) -> Frame:
        assert frame.keys() == {"type", "channel", "sessionId", "clientMsgId", "data", "reqId"}
        assert (frame["type"], frame["channel"]) == ("msg.out", "WA")
        assert frame["sessionId"] == self._names[session_id]
        names = {name: frame[name] for name in ("sessionId", "clientMsgId")}
        return {"reqId": frame["reqId"], "data": {**names, **frame["data"]}}


def subscriber_of(session_id: str) -> str:
    """Return the connector's number on whose behalf a session is, on the second wire."""
    return _SUBSCRIBER + session_id


def session_of(conversation: Conversation) -> str:
    """Return the test's name for the session of a conversation."""
    if conversation.local_address.startswith(_SUBSCRIBER):
        return conversation.local_address.removeprefix(_SUBSCRIBER)
    return conversation.session_id


class MessageExchange:
    """The exchange's end of one control connection."""

    def __init__(self, control: ControlEnd) -> None:
        self.control = control
        is_first = control.words.wire == "first"
        self.words: MessageWords = FirstMessages() if is_first else SecondMessages()

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
        """Let the SDK have a session, from its claim until it wants to hear what is written."""
        claim = await self.expect("session.open", **self.words.open_request(session_id))
        await self.tell(self.words.opened(session_id, claim, said))
        await self.words.listen(self, session_id)

    async def refuse(self, session_id: str, code: str | None, content: Any = None) -> None:
        """Do not let the SDK have a session."""
        claim = await self.expect("session.open", **self.words.open_request(session_id))
        await self.tell(no(claim, code, content))

    async def bring(self, session_id: str, **said: Any) -> None:
        """Let the SDK have a session: at once, or as soon as somebody has written in it."""
        await self.words.bring(self, session_id, said)

    async def start(self, client: CallClient, session_id: str) -> str:
        """Let the SDK start a session, and have it as soon as it claims it. Returns its name."""
        if self.control.words.wire == "first":
            return session_id
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.grant, session_id)
            return await client.sessions.create("WA", PARTNER, subscriber_of(session_id))

    async def ring(self, session_id: str) -> None:
        """Offer a call, let the SDK have it, and say where it is."""
        await self.offer(session_id, channel="TELCO", activity="NEW_INCOMING_CALL")
        await self.grant(session_id, channel="TELCO")
        await self.control.send(call_in(session_id))

    async def write(self, session_id: str, *bodies: str) -> None:
        """Deliver messages, all in one breath."""
        await self.deliver(session_id, *map(text, bodies))

    async def deliver(self, session_id: str, *contents: Mapping[str, Any]) -> None:
        """Deliver messages that hold this, all in one breath."""
        await self.tell(*(self.words.message_in(session_id, each) for each in contents))
        await self.words.written(self, session_id)

    async def take(self, session_id: str) -> Frame:
        """Wait for the next frame, which must be a message in this session.

        Whichever wire it came on, it has ``reqId``, and in ``data`` what it has there on the first.
        """
        return self.words.taken(session_id, await self.any())

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
        read = self.read.setdefault(session_of(conversation), [])
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
