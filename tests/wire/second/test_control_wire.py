"""How a call is claimed on the second wire: request by request, without a connection."""

import json
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import attrs
import pytest

from trio_calls.audio_format import AudioFormat, AudioMode
from trio_calls.wire.codec import encode
from trio_calls.wire.control_wire import News, Offered, RingingCall
from trio_calls.wire.message import Message
from trio_calls.wire.responses import Response, SetupDone
from trio_calls.wire.second import call_sessions, control_wire
from trio_calls.wire.second.call_sessions import CallSessions
from trio_calls.wire.second.control import (
    Address,
    CallNotify,
    CreateCall,
    SessionClaim,
    SessionOpen,
)
from trio_calls.wire.second.control_wire import SecondControl
from trio_calls.wire.second.conversation_names import Parties

pytestmark = pytest.mark.pure

T = TypeVar("T")

CLAIMED = {"url": "ws://exchange/media", "token": "secret"}
NOTIFY = CallNotify("call-1", "+65 6222", "+65 9111", created_at=1.5)


class FakeExchange:
    """Answers requests, one after the other, and notes them.

    Attributes:
      answers: for the next requests: an error code, or the content of what is granted.
      asked: the requests, in order.
      heard: what the client was to act on.
    """

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[Message] = []
        self.heard: list[News] = []

    async def request(self, make_request: Callable[[str], Message]) -> Response:
        self.asked.append(make_request(f"request {len(self.asked)}"))
        answer = self.answers.pop(0)
        if isinstance(answer, str):
            return Response("", is_ok=False, error_code=answer)
        return Response("", is_ok=True, content=answer)

    def send(self, message: Message) -> None:
        raise AssertionError(f"nothing is sent without a request: {message}")

    def hear(self, news: News) -> None:
        self.heard.append(news)

    def is_granted(self, response: Response) -> bool:
        return response.is_ok


def run(steps: Coroutine[Any, Any, T]) -> T:
    """Run what never really waits."""
    try:
        steps.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("it waits for something")


def told(notify: CallNotify = NOTIFY) -> SecondControl:
    wire = SecondControl()
    wire.read(encode(notify))
    return wire


def test_a_call_is_taken_into_a_session() -> None:
    exchange = FakeExchange({"created": True}, CLAIMED)
    response = run(told().claim(exchange, "call-1"))
    assert response.is_ok
    opened, claimed = exchange.asked
    assert isinstance(opened, SessionOpen)
    assert opened.subscriber == "+65 6222"
    assert isinstance(claimed, SessionClaim)
    assert (claimed.session_id, claimed.call_id) == (opened.session_id, "call-1")
    assert exchange.heard == [
        RingingCall(
            session_id="call-1",
            call_id="call-1",
            caller_number="+65 9111",
            callee_number="+65 6222",
            url=CLAIMED["url"],
            token=CLAIMED["token"],
        )
    ]


def opened_in(exchange: FakeExchange) -> list[str]:
    """The names of the sessions that were opened, in order."""
    return [message.session_id for message in exchange.asked if isinstance(message, SessionOpen)]


def test_callers_do_not_share_a_session() -> None:
    """Nor do those who do not say who they are."""
    wire = told()
    wire.read(encode(CallNotify("call-2", "+65 6222")))
    wire.read(encode(CallNotify("call-3", "+65 6222")))
    exchange = FakeExchange({}, CLAIMED, {}, CLAIMED, {}, CLAIMED)
    for call_id in ("call-1", "call-2", "call-3"):
        run(wire.claim(exchange, call_id))
    assert len(set(opened_in(exchange))) == 3


def test_a_caller_has_the_session_of_the_call_before() -> None:
    """So has somebody who is called back."""
    wire = told()
    wire.read(encode(attrs.evolve(NOTIFY, call_id="call-2")))
    answers = [{}, CLAIMED, {}, CLAIMED, {}, {"callId": "call-3", **CLAIMED}]
    exchange = FakeExchange(*answers)
    run(wire.claim(exchange, "call-1"))
    run(wire.claim(exchange, "call-2"))
    run(wire.create(exchange, "TELCO", "+65 9111", "+65 6222"))
    assert len(opened_in(exchange)) == 3
    assert len(set(opened_in(exchange))) == 1


def test_a_call_that_cannot_be_had_is_not_asked_for_again() -> None:
    exchange = FakeExchange({}, "CALL_NOT_FOUND")
    assert run(told().claim(exchange, "call-1")).error_code == "CALL_NOT_FOUND"
    assert exchange.heard == []


@pytest.mark.parametrize("code", ["QUOTA_EXCEEDED", "INVALID_REQUEST"])
def test_nothing_is_claimed_without_a_session(code: str) -> None:
    exchange = FakeExchange(code)
    assert run(told().claim(exchange, "call-1")).error_code == code
    assert len(exchange.asked) == 1


def test_where_there_are_no_more_sessions_one_is_shared() -> None:
    wire = told()
    exchange = FakeExchange({}, CLAIMED)
    run(wire.claim(exchange, "call-1"))
    for number in range(2, 7):
        wire.read(encode(CallNotify(f"call-{number}", "+65 6222", f"+65 {number}")))
    wire.read(encode(CallNotify("call-7", "+65 6223", "+65 7")))
    for number in range(2, 6):
        exchange.answers += ["QUOTA_EXCEEDED", {}, CLAIMED]
        assert run(wire.claim(exchange, f"call-{number}")).is_ok
        assert opened_in(exchange)[-1] == opened_in(exchange)[0]
    # It has five parties now, and is of no use to other numbers of the connector.
    for number in (6, 7):
        exchange.answers += ["QUOTA_EXCEEDED"]
        assert run(wire.claim(exchange, f"call-{number}")).error_code == "QUOTA_EXCEEDED"


