"""`max_concurrent_calls` at an exchange that answers as it likes: never too many, none forgotten.

The exchange counts strictly: a call is this client's from the moment at which its claim arrives,
however late the response goes out, and whether one does at all.
"""

from __future__ import annotations

import math
import random
from contextlib import suppress

import pytest
import trio
import trio.testing

from tests.support.peers.control_words import call_in, offer
from tests.support.peers.exchange import FakeExchange
from tests.support.peers.links import ControlEnd, MediaEnd
from tests.support.wires import on_the_first_wire
from trio_calls import ActiveCall, CallState, WSSMediaError, events, open_call_client
from trio_calls.client.shares import MAX_WAIT_SECONDS
from trio_calls.transport import WebSocketClosed
from trio_calls.wire.commands import CallEvent
from trio_calls.wire.first.codec import decode_control
from trio_calls.wire.first.control import SessionClosed, SessionOpen, SessionReady
from trio_calls.wire.message import Message
from trio_calls.wire.names import SESSION_BUSY, SESSION_CLOSED
from trio_calls.wire.responses import Response

pytestmark = [pytest.mark.slow, on_the_first_wire]

CALLS = 30
#: How long the exchange takes to answer. After 60 s the client has ended the connection.
ANSWER_SECONDS = (0, 0, 0, 0, 0.1, 5, 31, 59, 100)
#: How a connection ends for the exchange.
GONE = (WebSocketClosed, trio.BrokenResourceError, trio.ClosedResourceError, trio.EndOfChannel)


