"""The claim of a call: what moves it, and whom that wakes."""

import itertools
from collections.abc import Callable

import pytest
import trio
import trio.testing

from tests.support.peers.one_call import CALL_IN
from trio_calls.call.claim import Claim, ClaimState

pytestmark = pytest.mark.pure

STANDING, IN_QUESTION, GONE = ClaimState

MOVES: dict[str, Callable[[Claim], object]] = {
    "question": Claim.question,
    "offered": Claim.offered,
    "renew": lambda claim: claim.renew(CALL_IN),
    "end": Claim.end,
    "try": Claim.try_address,
}


def after(*moves: str) -> ClaimState:
    claim = Claim(CALL_IN)
    for move in moves:
        MOVES[move](claim)
    return claim.state


@pytest.mark.parametrize(
    ("moves", "state"),
    [
        ([], STANDING),
        (["question"], IN_QUESTION),
        (["question", "renew"], STANDING),
        (["offered"], STANDING),
        (["try"], STANDING),
        (["try", "offered"], IN_QUESTION),
        (["try", "renew", "offered"], STANDING),
        (["question", "offered"], IN_QUESTION),
        (["end"], GONE),
    ],
)
def test_what_moves_it(moves: list[str], state: ClaimState) -> None:
    assert after(*moves) is state


def test_what_is_gone_never_comes_back() -> None:
    for moves in itertools.product(MOVES, repeat=4):
        if "end" in moves:
            assert after(*moves) is GONE


def test_its_end_is_told_once() -> None:
    told = []
    claim = Claim(CALL_IN)
    claim.on_end = lambda: told.append(claim.state)
    claim.end()
    claim.end()
    assert told == [GONE]


@pytest.mark.parametrize(
    ("moves", "is_tried"),
    [
        ([], False),
        (["try"], True),
        (["try", "question"], False),
        (["try", "question", "renew"], False),
        (["try", "end"], False),
    ],
)
def test_an_address_is_tried_while_nothing_is_new(moves: list[str], is_tried: bool) -> None:
    claim = Claim(CALL_IN)
    for move in moves:
        MOVES[move](claim)
    assert claim.is_tried is is_tried


@pytest.mark.parametrize(("move", "settles"), [("offered", False), ("renew", True), ("end", True)])
async def test_who_waits_goes_on_when_it_is_settled(
    virtual_time: None, move: str, settles: bool
) -> None:
    claim = Claim(CALL_IN)
    await claim.wait_settled()
    claim.question()
    with trio.CancelScope() as waiting:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(claim.wait_settled)
            await trio.testing.wait_all_tasks_blocked()
            MOVES[move](claim)
            await trio.sleep(1)
            assert (len(nursery.child_tasks) == 0) is settles
            waiting.cancel()
