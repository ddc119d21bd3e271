"""Who waits for whom, with asyncio."""

from functools import cache

from examples.book.beside.leaving import with_asyncio
from examples.book.beside.stage import BesideScene, run
from examples.book.leaving import ada_waits
from examples.book.stage import NOT_AVAILABLE, PLEASE_HOLD


@cache
def play() -> BesideScene:
    return run(with_asyncio, ada_waits)


def test_a_task_outlives_its_call_and_is_not_heard() -> None:
    scene = play()
    assert len(scene.heard(PLEASE_HOLD)) == 1
    assert scene.heard(NOT_AVAILABLE) == []
    assert scene.noted("the agent knows") > scene.noted("the line is dead")
    handler, look_up = scene.lives
    assert handler.end < look_up.end
    assert (look_up.name, round(look_up.end, 1)) == ("look_up", 3.0)


def test_its_tasks_are_a_list_and_no_tree() -> None:
    ((_, picture),) = play().pictures
    assert picture.splitlines() == [
        "with_asyncio: await asyncio.sleep(seconds(PLEASE_HOLD))",
        "look_up: await asyncio.sleep(3)",
    ]
