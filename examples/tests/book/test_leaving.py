"""Who waits for whom."""

from examples.book.leaving import ada_waits, nobody_waits, the_block_waits
from examples.book.solutions.leaving import uses_the_answer
from examples.book.stage import NOT_AVAILABLE, PLEASE_HOLD, run


def test_an_answer_that_nobody_waits_for_is_not_heard() -> None:
    scene = run(nobody_waits, ada_waits)
    assert len(scene.heard(PLEASE_HOLD)) == 1
    assert scene.heard(NOT_AVAILABLE) == []
    # The task outlives its call.
    assert scene.noted("the agent knows") > scene.noted("the line is dead")


def test_the_block_waits_for_the_answer() -> None:
    scene = run(the_block_waits, ada_waits)
    ((_, seconds),) = scene.heard(NOT_AVAILABLE)
    assert seconds > len(NOT_AVAILABLE) / 48_000 - 0.1
    assert scene.noted("the agent knows") < scene.noted("the line is dead")


def test_solution_the_answer_is_used_behind_the_block() -> None:
    scene = run(uses_the_answer, ada_waits)
    assert len(scene.heard(NOT_AVAILABLE)) == 1
