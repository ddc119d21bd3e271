"""What a client writes: as it is, once, and with an answer of each kind."""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing

from tests.support.peers.exchange import API_KEY, FakeExchange
from tests.support.peers.messaging import API_VERSION, Frame, MessageExchange, no, ok, text
from tests.support.shown_locals import shown_locals
from tests.support.wires import on_the_first_wire
from trio_calls import WSSConnectionError, WSSError, open_call_client
from trio_calls.client import outgoing_messages
from trio_calls.sessions import (
    Conversation,
    ConversationEnd,
    SentMessage,
    WSSForbiddenError,
    WSSInvalidRequestError,
    WSSMessageChannelError,
    WSSMessageError,
    WSSMessageExchangeError,
    WSSMessageInDoubtError,
    WSSMessageOverflowError,
    WSSMessagePayloadError,
    WSSMessageRemoteError,
    WSSSessionClosedError,
    WSSSessionError,
    WSSSessionNotFoundError,
    WSSSessionNotOpenError,
)

quiet = trio.testing.wait_all_tasks_blocked


class Outcome:
    """Sends something in the background, and keeps what comes of it."""

    def __init__(self, nursery: trio.Nursery, conversation: Conversation, data: Any = None) -> None:
        self.sent: SentMessage | None = None
        self.error: WSSError | None = None
        self.at: float | None = None
        nursery.start_soon(self._send, conversation, data or text("hi"))

    async def _send(self, conversation: Conversation, data: Any) -> None:
        try:
            self.sent = await conversation.send(api_version=API_VERSION, data=data)
        except WSSError as error:
            self.error = error
        self.at = trio.current_time()


@asynccontextmanager
async def open_conversation(
    exchange: FakeExchange,
) -> AsyncIterator[tuple[Conversation, MessageExchange, trio.Nursery]]:
    """A conversation of a session ``s``, and a nursery to send from."""
    async with (
        open_call_client(exchange.config()) as client,
        trio.open_nursery() as nursery,
    ):
        wire = MessageExchange(await exchange.control())
        name = await wire.start(client, "s")
        nursery.start_soon(wire.grant, "s")
        async with client.open_conversation(name) as conversation:
            await quiet()
            yield conversation, wire, nursery
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("answer", [{"messages": [{"id": "wamid.1"}]}, None, "queued", [1, None]])
async def test_a_message_and_its_answer(exchange: FakeExchange, answer: Any) -> None:
    data = {"type": "text", "text": {"body": "hé 😀"}, "none": None, "n": [1.5, 2**60, True]}
    async with open_conversation(exchange) as (conversation, wire, nursery):
        outcome = Outcome(nursery, conversation, data)
        frame = await wire.take("s")
        assert frame["data"]["apiVersion"] == API_VERSION
        assert frame["data"]["data"] == data
        await wire.tell(ok(frame, answer))
        await quiet()
        assert outcome.sent == SentMessage(frame["data"]["clientMsgId"], answer)
        assert "wamid" not in repr(outcome.sent)


async def test_each_message_has_an_id_of_its_own_and_its_own_answer(
    exchange: FakeExchange,
) -> None:
    async with open_conversation(exchange) as (conversation, wire, nursery):
        outcomes = [Outcome(nursery, conversation) for _ in range(5)]
        frames = [await wire.take("s") for _ in range(5)]
        for frame in reversed(frames):
            await wire.tell(ok(frame, frame["data"]["clientMsgId"]))
        await quiet()
        ids = {frame["data"]["clientMsgId"] for frame in frames}
        assert len(ids) == 5
        sent = [outcome.sent for outcome in outcomes]
        assert {each and each.client_message_id for each in sent} == ids
        assert all(each and each.answer == each.client_message_id for each in sent)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("INVALID_PAYLOAD", WSSMessagePayloadError),
        ("INVALID_CHANNEL", WSSMessageChannelError),
        ("OVERFLOW", WSSMessageOverflowError),
        ("INTERNAL_ERROR", WSSMessageExchangeError),
        ("REMOTE_ERROR", WSSMessageRemoteError),
        ("FORBIDDEN", WSSForbiddenError),
        ("INVALID_REQUEST", WSSInvalidRequestError),
        ("SOMETHING_NEWER", WSSMessageError),
        (None, WSSMessageError),
    ],
)
async def test_a_refusal_is_an_error_and_the_conversation_goes_on(
    exchange: FakeExchange, code: str | None, kind: type[WSSSessionError]
) -> None:
    content = {"message": f"not so\n{API_KEY}", "more": [1]}
    async with open_conversation(exchange) as (conversation, wire, nursery):
        outcome = Outcome(nursery, conversation)
        frame = await wire.take("s")
        await wire.tell(no(frame, code, content))
        await quiet()
        error = outcome.error
        assert type(error) is kind
        assert (error.error_code, error.session_id) == (code or "", conversation.session_id)
        assert API_KEY not in str(error) + shown_locals(error)
        assert str(error).isprintable()
        if isinstance(error, WSSMessageError):
            assert error.client_message_id == frame["data"]["clientMsgId"]
            assert error.error_content == content
        assert conversation.ending is None
        again = Outcome(nursery, conversation)
        await wire.tell(ok(await wire.take("s"), "fine"))
        await quiet()
        assert again.sent is not None


