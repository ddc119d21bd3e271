"""Calls that several processes may have: who is asked before one is opened, and what they hear."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import trio
import trio.testing

from tests.support.peers.control_words import ringing_call
from tests.support.peers.exchange import FakeExchange, http
from tests.support.transports import on_one_transport
from trio_calls import ActiveCall, AudioFormat, EndCause, Ending
from trio_calls.call.hand_over import hand_over_of, with_gatekeeper
from trio_calls.sessions import HandOver, serve_handed_over

pytestmark = on_one_transport


class Gatekeeper:
    """Answers what a test says, and notes what it hears.

    Attributes:
      refusals: for the next questions; those beyond are allowed.
      heard: everything, in order.
      answering: what answers wait for.
    """

    def __init__(self, *refusals: str) -> None:
        self.refusals = list(refusals)
        self.heard: list[object] = []
        self.answering = trio.Event()
        self.answering.set()

    async def may_open(self) -> str | None:
        self.heard.append("may it?")
        await self.answering.wait()
        return self.refusals.pop(0) if self.refusals else None

    def opened(self) -> None:
        self.heard.append("opened")

    def stopped_ringing(self, ending: Ending | None) -> None:
        self.heard.append(ending and ending.cause)


async def serve(
    exchange: FakeExchange, gatekeeper: Gatekeeper, handler: Callable[[ActiveCall], Awaitable[None]]
) -> None:
    """Serve one call that has this gatekeeper."""

    async def calls() -> AsyncIterator[HandOver]:
        yield with_gatekeeper(hand_over_of(ringing_call("s"), AudioFormat(8000)), gatekeeper)

    await serve_handed_over(calls(), handler, exchange.config())


async def test_it_is_asked_before_the_call_is_opened(exchange: FakeExchange) -> None:
    gatekeeper = Gatekeeper()
    gatekeeper.answering = trio.Event()

    async def handle(call: ActiveCall) -> None:
        await trio.sleep(5)
        await call.answer()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, exchange, gatekeeper, handle)
        await trio.sleep(4)
        assert gatekeeper.heard == []
        await trio.sleep(2)
        assert gatekeeper.heard == ["may it?"]
        assert exchange.attempts == []
        gatekeeper.answering.set()
        media = await exchange.media()
        await trio.testing.wait_all_tasks_blocked()
        assert gatekeeper.heard == ["may it?", "opened"]
        await media.accept("call.answer")
        await media.accept("call.close")
    assert gatekeeper.heard == ["may it?", "opened", None]


async def test_a_refusal_ends_the_call_quietly(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    gatekeeper = Gatekeeper("another worker opens it")
    calls: list[ActiveCall] = []

    async def handle(call: ActiveCall) -> None:
        calls.append(call)
        await call.answer()

    await serve(exchange, gatekeeper, handle)
    assert calls[0].ending == Ending(EndCause.LOST, detail="another worker opens it")
    assert gatekeeper.heard == ["may it?", EndCause.LOST]
    assert exchange.attempts == []
    assert [record for record in caplog.records if record.levelname != "DEBUG"] == []


async def test_it_is_asked_again_before_another_attempt(exchange: FakeExchange) -> None:
    gatekeeper = Gatekeeper()
    exchange.answers.append(http(503))

    async def handle(call: ActiveCall) -> None:
        await call.answer()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, exchange, gatekeeper, handle)
        media = await exchange.media()
        await media.accept("call.answer")
        await media.accept("call.close")
    assert gatekeeper.heard == ["may it?", "may it?", "opened", None]


async def test_a_call_that_is_let_go_was_never_asked_for(exchange: FakeExchange) -> None:
    gatekeeper = Gatekeeper()

    async def handle(call: ActiveCall) -> None:
        await call.close()

    await serve(exchange, gatekeeper, handle)
    assert gatekeeper.heard == [EndCause.CLOSE]


async def test_cancellation_does_not_wait_for_its_answer(exchange: FakeExchange) -> None:
    gatekeeper = Gatekeeper()
    gatekeeper.answering = trio.Event()

    async def handle(call: ActiveCall) -> None:
        await call.answer()

    with trio.move_on_after(1):
        await serve(exchange, gatekeeper, handle)
    # The grace to leave in.
    assert trio.current_time() <= 3
    assert exchange.attempts == []
    assert gatekeeper.heard == ["may it?", EndCause.DRAINED]


async def test_a_call_shows_nothing_of_it() -> None:
    handed_over = with_gatekeeper(hand_over_of(ringing_call("s"), AudioFormat(8000)), Gatekeeper())
    assert repr(handed_over) == "<HandOver of call call of s>"
    assert handed_over == hand_over_of(ringing_call("s"), AudioFormat(8000))
