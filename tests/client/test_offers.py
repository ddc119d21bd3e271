"""Offers: each is kept until it is taken up, and none is taken up twice at a time."""

import logging

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.support.peers.control_words import offered, ringing_call
from trio_calls import ClientConfig
from trio_calls.call.scope import CallScope
from trio_calls.client.offers import Offers, Session
from trio_calls.state import Signal
from trio_calls.transport.tls import ClientTLS

pytestmark = pytest.mark.pure

CONFIG = ClientConfig.sandbox(api_key="key", connector_uuid="uuid")
TLS = ClientTLS(CONFIG)


def start_call(session: Session) -> CallScope:
    session.call_in = ringing_call(session.session_id)
    session.call = CallScope(session.call_in, CONFIG, TLS)
    return session.call


def take_all(offers: Offers) -> list[str]:
    taken = []
    while (session := offers.take("connection")) is not None:
        taken.append(session.session_id)
    return taken


def test_offers_are_taken_up_in_the_order_in_which_they_came() -> None:
    offers = Offers(None)
    for name in ("a", "b", "c", "a"):
        offers.add(offered(name))
    assert take_all(offers) == ["a", "b", "c"]


def test_no_more_are_taken_up_than_there_is_room_for() -> None:
    offers = Offers(2)
    for name in ("a", "b", "c"):
        offers.add(offered(name))
    assert take_all(offers) == ["a", "b"]
    offers.finish(offers.sessions["a"])
    assert take_all(offers) == ["c"]


def test_an_offer_that_was_withdrawn_is_forgotten() -> None:
    offers = Offers(None)
    offers.add(offered("a"))
    offers.withdraw("a")
    offers.withdraw("never offered")
    assert take_all(offers) == []


def test_an_offer_after_the_end_waits_for_the_scope_to_close() -> None:
    offers = Offers(None)
    offers.add(offered("a"))
    session = offers.take("connection")
    assert session is not None
    call = start_call(session)
    offers.add(offered("a"))  # it is being served

    call.core.protocol.signal(Signal.TERMINATED)
    assert not session.is_held
    assert take_all(offers) == []
    offers.add(offered("a"))
    offers.add(offered("b"))
    assert take_all(offers) == ["b"]
    offers.finish(session)
    assert take_all(offers) == ["a"]


def release(offers: Offers, name: str) -> None:
    offers.add(offered(name))
    session = offers.take("connection")
    assert session is not None
    start_call(session).core.ending.was_released = True
    offers.finish(session)


def test_the_newest_calls_that_were_released_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("trio_calls.client.offers.MAX_WAITING_OFFERS", 3)
    offers = Offers(None)
    for name in ("a", "b", "c", "d"):
        release(offers, name)
    for name in ("d", "c", "b", "a"):
        offers.add(offered(name))
    assert take_all(offers) == ["a"]


def test_too_many_offers_push_the_oldest_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("trio_calls.client.offer_queue.MAX_WAITING_OFFERS", 3)
    offers = Offers(None)
    for name in ("a", "b", "c", "a", "b", "c"):
        offers.add(offered(name))
    assert caplog.records == []
    offers.add(offered("d"))
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert take_all(offers) == ["b", "c", "d"]


def test_a_lost_connection_takes_with_it_what_is_not_a_call_yet() -> None:
    offers = Offers(None)
    offers.add(offered("claimed"))
    offers.add(offered("call"))
    assert take_all(offers) == ["claimed", "call"]
    claimed, served = offers.sessions["claimed"], offers.sessions["call"]
    start_call(served)
    offers.add(offered("waiting"))
    offers.connection_lost()
    assert offers.sessions == {"call": served}
    assert claimed.call_arrived.is_set()
    assert not served.call_arrived.is_set()
    assert take_all(offers) == []


def test_a_void_claim_that_ends_late_does_not_end_the_new_one() -> None:
    offers = Offers(None)
    offers.add(offered("a"))
    void = offers.take("first connection")
    assert void is not None
    offers.connection_lost()
    offers.add(offered("a"))
    current = offers.take("second connection")
    offers.finish(void)
    assert offers.sessions == {"a": current}
    assert current is not None
    assert current.connection_id == "second connection"


class AnyOrderOfEvents(RuleBasedStateMachine):
    """Whatever comes in whatever order: the model keeps what ought to wait, oldest first."""

    def __init__(self) -> None:
        super().__init__()
        self.offers = Offers(2)
        self.waiting: list[str] = []
        self.active: dict[str, Session] = {}

    @rule(name=st.sampled_from("abcd"))
    def is_offered(self, name: str) -> None:
        self.offers.add(offered(name))
        is_served = name in self.active and self.active[name].is_held
        if name not in self.waiting and not is_served:
            self.waiting.append(name)

    @rule()
    def is_taken_up(self) -> None:
        free = [name for name in self.waiting if name not in self.active]
        session = self.offers.take("connection")
        if session is None:
            assert not free or len(self.active) == 2
        else:
            assert session.session_id == free[0]
            self.waiting.remove(free[0])
            self.active[free[0]] = session

    @rule(name=st.sampled_from("abcd"))
    def is_withdrawn(self, name: str) -> None:
        self.offers.withdraw(name)
        self.waiting = [other for other in self.waiting if other != name]

    @precondition(lambda self: self.active)
    @rule(index=st.integers(0, 1))
    def becomes_a_call(self, index: int) -> None:
        session = list(self.active.values())[index % len(self.active)]
        if session.call is None:
            start_call(session)

    @precondition(lambda self: self.active)
    @rule()
    def ends(self) -> None:
        for session in self.active.values():
            if session.call is not None:
                session.call.core.protocol.signal(Signal.TERMINATED)

    @precondition(lambda self: self.active)
    @rule(index=st.integers(0, 1))
    def is_finished(self, index: int) -> None:
        name = list(self.active)[index % len(self.active)]
        self.offers.finish(self.active.pop(name))

    @rule()
    def connection_is_lost(self) -> None:
        self.offers.connection_lost()
        self.waiting.clear()
        self.active = {name: session for name, session in self.active.items() if session.call}

    @invariant()
    def never_more_than_there_is_room_for(self) -> None:
        assert self.offers.sessions == self.active
        assert len(self.active) <= 2


TestAnyOrderOfEvents = AnyOrderOfEvents.TestCase