@on_the_first_wire
@pytest.mark.parametrize(
    ("code", "kind"),
    [("SESSION_NOT_FOUND", WSSSessionNotFoundError), ("SESSION_CLOSED", WSSSessionClosedError)],
)
async def test_a_refusal_that_tells_of_the_end(
    exchange: FakeExchange, code: str, kind: type[WSSSessionError]
) -> None:
    async with open_conversation(exchange) as (conversation, wire, nursery):
        outcome = Outcome(nursery, conversation)
        await wire.tell(no(await wire.take("s"), code))
        assert [message async for message in conversation] == []
        assert type(outcome.error) is kind
        assert conversation.ending is not None
        assert conversation.ending.detail == code


@on_the_first_wire
@pytest.mark.parametrize("is_ours", [True, False])
async def test_a_session_that_is_not_open_is_claimed_again(
    exchange: FakeExchange, is_ours: bool
) -> None:
    async with open_conversation(exchange) as (conversation, wire, nursery):
        outcome = Outcome(nursery, conversation)
        await wire.tell(no(await wire.take("s"), "SESSION_NOT_OPEN"))
        if is_ours:
            await wire.grant("s")
            await quiet()
            assert conversation.ending is None
        else:
            await wire.refuse("s", "SESSION_BUSY", {"boundSmWsId": "somebody else's"})
            await quiet()
            assert conversation.ending is not None
            assert conversation.ending.cause is ConversationEnd.TAKEN
        assert type(outcome.error) is WSSSessionNotOpenError


def nested(depth: int) -> Frame:
    return {"deeper": nested(depth - 1)} if depth else {}


def holding_itself() -> Frame:
    frame: Frame = {}
    frame["self"] = frame
    return frame


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ({"n": math.nan}, "not JSON"),
        ({"n": [math.inf]}, "not JSON"),
        ({"n": b"secret bytes"}, "not JSON"),
        ({"n": {1, 2}}, "not JSON"),
        ({("n", 1): 1}, "not JSON"),
        ({"n": object()}, "not JSON"),
        ({"n": "half a character: \ud83d"}, "not JSON"),
        ({"n": 10**5000}, "not JSON"),
        (holding_itself(), "not JSON"),
        ({"n": 10**50}, "number"),
        (nested(40), "deep"),
        ({"n": "secret" * 50_000}, "longer"),
        ("secret text", "data must be a dict, not str"),
        (["secret"], "data must be a dict, not list"),
        (None, "data must be a dict, not NoneType"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 60 else "",
)
async def test_what_cannot_be_sent_is_refused_before_it_is(
    exchange: FakeExchange, data: Any, fault: str
) -> None:
    async with open_conversation(exchange) as (conversation, wire, _):
        with pytest.raises(WSSMessagePayloadError, match=fault) as refused:
            await conversation.send(api_version=API_VERSION, data=data)
        assert "nothing was sent" in str(refused.value)
        assert "secret" not in str(refused.value)
        assert await wire.is_quiet()
        assert conversation.ending is None


@pytest.mark.parametrize("api_version", [23.0, None, "v" * 513])
async def test_a_version_that_is_none(exchange: FakeExchange, api_version: Any) -> None:
    async with open_conversation(exchange) as (conversation, wire, _):
        with pytest.raises(WSSMessagePayloadError, match="api_version"):
            await conversation.send(api_version=api_version, data={})
        assert await wire.is_quiet()


