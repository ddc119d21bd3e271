"""Callers who ring while things go wrong: each is answered or over in the end, none is stuck.

Each trial has a few callers, one or two workers, and whatever a seed picks: faults of the exchange,
connections that open slowly or not at all, or whose end is noticed late, callers who hang up, and
handlers that answer late, once or until it works, decline, or hand over to another process. A
minute after the last fault nobody may ring any more, and when all have hung up nothing may be left,
and every place be free.

``TRIO_CALLS_SEARCH_SEEDS=5000`` in the environment searches for longer, and
``TRIO_CALLS_SEARCH_SEEDS=17:18`` repeats the trial of one seed.
"""

from __future__ import annotations

import math
import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import attrs
import pytest
import trio
import trio.testing

from tests.support.in_memory import tasks_of_ours
from tests.support.transports import on_one_transport
from tests.support.troubled_network import TroubledNetwork
from trio_calls import ActiveCall, CallClient, CallState, WSSMediaError, events, open_call_client
from trio_calls.config import WireName
from trio_calls.sessions import HandOver, serve_handed_over
from trio_calls.simulator import (
    Fault,
    PhoneHungUp,
    PhoneState,
    SimulatedCall,
    Simulator,
    cut_control,
    cut_media,
    duplicate_offer,
    jitter,
    open_simulator,
    restart,
    stall,
)
from trio_calls.simulator.transcript.transcript import ConnectionKind

pytestmark = pytest.mark.slow

CALLING = PhoneState.CALLING

_FIRST_SEED, _, _END_OF_SEEDS = os.environ.get("TRIO_CALLS_SEARCH_SEEDS", "100").rpartition(":")
SEEDS = range(int(_FIRST_SEED or 0), int(_END_OF_SEEDS))
#: Seeds of one test.
CHUNK = 100

#: When the last fault begins, at the latest.
TROUBLE_SECONDS = 15
#: How long a caller rings who wants to be answered, after the last fault is over.
PATIENCE_SECONDS = 60
#: How long everything takes to settle when all have hung up.
SETTLING_SECONDS = 120
#: Rings through to the end, and is answered at once.
FRESH = "+65 6222 9999"


class Worker:
    """A client whose handlers do all that handlers may do with a call that rings.

    Attributes:
      network: between it and the exchange.
      max_calls: `ClientConfig.max_concurrent_calls`.
      client: its client.
      handlers: how many run.
    """

    client: CallClient

    def __init__(
        self, simulator: Simulator, chance: random.Random, answerer: Answerer | None
    ) -> None:
        self.network = TroubledNetwork(simulator, chance)
        self._answerer = answerer
        self.max_calls = chance.choice((1, 2, 3, None))
        self.handlers = 0
        self._chance = chance

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        config = attrs.evolve(self.network.config, max_concurrent_calls=self.max_calls)
        async with open_call_client(config) as self.client:
            self.client.on(events.INCOMING_CALL)(self._handle)
            self.network.is_sound = False
            yield

    def leftovers(self) -> list[object]:
        return [*self.client.calls, *self.client._incoming.offers.sessions, *range(self.handlers)]

    async def _handle(self, call: ActiveCall) -> None:
        self.handlers += 1
        try:
            if self._answerer is not None and self._chance.random() < 0.5:
                await self._answerer.take(call)
            else:
                await begin(call, self._chance)
                await call.wait_disconnected()
        finally:
            self.handlers -= 1


class Answerer:
    """A process that has no control connection: workers hand calls over to it.

    Attributes:
      network: between it and the exchange.
      handlers: how many run.
    """

    def __init__(self, simulator: Simulator, chance: random.Random) -> None:
        self.network = TroubledNetwork(simulator, chance)
        self.handlers = 0
        self._chance = chance
        self._sent, self._received = trio.open_memory_channel[HandOver](math.inf)

    async def take(self, call: ActiveCall) -> None:
        self._sent.send_nowait(await call.hand_over())

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with trio.open_nursery() as nursery:
            config = self.network.config
            await nursery.start(serve_handed_over, self._received, self._handle, config)
            self.network.is_sound = False
            yield
            self._sent.close()

    async def _handle(self, call: ActiveCall) -> None:
        self.handlers += 1
        try:
            await begin(call, self._chance)
            await call.wait_disconnected()
        finally:
            self.handlers -= 1


async def begin(call: ActiveCall, chance: random.Random) -> None:
    if call.callee_number == FRESH:
        await call.answer()
        return
    await trio.sleep(chance.choice((0, 0, 1, 5)) * chance.random())
    match chance.randrange(6):
        case 0:
            await trio.sleep(chance.uniform(0, 20))
            await call.disconnect()
        case 1:
            await call.connect()
        case 2 | 3:
            with trio.fail_after(chance.choice((1, 100, 100))):
                await call.answer()
        case _:
            await insist(call, chance)