class UnrulyExchange:
    """Offers calls, answers claims at random, ends calls, and loses connections.

    Attributes:
      on_offer: may be claimed; since when.
      held: claimed by the client, and not refused, over or lost since.
      unanswered: claims that wait for a response.
      over: ended by their callers.
      all_over: set when every call is.
      most: how many were held at once.
    """

    def __init__(
        self, exchange: FakeExchange, nursery: trio.Nursery, random: random.Random, max_calls: int
    ) -> None:
        self.on_offer: dict[str, float] = {}
        self.held: set[str] = set()
        self.unanswered: set[str] = set()
        self.over: set[str] = set()
        self.all_over = trio.Event()
        self.most = 0
        self._exchange = exchange
        self._nursery = nursery
        self._random = random
        self._max_calls = max_calls
        self._turn = trio.Lock()
        self._control: ControlEnd | None = None
        self._medias: dict[str, MediaEnd] = {}

    async def accept_controls(self) -> None:
        while True:
            self._control = control = await self._exchange.control(patience=math.inf)
            self.on_offer = dict.fromkeys(sorted(self.on_offer), trio.current_time())
            await self._send(control, *map(offer, self.on_offer))
            with suppress(trio.EndOfChannel):
                while True:
                    frame = await control.receive(patience=math.inf)
                    assert isinstance(frame, str)
                    if control is self._control:
                        self._receive(control, frame)
            self._lose(control)

    async def accept_medias(self) -> None:
        while True:
            media = await self._exchange.media(patience=math.inf)
            self._nursery.start_soon(self._talk, media)

    async def offer_calls(self) -> None:
        for number in range(CALLS):
            await trio.sleep(self._random.choice((0, 0, 0, 1, 10)))
            await self._offer(f"call-{number}")

    async def cut_now_and_then(self) -> None:
        while True:
            await trio.sleep(self._random.uniform(10, 200))
            if self._control is not None:
                control = self._control
                self._lose(control)
                await control.cut()

    async def look(self) -> None:
        """See to it that nothing on offer is left alone for long while there is room."""
        while True:
            await trio.sleep(self._random.uniform(0, 5))
            await trio.testing.wait_all_tasks_blocked()
            has_room = len(self.held | self.unanswered) < self._max_calls
            if self._control is not None and has_room:
                assert all(
                    trio.current_time() < since + 1.001 * MAX_WAIT_SECONDS
                    for since in self.on_offer.values()
                )

    def _receive(self, control: ControlEnd, frame: str) -> None:
        match decode_control(frame):
            case SessionOpen() as claim:
                error_code = self._decide(claim.session_id)
                self.unanswered.add(claim.session_id)
                self._nursery.start_soon(self._respond, control, claim, error_code)
            case SessionReady(session_id):
                self._nursery.start_soon(self._deliver, control, session_id)
            case message:
                raise AssertionError(f"unexpected: {message}")

    def _decide(self, name: str) -> str | None:
        """Say what becomes of a claim: the error code, if it is refused."""
        if name in self.over:
            return SESSION_CLOSED
        assert name in self.on_offer
        del self.on_offer[name]
        self._hold(name)
        return SESSION_BUSY if self._random.random() < 0.2 else None

    def _hold(self, name: str) -> None:
        self.held.add(name)
        self.most = max(self.most, len(self.held))
        assert len(self.held) <= self._max_calls

    async def _respond(
        self, control: ControlEnd, claim: SessionOpen, error_code: str | None
    ) -> None:
        await trio.sleep(self._random.choice(ANSWER_SECONDS))
        if control is not self._control:
            return
        name = claim.session_id
        self.unanswered.discard(name)
        if error_code == SESSION_BUSY and name in self._medias:
            error_code = None  # the client has answered it after all
        elif error_code == SESSION_BUSY:
            self.held.discard(name)
        await self._send(control, Response(claim.request_id, error_code is None, None, error_code))
        if error_code == SESSION_BUSY:
            await trio.sleep(self._random.choice((0, 10)))
            if name not in self._medias and name not in self.over:
                await self._offer(name)  # whoever was faster is gone

    async def _deliver(self, control: ControlEnd, name: str) -> None:
        await trio.sleep(self._random.choice(ANSWER_SECONDS))
        if control is self._control:
            await self._send(control, call_in(name, token=name))
        await trio.sleep(self._random.uniform(0, 60))
        if control is self._control and name in self.held and name not in self._medias:
            self._hang_up(name)
            await self._send(control, SessionClosed(name))

    async def _talk(self, media: MediaEnd) -> None:
        name = media.authorization.removeprefix("Bearer ")
        if name in self.over:
            await media.close()
            return
        self._medias[name] = media
        self.on_offer.pop(name, None)
        self._hold(name)
        with suppress(*GONE):
            await media.accept("call.answer")
            await trio.sleep(self._random.uniform(0, 60))
            await media.send(CallEvent("call.terminated"))
        self._hang_up(name)

    async def _offer(self, name: str) -> None:
        self.on_offer[name] = trio.current_time()
        if self._control is not None:
            await self._send(self._control, *[offer(name)] * self._random.choice((1, 1, 2)))

    def _hang_up(self, name: str) -> None:
        self.held.discard(name)
        self._medias.pop(name, None)
        self.over.add(name)
        if len(self.over) == CALLS:
            self.all_over.set()

    def _lose(self, control: ControlEnd) -> None:
        """What was claimed and has no media connection rings on, or its caller hangs up."""
        if control is not self._control:
            return
        self._control = None
        self.unanswered.clear()
        for name in sorted(self.held - self._medias.keys()):
            self.held.remove(name)
            if self._random.random() < 0.2:
                self._hang_up(name)
            else:
                self.on_offer[name] = trio.current_time()

    async def _send(self, control: ControlEnd, *messages: Message) -> None:
        async with self._turn:
            with suppress(*GONE):
                await control.send(*messages)


@pytest.mark.parametrize("seed", range(8))
async def test_never_too_many_and_none_forgotten(exchange: FakeExchange, seed: int) -> None:
    chance = random.Random(seed)
    max_calls = chance.choice((1, 2, 3, 5))

    async def handle(call: ActiveCall) -> None:
        with call.cancel_on_hangup():
            await trio.sleep(chance.uniform(0, 5))
            if chance.random() < 0.5:
                while call.state is CallState.PENDING:
                    with suppress(WSSMediaError):
                        await call.answer()
            await trio.sleep_forever()

    async with (
        open_call_client(exchange.config(max_concurrent_calls=max_calls)) as client,
        trio.open_nursery() as nursery,
    ):
        client.on(events.INCOMING_CALL)(handle)
        unruly = UnrulyExchange(exchange, nursery, chance, max_calls)
        for task in (
            unruly.accept_controls,
            unruly.accept_medias,
            unruly.offer_calls,
            unruly.cut_now_and_then,
            unruly.look,
        ):
            nursery.start_soon(task)
        with trio.fail_after(20_000):
            await unruly.all_over.wait()
        nursery.cancel_scope.cancel()
    assert unruly.most == max_calls
