"""The exchange against a plain model, whatever SDKs, agents and people do, and whenever.

What is done is a list of steps, made up by hypothesis and shortened by it when it fails. Each list
is done in a run of Trio of its own, in virtual time. After each step the exchange is where the
model is, has told everybody the same, and everybody has heard the same, frame by frame.
"""

from __future__ import annotations

import random
from collections.abc import MutableSequence
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from tests.support.exchange_model import CLAIM_SECONDS, DIAL, POSSIBLE_IN
from tests.support.exchange_world import World

pytestmark = [pytest.mark.pure, pytest.mark.slow]

SDK = CALL = AGENT_NUMBER = st.sampled_from([0, 0, 0, 1, 2])
RING_SECONDS = st.integers(1, 2)
#: Whole 64ths of a second, so that sums of them are exact, and the order of things is certain.
PAUSES = st.sampled_from([1 / 64, 3 / 64, 5 / 64, 1 / 4, 1, 2, CLAIM_SECONDS])
PICKUPS = st.tuples(st.sampled_from([0, 1 / 4, 1, 100]), st.sampled_from([True, True, False]))

Step = tuple[Any, ...]

steps: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("connect_sdk"), st.booleans(), st.booleans()),
    st.tuples(st.just("lose_sdk"), SDK),
    st.tuples(st.just("place_call"), PICKUPS),
    st.tuples(st.just("claim"), SDK, CALL),
    st.tuples(st.just("ready"), SDK, CALL),
    st.tuples(st.just("open_media"), CALL, st.integers(0, 1)),
    st.tuples(st.just("replace_media"), CALL),
    st.tuples(st.just("take_call"), SDK, CALL),
    st.tuples(st.just("lose_media"), AGENT_NUMBER),
    *[st.tuples(st.just("command"), CALL, st.just(c), RING_SECONDS) for c in (*POSSIBLE_IN, DIAL)],
    st.tuples(st.just("hang_up_caller"), CALL),
    st.tuples(st.just("hang_up_callee"), CALL),
    *[st.tuples(st.just("let_time_pass"), PAUSES)] * 3,
)

PLACE, CLAIM, TAKE = ("place_call", (0, True)), ("claim", 0, 0), ("take_call", 0, 0)
ANSWER, CONNECT = ("command", 0, "call.answer", 1), ("command", 0, "call.connect", 1)

#: From where the steps go on when the first has the call that rings: by themselves they seldom come
#: to a conference.
TAKEN: list[tuple[Step, ...]] = [
    (),
    (("replace_media", 0), ("lose_media", 0)),
    (ANSWER, ("replace_media", 0), ("let_time_pass", 1)),
    (ANSWER,),
    (CONNECT,),
    (ANSWER, CONNECT),
    (CONNECT, ("let_time_pass", 1)),
    (ANSWER, CONNECT, ("let_time_pass", 1)),
    (CONNECT, ("let_time_pass", 1), ("command", 0, "agent.whisper", 1), ("let_time_pass", 1)),
    (CONNECT, ("let_time_pass", 1), ("command", 0, "agent.spy", 1), ("let_time_pass", 1)),
]


class InOrder(random.Random):
    """Has tasks run in the order in which they were started."""

    def shuffle(self, x: MutableSequence[Any]) -> None:
        """Put the oldest last: Trio runs that first."""
        x.reverse()


#: The same as it rings, or is claimed and not taken up.
RINGING: list[tuple[Step, ...]] = [
    (),
    (PLACE, ("claim", 0, 1), ("claim", 1, 0)),
    (("let_time_pass", CLAIM_SECONDS),),
    (PLACE, ("let_time_pass", CLAIM_SECONDS), ("claim", 1, 0), ("claim", 0, 1)),
    (PLACE, PLACE, ("lose_sdk", 0)),
    (CLAIM, ("lose_sdk", 0), ("open_media", 0, 0)),
    (CLAIM, ("lose_sdk", 0), CLAIM),
    (TAKE, ("lose_media", 0), ("claim", 1, 0)),
]
OPENINGS = [*RINGING, *((TAKE, *opening) for opening in TAKEN)]


async def run(steps: list[Step]) -> None:
    async with trio.open_nursery() as nursery:
        world = World(nursery)
        for name, *arguments in steps:
            await world.do(name, *arguments)
        world.exchange.end_all_calls()
        for call in world.calls:
            call.model.end()
        await world.do("let_time_pass", 1)
        assert all(call.simulated.ended for call in world.calls)
        assert nursery.child_tasks == frozenset()


@settings(max_examples=200)
@given(
    wires=st.tuples(st.booleans(), st.booleans()),
    is_isolated=st.booleans(),
    pickup=PICKUPS | st.just((1 / 4, True)),
    opening=st.sampled_from(OPENINGS),
    later=st.lists(steps, min_size=3, max_size=30),
)
def test_an_exchange_is_like_its_model(
    wires: tuple[bool, bool],
    is_isolated: bool,
    pickup: tuple[float, bool],
    opening: tuple[Step, ...],
    later: list[Step],
) -> None:
    beginning = [
        ("connect_sdk", wires[0], is_isolated),
        ("connect_sdk", wires[1], False),
        ("place_call", pickup),
    ]
    clock = MockClock(autojump_threshold=0)
    with pytest.MonkeyPatch.context() as patch:
        # Of two that may claim no longer from the same moment on, the first is passed on first.
        patch.setattr("trio._core._run._ALLOW_DETERMINISTIC_SCHEDULING", True)
        patch.setattr("trio._core._run._r", InOrder())
        trio.run(run, [*beginning, *opening, *later], clock=clock)