async def test_no_answer_within_30_s_is_doubt(exchange: FakeExchange) -> None:
    async with open_conversation(exchange) as (conversation, wire, nursery):
        outcome = Outcome(nursery, conversation)
        frame = await wire.take("s")
        await trio.sleep(40)
        error = outcome.error
        assert isinstance(error, WSSMessageInDoubtError)
        assert outcome.at == 30
        assert error.client_message_id == frame["data"]["clientMsgId"]
        assert frame["data"]["clientMsgId"] in str(error)
        # The connection is as good as before, and so is the conversation.
        await wire.tell(ok(frame, "late"))
        again = Outcome(nursery, conversation)
        await wire.tell(ok(await wire.take("s"), "in time"))
        await quiet()
        assert again.sent is not None
        assert again.sent.answer == "in time"


@pytest.mark.parametrize("how", ["cut", "close"])
async def test_a_connection_lost_before_the_answer_is_doubt(
    exchange: FakeExchange, how: str
) -> None:
    async with open_conversation(exchange) as (conversation, wire, nursery):
        outcome = Outcome(nursery, conversation)
        frame = await wire.take("s")
        hang_up: Callable[[], Awaitable[None]] = getattr(wire.control, how)
        await hang_up()
        await quiet()
        assert isinstance(outcome.error, WSSMessageInDoubtError)
        assert outcome.at == 0
        assert outcome.error.client_message_id == frame["data"]["clientMsgId"]


async def test_without_a_connection_nothing_is_sent(exchange: FakeExchange) -> None:
    async with open_conversation(exchange) as (conversation, wire, _):
        exchange.answers.append(OSError("down"))
        await wire.control.cut()
        await quiet()
        with pytest.raises(WSSConnectionError, match="not sent"):
            await conversation.send(api_version=API_VERSION, data=text("hi"))
        newer = MessageExchange(await exchange.control())
        await newer.grant("s")
        assert await newer.is_quiet()


async def test_while_it_is_claimed_again_a_message_waits(exchange: FakeExchange) -> None:
    async with open_conversation(exchange) as (conversation, wire, nursery):
        await wire.control.cut()
        newer = MessageExchange(await exchange.control())
        claim = await newer.expect("session.open")
        outcome = Outcome(nursery, conversation)
        assert await newer.is_quiet()
        await newer.tell(newer.words.opened("s", claim, {}))
        await newer.words.listen(newer, "s")
        await newer.tell(ok(await newer.take("s"), "fine"))
        await quiet()
        assert outcome.sent is not None


async def test_a_message_waits_30_s_for_a_claim(exchange: FakeExchange) -> None:
    async with open_conversation(exchange) as (conversation, wire, nursery):
        await wire.control.cut()
        newer = MessageExchange(await exchange.control())
        await newer.expect("session.open")
        began = trio.current_time()
        outcome = Outcome(nursery, conversation)
        await trio.sleep(31)
        assert type(outcome.error) is WSSConnectionError
        assert outcome.at == began + 30
        assert await newer.is_quiet()


@on_the_first_wire
async def test_after_the_end_nothing_is_sent(exchange: FakeExchange) -> None:
    async with open_conversation(exchange) as (conversation, wire, nursery):
        on_its_way = Outcome(nursery, conversation)
        frame = await wire.take("s")
        await wire.close("s")
        assert [message async for message in conversation] == []
        with pytest.raises(WSSSessionClosedError, match="the exchange closed it"):
            await conversation.send(api_version=API_VERSION, data=text("hi"))
        # The answer to what was sent before may still come.
        await wire.tell(ok(frame, "in time"))
        await quiet()
        assert on_its_way.sent is not None
        assert await wire.is_quiet()


async def test_thousands_of_messages_at_once_take_their_turns(
    exchange: FakeExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing_messages, "MAX_MESSAGES_ON_THEIR_WAY", 60)
    async with open_conversation(exchange) as (conversation, wire, nursery):
        outcomes = [Outcome(nursery, conversation, {"n": n}) for n in range(100)]
        frames = [await wire.take("s") for _ in range(60)]
        assert await wire.is_quiet()
        for frame in frames:
            await wire.tell(ok(frame))
        for _ in range(40):
            await wire.tell(ok(await wire.take("s")))
        await quiet()
        assert all(outcome.sent for outcome in outcomes)


async def test_what_is_written_is_in_no_log(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with open_conversation(exchange) as (conversation, wire, nursery):
        outcome = Outcome(nursery, conversation, text("a private matter"))
        frame = await wire.take("s")
        await wire.write("s", "a private matter")
        await wire.tell(no(frame, "INVALID_PAYLOAD", {"quoted": "a private matter"}))
        await quiet()
        assert outcome.error is not None
        assert "private" not in f"{outcome.error}{conversation!r}"
    assert "private" not in caplog.text