@pytest.mark.parametrize("code", ["SESSION_NOT_FOUND", "SUBSCRIBER_MISMATCH", "PARTICIPANTS_FULL"])
def test_a_session_of_no_use_is_replaced(code: str) -> None:
    exchange = FakeExchange({}, code, {}, CLAIMED)
    assert run(told().claim(exchange, "call-1")).is_ok
    assert len(set(opened_in(exchange))) == 2
    assert [message.wire_type for message in exchange.asked] == [
        "session.open",
        "session.claim",
        "session.open",
        "session.claim",
    ]
    assert len(exchange.heard) == 1


def test_a_session_whose_name_is_taken_is_replaced() -> None:
    exchange = FakeExchange("SUBSCRIBER_MISMATCH", {}, CLAIMED)
    assert run(told().claim(exchange, "call-1")).is_ok


@pytest.mark.parametrize("code", ["SESSION_NOT_FOUND", "SUBSCRIBER_MISMATCH", "PARTICIPANTS_FULL"])
def test_where_the_second_session_is_of_no_use_it_is_given_up(code: str) -> None:
    exchange = FakeExchange({}, code, {}, code)
    assert run(told().claim(exchange, "call-1")).error_code == code
    assert exchange.heard == []


def test_only_so_many_sessions_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_sessions, "MAX_PAIRS", 2)
    sessions = CallSessions()
    parties = [Parties("TELCO", "+65 6222", f"+65 {number}") for number in range(3)]
    names = [sessions.name_of(each) for each in parties]
    assert sessions.name_of(parties[1]) == names[1]
    assert sessions.name_of(parties[0]) != names[0]
    assert sessions.name_of(parties[1]) == names[1]


@pytest.mark.parametrize("content", [None, {}, {"url": "ws://host"}, {**CLAIMED, "url": 7}])
def test_a_claim_without_an_address_is_none(content: Any) -> None:
    exchange = FakeExchange({}, content)
    response = run(told().claim(exchange, "call-1"))
    assert not response.is_ok
    assert "makes no sense" in (response.error_code or "")
    assert exchange.heard == []


def test_nobody_is_asked_for_a_call_that_nobody_told_of() -> None:
    exchange = FakeExchange()
    assert run(SecondControl().claim(exchange, "call-1")).error_code == "CALL_NOT_FOUND"
    assert exchange.asked == []


def test_only_so_many_calls_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_wire, "MAX_NOTIFIED_CALLS", 2)
    wire = SecondControl()
    for name in ("a", "b", "a", "c"):
        wire.read(encode(CallNotify(name, "+65 6222")))
    assert run(wire.claim(FakeExchange(), "b")).error_code == "CALL_NOT_FOUND"
    assert run(wire.claim(FakeExchange({}, CLAIMED), "a")).is_ok


def test_an_offer_says_who_calls_whom() -> None:
    offer = SecondControl().read(encode(NOTIFY))
    assert offer == Offered("call-1", "TELCO", "+65 9111", "+65 6222", "NEW_INCOMING_CALL", 1.5)
    assert offer.offers_call


def test_a_setup_asks_for_the_second_medias_form() -> None:
    setup = SecondControl().setup(AudioFormat(24000, AudioMode.ISOLATED))
    assert json.loads(encode(setup)) == {
        "type": "setup",
        "data": {
            "sampleRate": 24000,
            "audioMode": "isolated",
            "mediaProtocolVersion": 2,
            "mediaCapabilities": ["credit_push", "framed_audio_v1"],
        },
    }


def test_answers_pass_through() -> None:
    wire = SecondControl()
    for answer in (SetupDone("connection"), Response("request", is_ok=True)):
        assert wire.read(encode(answer)) == answer
    assert wire.read('{"type":"session.notify","sessionId":"s","channel":"TELCO"}') is None


def test_trigger_conditions_are_said_in_the_second_wires_words() -> None:
    what = {"inbound_calls": "ALL", "outbound_calls": False}
    flow = SecondControl().call_flow(
        "request", **what, inbound_messages=True, outbound_messages=False
    )
    assert json.loads(encode(flow)) == {
        "type": "trigger_conditions.setup",
        "reqId": "request",
        "data": {
            "inboundCall": "ALL",
            "outboundCall": False,
            "inboundMessage": True,
            "outboundMessage": False,
        },
    }


def test_a_call_out_is_prepared_and_then_at_hand() -> None:
    wire = SecondControl()
    exchange = FakeExchange({"created": True}, {"callId": "call-7", **CLAIMED})
    created = run(wire.create(exchange, "TELCO", "+65 9111", "+65 6222"))
    assert (created.session_id, created.is_new) == ("call-7", True)
    opened, prepared = exchange.asked
    assert isinstance(opened, SessionOpen)
    assert isinstance(prepared, CreateCall)
    assert (opened.subscriber, prepared.session_id) == ("+65 6222", opened.session_id)
    assert prepared.destination == Address("TELCO", "+65 9111")
    assert run(wire.claim(exchange, "call-7")).is_ok
    [call] = exchange.heard
    assert isinstance(call, RingingCall)
    assert (call.call_id, call.is_prepared) == ("call-7", True)
    assert (call.caller_number, call.callee_number) == ("+65 6222", "+65 9111")
    assert run(wire.claim(exchange, "call-7")).error_code == "CALL_NOT_FOUND"


@pytest.mark.parametrize("code", ["FORBIDDEN", "INVALID_REQUEST"])
def test_a_call_out_may_be_refused(code: str) -> None:
    exchange = FakeExchange({}, code)
    created = run(SecondControl().create(exchange, "TELCO", "+65 9111", "+65 6222"))
    assert created.response.error_code == code
