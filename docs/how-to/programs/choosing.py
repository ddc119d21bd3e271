"""Choosing which calls to claim; the page "Run it in production" shows it."""

import time

from trio_calls import ActiveCall, ClientConfig, events, open_call_client
from trio_calls.sessions import Offer, OfferDecision

SALES = "+65 6222 0000"
PATIENCE_SECONDS = 5


async def help_sales(config: ClientConfig) -> None:
    async with open_call_client(config) as client:

        @client.on(events.OFFER)
        def choose(offer: Offer) -> OfferDecision:
            if offer.local_address != SALES:
                return OfferDecision.LEAVE  # other workers answer other numbers
            if time.time() < offer.created_at + PATIENCE_SECONDS:
                return OfferDecision.LATER  # this one only helps when nobody else is free
            return OfferDecision.CLAIM

        @client.on(events.INCOMING_CALL)
        async def handle_call(call: ActiveCall) -> None:
            await call.answer()
            await call.wait_disconnected()

        await client.run_forever()
