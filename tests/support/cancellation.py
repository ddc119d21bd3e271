"""Cancels an operation at every moment at which it can be cancelled, in many orders of tasks."""

from __future__ import annotations

import enum
import functools
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import attrs
import pytest
import trio
import trio.testing

from tests.support.in_memory import tasks_of_ours
from tests.support.peers.recorded_wires import check_wires, recording
from trio_calls import ActiveCall, CallClient, CallState, serve_calls
from trio_calls.audio import FRAME_SECONDS
from trio_calls.config import WireName
from trio_calls.simulator import Pickup, SimulatedCall, Simulator, answers, open_simulator
from trio_calls.transport import _opening


class Moment(enum.Enum):
    """What is counted, until the operation is cancelled."""

    CHECKPOINT = "checkpoint"
    """Its task has come to wait, or to let others run."""

    STEP = "step"
    """Any task has done something: so every moment of a single long wait counts as well."""


#: In how many orders Trio runs the tasks that are ready at the same time, by WebSocket library.
#: Each wire has others.
ORDERS: Final = {"websockets": 25, "trio-websocket": 8}

#: No operation here has as many moments: one that does is going round in circles.
MAX_MOMENTS: Final = 3000

#: Whoever is called picks up after this; short, as each moment of the ringing is tried.
PICKUP: Final = answers(after_seconds=0.03)

#: In virtual time: all attempts together take less. On the second wire, each may begin with an
#: offer to a client that leaves it to others, for 10 s.
PATIENCE_SECONDS: Final = 3600


class Canceller(trio.abc.Instrument):
    """Cancels one operation at one of its moments.

    Attributes:
      number: how many moments it lets pass first; at 0 the operation is cancelled as it begins.
      has_struck: whether the operation came to the moment at which it is cancelled.
    """

    def __init__(self, moment: Moment, number: int) -> None:
        self.number = number
        self.has_struck = False
        self._moment = moment
        self._remaining = number
        self._scope = trio.CancelScope()
        self._task: trio.lowlevel.Task | None = None

    @contextmanager
    def watch(self) -> Iterator[trio.CancelScope]:
        """Cancel what runs in the block, in this task, at the moment."""
        assert self._task is None, "an attempt cancels one operation"
        self._task = trio.lowlevel.current_task()
        trio.lowlevel.add_instrument(self)
        try:
            with self._scope:
                if not self.number:
                    self._strike()
                yield self._scope
        finally:
            trio.lowlevel.remove_instrument(self)

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        if self._moment is Moment.STEP or task is self._task:
            self._remaining -= 1
            if self._remaining == 0:
                self._strike()

    def _strike(self) -> None:
        self.has_struck = True
        self._scope.cancel()


class Stage:
    """An exchange, a client that serves its calls, and the attempts at cancelling an operation.

    Attributes:
      simulator: the exchange.
      wires: every connection that was opened with `config`.
      config: of the client here, and of those that a scenario opens itself.
      order: the number of the order in which Trio runs tasks; scenarios with variants, which cost
        time, take turns by it.
    """

    def __init__(
        self,
        simulator: Simulator,
        moment: Moment,
        order: int,
        nursery: trio.Nursery,
        **settings: Any,
    ) -> None:
        self.simulator = simulator
        self.order = order
        self.config, self.wires = recording(attrs.evolve(simulator.config, **settings))
        self._moment = moment
        self._nursery = nursery
        self._client: CallClient | None = None
        self._came = trio.open_memory_channel[ActiveCall](1)

    def attempts(self) -> Iterator[Canceller]:
        """Make a `Canceller` for each moment, until an operation has ended before it was struck."""
        for number in range(MAX_MOMENTS):
            self.attempt = Canceller(self._moment, number)
            yield self.attempt
            if not self.attempt.has_struck:
                return
        raise AssertionError("the operation does not come to an end")

    @asynccontextmanager
    async def call(
        self, pickup: Pickup = PICKUP
    ) -> AsyncIterator[tuple[ActiveCall, SimulatedCall]]:
        """Place a call; after the block it can be closed, and nothing of it is left."""
        if self._client is None:
            self._client = await self._nursery.start(serve_calls, self._hold, self.config)
        await quiet()
        tasks = tasks_of_ours()
        opened = len(self.wires)
        phones = self.simulator.place_call(pickup=pickup)
        call = await self._came[1].receive()
        yield call, phones
        await call.close()
        assert call.state is CallState.DISCONNECTED
        has_gone = phones.agent_states[-1] is CallState.DISCONNECTED
        assert has_gone or phones.agent_states == [CallState.PENDING]
        phones.caller.hang_up()
        await phones.wait_ended()
        await trio.sleep(2 * FRAME_SECONDS)  # the exchange's clock stops with its next beat
        assert tasks_of_ours() == tasks
        assert self.simulator.violations == []
        check_wires(self.wires[opened:])

    async def _hold(self, call: ActiveCall) -> None:
        self._came[0].send_nowait(call)
        await call.wait_disconnected()


async def quiet() -> None:
    """Wait until nothing happens any more without time's passing."""
    await trio.testing.wait_all_tasks_blocked()


Scenario = Callable[[Stage], Awaitable[None]]


def at_every_moment(
    *, max_orders: int = 25, moments: Iterable[Moment] = Moment, **settings: Any
) -> Callable[[Scenario], Callable[..., None]]:
    """Make a test of a scenario that is given a `Stage`, and cancels an operation by its attempts.

    The test takes the wire: see `tests.support.wires`.

    Args:
      max_orders: in how many orders of tasks it is tried at the most, on each wire.
      moments: which are tried.
      settings: of the client.
    """

    def decorate(scenario: Scenario) -> Callable[..., None]:
        @pytest.mark.parametrize("moment", list(moments), ids=lambda moment: moment.value)
        @functools.wraps(scenario)
        def test(moment: Moment, wire: WireName, monkeypatch: pytest.MonkeyPatch) -> None:
            monkeypatch.setattr("trio._core._run._ALLOW_DETERMINISTIC_SCHEDULING", True)
            for order in _orders(wire, moment)[:max_orders]:
                monkeypatch.setattr("trio._core._run._r", random.Random(order))
                clock = trio.testing.MockClock(autojump_threshold=0)
                trio.run(_play, scenario, wire, moment, order, settings, clock=clock)

        # Where pytest finds this, it takes the scenario's parameters for the test's.
        del test.__wrapped__
        return test

    return decorate


def _orders(wire: WireName, moment: Moment) -> range:
    """Return in which orders of tasks something is tried. There are far more steps."""
    count = 1 if moment is Moment.STEP else ORDERS[_opening.PREFERRED]
    first = count if wire == "second" else 0
    return range(first, first + count)


async def _play(
    scenario: Scenario, wire: WireName, moment: Moment, order: int, settings: dict[str, Any]
) -> None:
    async with open_simulator(wire=wire) as simulator, trio.open_nursery() as nursery:
        stage = Stage(simulator, moment, order, nursery, **settings)
        try:
            with trio.fail_after(PATIENCE_SECONDS):
                await scenario(stage)
        except BaseException as error:
            error.add_note(f"cancelled at {moment.value} {stage.attempt.number}, order {order}")
            raise
        nursery.cancel_scope.cancel()
    check_wires(stage.wires)
    await quiet()
    assert tasks_of_ours() == []
