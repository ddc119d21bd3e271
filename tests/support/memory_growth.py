"""How much memory something takes, and whether it gives it back."""

import functools
import gc
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import trio
import trio.testing

from trio_calls.concurrency.watchdog import THREAD_NAME

KIB = 2**10
MIB = 2**20


class Growth:
    """How many bytes more than at the beginning Python has allocated, and not freed."""

    def __init__(self) -> None:
        self._before = _allocated_bytes()

    def bytes_now(self) -> int:
        return _allocated_bytes() - self._before

    async def bytes_after_a_while(self) -> int:
        """Let virtual time pass first: Trio keeps deadlines that are void until they are over."""
        await trio.sleep(200)
        await trio.testing.wait_all_tasks_blocked()
        return self.bytes_now()


@contextmanager
def measured_growth() -> Iterator[Growth]:
    """Measure what is allocated in the block, which no watchdog may share.

    On a busy machine it warns, and the sources that it quotes stay in memory from then on.
    """
    assert THREAD_NAME not in {thread.name for thread in threading.enumerate()}
    tracemalloc.start()
    try:
        yield Growth()
    finally:
        tracemalloc.stop()


def _allocated_bytes() -> int:
    for thing in gc.get_objects():
        # It fills up to its size, and no further.
        if isinstance(thing, functools._lru_cache_wrapper):
            thing.cache_clear()
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
