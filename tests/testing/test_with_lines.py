"""Which `with` statements are open where a function waits."""

from __future__ import annotations

import types
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from trio_calls.testing._with_lines import open_with_lines

pytestmark = pytest.mark.pure


@types.coroutine
def pause() -> Generator[None]:
    yield


@contextmanager
def block() -> Generator[None]:
    yield


@asynccontextmanager
async def slow_block() -> AsyncGenerator[None]:
    yield


async def nested() -> None:
    await pause()
    with block(), block():  # +2
        try:
            async with slow_block():  # +4
                with block():  # +5
                    pass
                with block():  # +7
                    try:
                        raise LookupError
                    except LookupError:
                        with block():  # +11
                            await pause()
        finally:
            with block():  # +14
                await pause()
    await pause()


def test_lines_from_the_outermost_on() -> None:
    running: Any = nested()
    first = nested.__code__.co_firstlineno
    found = []
    while running.cr_frame is not None:
        try:
            running.send(None)
        except StopIteration:
            break
        lines = open_with_lines(nested.__code__, running.cr_frame.f_lasti)
        found.append([line - first for line in lines])
    assert found == [[], [2, 2, 4, 7, 11], [2, 2, 14], []]
