"""How much memory something takes, and whether it gives it back."""

from __future__ import annotations

import functools
import gc
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import trio
import trio.testing

from trio_calls.concurrency.watchdog import THREAD_NAME

KIB = 2**10
MIB = 2**20


class Growth:
    """How many bytes more than at the beginning Python has allocated, and not freed.

    Args:
      caches: the caches that there are at the beginning.
    """

    def __init__(self, caches: list[functools._lru_cache_wrapper[Any]]) -> None:
        self._caches = caches
        self._before = self._allocated_bytes()

    def bytes_now(self) -> int:
        return self._allocated_bytes() - self._before

    async def bytes_after_a_while(self) -> int:
        """Let virtual time pass first: Trio keeps deadlines that are void until they are over."""
        await trio.sleep(200)
        await trio.testing.wait_all_tasks_blocked()
        return self.bytes_now()

    def _allocated_bytes(self) -> int:
        for cache in [*self._caches, *_caches()]:
            # It fills up to its size, and no further.
            cache.cache_clear()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]


@contextmanager
def measured_growth() -> Iterator[Growth]:
    """Measure what is allocated in the block, which no watchdog may share.

    On a busy machine it warns, and the sources that it quotes stay in memory from then on.
    """
    assert THREAD_NAME not in {thread.name for thread in threading.enumerate()}
    # What there is from before the first test is frozen, and caches are among it.
    gc.unfreeze()
    caches = _caches()
    gc.collect()
    gc.freeze()
    tracemalloc.start()
    try:
        yield Growth(caches)
    finally:
        tracemalloc.stop()


def _caches() -> list[functools._lru_cache_wrapper[Any]]:
    """List the caches that are not frozen."""
    return [thing for thing in gc.get_objects() if isinstance(thing, functools._lru_cache_wrapper)]
