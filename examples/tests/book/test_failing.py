"""Things fail together."""

from examples.book.failing import ada_stays, catches_nothing, catches_what_is_in_the_group
from examples.book.solutions.failing import starts_it_again
from examples.book.stage import NOT_AVAILABLE, run


def test_an_error_in_a_group_is_not_caught_alone() -> None:
    scene = run(catches_nothing, ada_stays)
    assert scene.heard(NOT_AVAILABLE) == []
    assert scene.noted("the line is dead") < scene.noted("the recognizer fails") + 0.5


def test_an_error_in_a_group_is_told_to_ada() -> None:
    scene = run(catches_what_is_in_the_group, ada_stays)
    ((began, _),) = scene.heard(NOT_AVAILABLE)
    assert 4 <= began < 4.3


def test_solution_it_is_started_three_times() -> None:
    scene = run(starts_it_again, ada_stays)
    texts = [text for _, text in scene.notes]
    assert texts.count("the recognizer fails") == 3
    assert texts.count("it is started again") == 2
    assert len(scene.heard(NOT_AVAILABLE)) == 1
