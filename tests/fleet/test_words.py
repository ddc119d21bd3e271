"""Events, orders and answers, as they are written and read."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trio_calls.endings import EndCause, Ending
from trio_calls.errors import WSSCallCommandError, WSSCallCommandTimeoutError
from trio_calls.fleet._events import (
    CallEvent,
    CallEventKind,
    words_of_ending,
    words_of_failure,
)
from trio_calls.fleet._orders import Answer, AnswerKind, Order, OrderKind
from trio_calls.state import AgentMode, CallState, Command

pytestmark = pytest.mark.pure

ORDER_ID = "0123456789abcdef" * 2
ORDER = Order(order_id=ORDER_ID, kind=OrderKind.CLOSE, expires_ms=1000, call_id="a")
EVENTS = st.builds(
    CallEvent,
    kind=st.sampled_from(CallEventKind),
    number=st.integers(0, 2**40),
    seconds=st.integers(0, 10**9).map(lambda ms: ms / 1000),
    state=st.sampled_from(CallState),
    mode=st.none() | st.sampled_from(AgentMode),
    detail=st.sampled_from(["", "call.connect: CALL_UNANSWERED"]),
)


@settings(max_examples=40)
@given(EVENTS)
def test_an_event_is_read_as_it_was_written(event: CallEvent) -> None:
    assert CallEvent.decode(event.encode()) == event


@pytest.mark.parametrize("kind", OrderKind)
def test_an_order_is_read_as_it_was_written(kind: OrderKind) -> None:
    call_id = None if kind is OrderKind.DRAIN else "a"
    order = Order(order_id=ORDER_ID, kind=kind, expires_ms=5, call_id=call_id)
    assert Order.decode(order.encode()) == order


@pytest.mark.parametrize("kind", AnswerKind)
def test_an_answer_is_read_as_it_was_written(kind: AnswerKind) -> None:
    answer = Answer(kind=kind, detail="why", calls=3)
    assert Answer.decode(answer.encode()) == answer


def test_a_long_answer_is_cut_off() -> None:
    answer = Answer.decode(Answer(kind=AnswerKind.FAILED, detail="a\n" * 1000).encode())
    assert answer.detail == "a" * 512


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("order_id", "*"),
        ("order_id", ORDER_ID[1:]),
        ("kind", "close"),
        ("expires_ms", None),
        ("call_id", None),
        ("call_id", 7),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(name: str, value: object) -> None:
    values = {**json.loads(ORDER.encode()), name: value}
    with pytest.raises(ValueError, match=name):
        Order.decode(json.dumps(values).encode())


def test_a_worker_is_not_drained_because_of_a_call() -> None:
    values = {**json.loads(ORDER.encode()), "kind": "DRAIN"}
    with pytest.raises(ValueError, match="call_id"):
        Order.decode(json.dumps(values).encode())


@pytest.mark.parametrize("read", [CallEvent.decode, Order.decode, Answer.decode])
@settings(max_examples=40)
@given(data=st.binary(max_size=64))
def test_nothing_but_a_value_error_comes_of_nonsense(
    read: Callable[[bytes], object], data: bytes
) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read(data)


def test_what_the_exchange_writes_is_in_no_event() -> None:
    ending = Ending(EndCause.CALLER, 1000, "a secret reason")
    assert words_of_ending(ending) == "the caller hung up"
    assert words_of_ending(None) == ""
    refusal = WSSCallCommandError("call.connect", "CALL_UNANSWERED", "a secret message")
    assert words_of_failure(Command.CONNECT, refusal) == "call.connect: CALL_UNANSWERED"
    late = WSSCallCommandTimeoutError("call.answer")
    assert words_of_failure(Command.ANSWER, late) == "call.answer: WSSCallCommandTimeoutError"
