"""In good time."""

import pytest

from examples.book import in_time
from examples.book.in_time import ada_listens, has_a_limit, waits_as_long_as_it_takes
from examples.book.solutions.in_time import says_that_it_takes_long
from examples.book.stage import GUIDANCE, NOT_AVAILABLE, PLEASE_HOLD, run


def test_ada_hears_nothing_for_as_long_as_it_takes() -> None:
    scene = run(waits_as_long_as_it_takes, ada_listens)
    ((began, _),) = scene.heard(GUIDANCE)
    assert began >= 8


def test_a_second_try_is_quicker_than_the_first() -> None:
    scene = run(has_a_limit, ada_listens)
    ((began, _),) = scene.heard(GUIDANCE)
    assert began == pytest.approx(1.6, abs=0.2)


def test_a_server_that_is_down_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_time, "SERVER_SECONDS", [8, 8, 8])
    scene = run(has_a_limit, ada_listens)
    ((began, _),) = scene.heard(NOT_AVAILABLE)
    assert began == pytest.approx(3, abs=0.2)
    assert scene.heard(GUIDANCE) == []


def test_solution_ada_hears_that_it_takes_long() -> None:
    scene = run(says_that_it_takes_long, ada_listens)
    ((excuse, _),) = scene.heard(PLEASE_HOLD)
    ((speech, _),) = scene.heard(GUIDANCE)
    assert excuse < speech