async def insist(call: ActiveCall, chance: random.Random) -> None:
    while call.state is CallState.PENDING:
        try:
            await call.answer()
        except WSSMediaError:
            await trio.sleep(chance.random())


async def ring(caller: SimulatedCall, patience: float) -> None:
    """Talk for a second when there is an answer, and hang up, or lose patience."""
    with trio.move_on_after(patience), suppress(PhoneHungUp):
        await caller.caller.wait_talking()
        await trio.sleep(1)
    caller.caller.hang_up()


async def make_trouble(simulator: Simulator, chance: random.Random) -> None:
    """Let things go wrong, and wait until the last of it is over."""
    for _ in range(chance.randint(1, 5)):
        await trio.sleep(chance.uniform(0, TROUBLE_SECONDS / 5))
        seconds = chance.choice((0, 1, 8)) * chance.random()
        connection: ConnectionKind = chance.choice(("control", "control", "media"))
        faults: list[Fault] = [
            cut_control(),
            cut_control(),
            cut_media(),
            restart(seconds=seconds),
            restart(seconds=seconds),
            stall(seconds=5 * seconds, connection=connection),
            jitter(seconds=seconds / 8),
            duplicate_offer(),
        ]
        fault = chance.choice(faults)
        simulator.inject(fault)
        if chance.random() < 0.5 or "restart" in str(fault) or "stall" in str(fault):
            await trio.sleep(5 * seconds)


async def place_calls(simulator: Simulator, chance: random.Random, nursery: trio.Nursery) -> None:
    for _ in range(chance.randint(1, 4)):
        await trio.sleep(chance.uniform(0, TROUBLE_SECONDS / 4))
        patience = chance.choice((3, 20, math.inf))
        if patience < math.inf:
            patience *= chance.random()
        nursery.start_soon(ring, simulator.place_call(), patience)


async def try_once(wire: WireName, seed: int) -> None:
    chance = random.Random(seed)
    async with open_simulator(seed=seed, wire=wire) as simulator, AsyncExitStack() as stack:
        answerer = Answerer(simulator, chance) if chance.random() < 0.4 else None
        if answerer is not None:
            await stack.enter_async_context(answerer.open())
        workers = [Worker(simulator, chance, answerer) for _ in range(chance.choice((1, 1, 2)))]
        for worker in workers:
            await stack.enter_async_context(worker.open())
        async with trio.open_nursery() as nursery:
            async with trio.open_nursery() as trouble:
                trouble.start_soon(make_trouble, simulator, chance)
                trouble.start_soon(place_calls, simulator, chance, nursery)
            for process in (*workers, answerer):
                if process is not None:
                    process.network.is_sound = True
            await trio.sleep(PATIENCE_SECONDS)
            ringing = [call for call in simulator.calls if call.caller.state is CALLING]
            assert ringing == [], "still ringing"
            simulator.end_all_calls()
        await trio.sleep(SETTLING_SECONDS)
        assert [worker.leftovers() for worker in workers] == [[] for _ in workers]
        assert answerer is None or answerer.handlers == 0
        await use_every_place(simulator, sum(worker.max_calls or 2 for worker in workers))
    await trio.testing.wait_all_tasks_blocked()
    assert tasks_of_ours() == []


async def use_every_place(simulator: Simulator, places: int) -> None:
    fresh = [simulator.place_call(callee=FRESH) for _ in range(places)]
    for call in fresh:
        with trio.fail_after(PATIENCE_SECONDS):
            await call.caller.wait_talking()
    simulator.end_all_calls()


@pytest.fixture
def seeded(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let everything that is left to chance, the order of tasks among it, follow from a seed."""
    monkeypatch.setattr("trio._core._run._ALLOW_DETERMINISTIC_SCHEDULING", True)

    def seed_all(seed: int) -> None:
        monkeypatch.setattr("trio._core._run._r", random.Random(seed))
        monkeypatch.setattr("trio_calls.client.backoff.random", random.Random(seed))

    return seed_all


@on_one_transport
@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(SEEDS.start, SEEDS.stop, CHUNK))
def test_nobody_rings_for_ever(first: int, wire: WireName, seeded: Callable[[int], None]) -> None:
    for seed in range(first, min(first + CHUNK, SEEDS.stop)):
        seeded(seed)
        try:
            trio.run(try_once, wire, seed, clock=trio.testing.MockClock(autojump_threshold=0))
        except BaseException as error:
            error.add_note(f"TRIO_CALLS_SEARCH_SEEDS={seed}:{seed + 1} repeats this")
            raise
