"""The application looks at offers of conversations, too, before they are claimed."""

from __future__ import annotations

import attrs
import pytest
import trio

from tests.support.peers.control_words import offer as call_offer
from tests.support.peers.exchange import FakeExchange
from tests.support.peers.messaging import MessageExchange, body
from tests.support.wires import on_the_first_wire
from trio_calls import ActiveCall, events, open_call_client
from trio_calls.sessions import Conversation, Offer, OfferDecision
from trio_calls.simulator import Simulator

pytestmark = on_the_first_wire


class Judge:
    """Decides as it is told, and notes what it was asked about.

    Attributes:
      decision: for all offers.
    """

    def __init__(self, decision: OfferDecision) -> None:
        self.decision = decision
        self.asked: list[Offer] = []

    def __call__(self, offer: Offer) -> OfferDecision:
        self.asked.append(offer)
        return self.decision


async def hold(conversation: Conversation) -> None:
    async for _ in conversation:
        pass


@pytest.mark.parametrize("activity", ["NEW_INCOMING_MESSAGE", "RESUME", "NEWER_THAN_THIS"])
async def test_it_is_asked_about_each_and_whatever_is_new(
    exchange: FakeExchange, activity: str
) -> None:
    judge = Judge(OfferDecision.CLAIM)
    async with open_call_client(exchange.config(claims=judge)) as client:
        client.on(events.INCOMING_MESSAGE)(hold)
        wire = MessageExchange(await exchange.control())
        await wire.offer("s", activity=activity)
        await wire.grant("s")
        assert [(asked.channel, asked.activity) for asked in judge.asked] == [("WA", activity)]


async def test_what_is_left_is_not_claimed(exchange: FakeExchange) -> None:
    judge = Judge(OfferDecision.LEAVE)
    async with open_call_client(exchange.config(claims=judge)) as client:
        client.on(events.INCOMING_MESSAGE)(hold)
        wire = MessageExchange(await exchange.control())
        await wire.offer("s")
        await trio.sleep(10)
        assert await wire.is_quiet()
        judge.decision = OfferDecision.CLAIM
        await wire.bring("s")
        assert len(judge.asked) == 2


async def test_what_is_put_off_is_claimed_later(exchange: FakeExchange) -> None:
    judge = Judge(OfferDecision.LATER)
    async with open_call_client(exchange.config(claims=judge)) as client:
        client.on(events.INCOMING_MESSAGE)(hold)
        wire = MessageExchange(await exchange.control())
        await wire.offer("s")
        await trio.sleep(1.5)
        judge.decision = OfferDecision.CLAIM
        await wire.grant("s")
        assert trio.current_time() == 2
        assert len(judge.asked) == 3


async def test_a_conversation_that_is_ours_is_not_asked_about(exchange: FakeExchange) -> None:
    judge = Judge(OfferDecision.CLAIM)
    async with open_call_client(exchange.config(claims=judge)) as client:
        client.on(events.INCOMING_MESSAGE)(hold)
        wire = MessageExchange(await exchange.control())
        await wire.bring("s")
        judge.decision = OfferDecision.LEAVE
        await wire.control.cut()
        again = MessageExchange(await exchange.control())
        await again.offer("s", activity="RESUME")
        await again.grant("s")
        assert len(judge.asked) == 1


async def test_without_a_handler_of_messages_nobody_is_asked(exchange: FakeExchange) -> None:
    judge = Judge(OfferDecision.CLAIM)

    async def handle_call(call: ActiveCall) -> None:
        await call.wait_disconnected()

    async with open_call_client(exchange.config(claims=judge)) as client:
        client.on(events.INCOMING_CALL)(handle_call)
        wire = MessageExchange(await exchange.control())
        await wire.offer("s")
        await wire.control.send(call_offer("call"))
        await wire.control.expect_claim("call")
        assert [asked.session_id for asked in judge.asked] == ["call"]


async def test_a_worker_takes_what_one_partner_writes(simulator: Simulator) -> None:
    read: list[str] = []

    async def handle(conversation: Conversation) -> None:
        read.extend([body(message) async for message in conversation])

    def of_one_partner(offer: Offer) -> OfferDecision:
        is_theirs = offer.remote_address == "6591110001"
        return OfferDecision.CLAIM if is_theirs else OfferDecision.LEAVE

    config = attrs.evolve(simulator.config, claims=of_one_partner)
    async with open_call_client(config) as client:
        client.on(events.INCOMING_MESSAGE)(handle)
        simulator.place_message(sender="6591110001", content="for us")
        simulator.place_message(sender="6591110002", content="for others")
        await trio.sleep(1)
        await client.drain()
    assert read == ["for us"]
