"""An error of a nursery as it is, where it is one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import pytest
import trio

from trio_calls.concurrency.error_groups import plain_single_error


async def _fail_when_cancelled() -> None:
    try:
        await trio.sleep_forever()
    finally:
        raise KeyError("clean-up")


async def _run(*tasks: Callable[[], Awaitable[object]]) -> None:
    with plain_single_error():
        async with trio.open_nursery() as nursery:
            for task in tasks[1:]:
                nursery.start_soon(task)
            await tasks[0]()


async def _fail(error: Exception) -> None:
    await trio.lowlevel.checkpoint()
    raise error


async def test_one_error_is_raised_as_it_is() -> None:
    error = KeyError()
    with pytest.raises(KeyError) as caught:
        await _run(partial(_fail, error), trio.sleep_forever)
    assert caught.value is error


async def test_two_errors_stay_a_group() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await _run(partial(_fail, ValueError()), _fail_when_cancelled)
    assert caught.group_contains(KeyError)
    assert caught.group_contains(ValueError)


async def test_a_group_of_the_block_is_raised_as_it_is() -> None:
    group = ExceptionGroup("two", [ValueError(), KeyError()])
    with pytest.raises(ExceptionGroup) as caught:
        await _run(partial(_fail, group), trio.sleep_forever)
    assert (caught.value.message, caught.value.exceptions) == (group.message, group.exceptions)


async def test_an_error_of_who_is_cancelled_is_raised_as_it_is() -> None:
    with trio.move_on_after(1) as scope:
        with pytest.raises(KeyError):
            await _run(_fail_when_cancelled, trio.sleep_forever)
        # It has not swallowed the cancellation.
        await trio.sleep_forever()
    assert scope.cancelled_caught


async def test_tasks_that_are_all_cancelled_are_as_one() -> None:
    with trio.move_on_after(1) as scope:
        with pytest.raises(trio.Cancelled):
            await _run(trio.sleep_forever, trio.sleep_forever)
        await trio.sleep_forever()
    assert scope.cancelled_caught
