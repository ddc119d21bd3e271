"""The people at the telephones, and the faults."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

import trio

from benchmarks.soak.accounts import EndedCall, Totals, settle
from benchmarks.soak.flows import FLOWS
from benchmarks.soak.records import Record, voice
from trio_calls.simulator import (
    Fault,
    Phone,
    PhoneHungUp,
    SimulatedCall,
    Simulator,
    answer_late,
    answer_twice,
    answers,
    at_random,
    cut_control,
    cut_media,
    declines,
    duplicate_offer,
    jitter,
    never_answer,
    never_answers,
    refuse,
    restart,
    send_malformed,
    stall,
)

#: How long a caller waits for an agent, and how long an agent may take to notice the end of a call.
PATIENCE_SECONDS: Final = 60.0
RESTART_EVERY_SECONDS: Final = 60.0
FAULTS_PER_CALL: Final = 0.5

#: Parts of `voice` that are the caller's and the callee's; the agent's count from 0.
_CALLER_PART: Final = 50
_CALLEE_PART: Final = 90

_COMMANDS: Final = ("call.answer", "call.connect", "call.close", "call.disconnect")

#: What can happen to a call, and within how many seconds of its beginning; None: from then on.
FAULTS: Final[dict[str, tuple[Callable[[random.Random], Fault], float | None]]] = {
    "answer_late": (lambda chance: answer_late(chance.choice(_COMMANDS), seconds=2), None),
    "answer_twice": (lambda chance: answer_twice(chance.choice(_COMMANDS)), None),
    "cut_control": (lambda chance: cut_control(), 8),
    "cut_media": (lambda chance: cut_media(), 8),
    "duplicate_offer": (lambda chance: duplicate_offer(), 8),
    "jitter": (lambda chance: jitter(seconds=0.2), None),
    "never_answer": (lambda chance: never_answer(chance.choice(_COMMANDS)), None),
    "refuse": (lambda chance: refuse(chance.choice(_COMMANDS), error_code="BUSY"), None),
    "send_malformed": (lambda chance: send_malformed(), 8),
    "send_malformed to control": (lambda chance: send_malformed(connection="control"), 8),
    "stall": (lambda chance: stall(seconds=2), 8),
    "stall of control": (lambda chance: stall(seconds=2, connection="control"), 8),
}


class AgentReports(Protocol):
    """What is known of the agent, wherever it runs."""

    async def records_of(self, call_number: int) -> list[Record]:
        """Wait until no handler has the call any more; a record for each that had it."""


class Load:
    """Keeps calls going, breaks things, and keeps the totals.

    Args:
      simulator: where.
      reports: of the agent that serves it.
      seed: of every chance.
    """

    def __init__(self, simulator: Simulator, reports: AgentReports, seed: int) -> None:
        self.totals = Totals()
        self._simulator = simulator
        self._reports = reports
        self._chance = random.Random(seed)
        self._restarted_at = -math.inf
        self._placed = 0

    async def run(self, seconds: float, at_once: int) -> None:
        """Have so many calls at once, for so long; then a last one to which nothing happens.

        Returns when all are over and accounted for.
        """
        async with trio.open_nursery() as breaking:
            breaking.start_soon(self._restart_now_and_then)
            async with trio.open_nursery() as lines:
                for number in range(at_once):
                    lines.start_soon(self._keep_line_busy, number, trio.current_time() + seconds)
            breaking.cancel_scope.cancel()
        # Whatever has gone wrong: the agent serves, and everything of the load has come to rest.
        await self._have_call(faults_per_call=0)
        self.totals.violations = len(self._simulator.violations)

    async def _restart_now_and_then(self) -> None:
        while True:
            await trio.sleep(RESTART_EVERY_SECONDS * self._chance.uniform(0.5, 1.5))
            self._restarted_at = trio.current_time()
            self._simulator.inject(restart(seconds=1))
            self.totals.faults["restart"] += 1

    async def _keep_line_busy(self, number: int, until: float) -> None:
        # Not all at the same instant, and never at a tick of anybody's clock.
        await trio.sleep(number * 0.31)
        while trio.current_time() < until:
            await self._have_call()

    async def _have_call(self, faults_per_call: float = FAULTS_PER_CALL) -> None:
        self._placed += 1
        number = self._placed
        chance = random.Random(self._chance.random())
        began = trio.current_time()
        call = self._simulator.place_call(
            caller=f"{chance.choice(sorted(FLOWS))} {number}",
            pickup=chance.choice(
                [answers(after_seconds=1), answers(after_seconds=0), declines(), never_answers()]
            ),
        )
        faults = self._break(call, chance) if chance.random() < faults_per_call else []
        was_left = await self._be_on_the_phone(call, number, chance)
        records: list[Record] = []
        with trio.move_on_after(PATIENCE_SECONDS) as waiting:
            await call.wait_ended()
            records = await self._reports.records_of(number)
        if waiting.cancelled_caught:
            self.totals.stuck_calls += 1
        elif not records:
            self.totals.unserved_calls += 1
        was_cut = "cut_media" in faults or self._restarted_at >= began
        settle(EndedCall(call, records, faults, was_cut, was_left), self.totals)

    def _break(self, call: SimulatedCall, chance: random.Random) -> list[str]:
        name = chance.choice(sorted(FAULTS))
        make, within = FAULTS[name]
        when = None if within is None else at_random(within_seconds=within)
        self._simulator.inject(make(chance), call=call, when=when)
        self.totals.faults[name] += 1
        return [name]

    async def _be_on_the_phone(
        self, call: SimulatedCall, number: int, chance: random.Random
    ) -> bool:
        """Live through a call. Returns whether the agent was the first to go."""
        async with trio.open_nursery() as people:
            people.start_soon(_speak, call.callee, voice(number, _CALLEE_PART, 1.5))
            for part in range(3):
                people.start_soon(_speak, call.caller, voice(number, _CALLER_PART + part, 1.0))
            with trio.move_on_after(PATIENCE_SECONDS):
                await _wait_talking(call)
            with trio.move_on_after(chance.uniform(2, 15)) as talking:
                await call.wait_agent_left()
            call.caller.hang_up()
        return not talking.cancelled_caught


async def _speak(phone: Phone, pcm: bytes) -> None:
    with suppress(PhoneHungUp):
        await phone.say(pcm)


async def _wait_talking(call: SimulatedCall) -> None:
    with suppress(PhoneHungUp):
        await call.caller.wait_talking()
