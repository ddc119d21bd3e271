"""Warns of code that blocks the event loop, and says where it stands while it does."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from traceback import StackSummary
from types import FrameType
from typing import Final

import trio

logger = logging.getLogger(__name__)

THREAD_NAME: Final = "trio_calls watchdog"

#: After a warning, nothing is warned of for so long.
QUIET_SECONDS: Final = 60.0


@asynccontextmanager
async def open_watchdog(limit_seconds: float | None) -> AsyncIterator[None]:
    """Inside the block, warn of whatever holds up the tasks of this Trio run.

    There is one watchdog a run. Where several blocks are open at a time, the first one's limit
    holds until the last one is left.

    Args:
      limit_seconds: how long the event loop may take to come round, in real time, whatever Trio's
        clock says; None opens no watchdog.

    Cancellation: neither entering nor leaving is a checkpoint.
    """
    if limit_seconds is None:
        yield
        return
    watchdog = _watchdog_of_run.get()
    if watchdog is None:
        watchdog = Watchdog(limit_seconds)
        watchdog.start()
        _watchdog_of_run.set(watchdog)
    watchdog.users += 1
    try:
        yield
    finally:
        watchdog.users -= 1
        if watchdog.users == 0:
            _watchdog_of_run.set(None)
            watchdog.stop()


class Watchdog(trio.abc.Instrument):
    """Notes when Trio's event loop comes round; a thread looks whether it still does.

    A thread, because whoever could look from inside is what is being blocked.

    Attributes:
      users: how many blocks of `open_watchdog` it is open for.
    """

    def __init__(self, limit_seconds: float) -> None:
        self.users = 0
        self._limit_seconds = min(limit_seconds, threading.TIMEOUT_MAX)
        root_task = trio.lowlevel.current_root_task()
        assert root_task is not None
        self._root_task = root_task
        self._watched_thread = threading.get_ident()
        # When Trio last began to run tasks. No other round has the same time.
        self._round = time.perf_counter()
        # The round of which all is known that there is to know.
        self._settled_round: float | None = None
        self._is_stopped = threading.Event()
        # A daemon only for runs that crash so that no block is left: they must be able to exit.
        self._thread = threading.Thread(target=self._watch, name=THREAD_NAME, daemon=True)

    def start(self) -> None:
        """Watch the Trio run that this is called in."""
        self._thread.start()
        trio.lowlevel.add_instrument(self)

    def stop(self) -> None:
        """Watch no longer. The thread is gone when this returns."""
        trio.lowlevel.remove_instrument(self)
        self._is_stopped.set()
        # Not waited for by a task: in virtual time, hours might pass until it is woken.
        self._thread.join()

    def after_io_wait(self, timeout: float) -> None:
        """Note that tasks run from now on. Called by Trio, once for all that are ready."""
        self._round = time.perf_counter()

    def _watch(self) -> None:
        pause = self._limit_seconds
        while not self._is_stopped.wait(pause):
            pause = self.look()

    def look(self) -> float:
        """Warn if tasks have kept the event loop from coming round for too long.

        Returns:
          float: seconds until the next look; nothing that blocks for longer than the limit falls
          between two looks.
        """
        present = self._round
        seconds = time.perf_counter() - present
        if seconds < self._limit_seconds:
            return self._limit_seconds - seconds
        if present == self._settled_round:
            return self._limit_seconds
        self._settled_round = present
        task = self._running_task()
        if task is None:
            # Waiting is not blocking, and the next round begins when it ends.
            return self._limit_seconds
        stack = _stack_of(task, self._watched_thread)
        if self._round != present:
            # It has moved on: what was seen is not what blocked.
            return self._limit_seconds
        logger.warning(
            "the event loop has been blocked for %.1f s, and all calls stand still: move what "
            "blocks into trio.to_thread.run_sync(). Task %s is at\n%s",
            seconds,
            task.name,
            "".join(stack.format()).rstrip(),
        )
        return QUIET_SECONDS

    def _running_task(self) -> trio.lowlevel.Task | None:
        tasks = [self._root_task]
        while tasks:
            task = tasks.pop()
            if task.coro.cr_running:
                return task
            for nursery in task.child_nurseries:
                tasks += nursery.child_tasks
        return None


_watchdog_of_run: trio.lowlevel.RunVar[Watchdog | None] = trio.lowlevel.RunVar(
    "watchdog", default=None
)


def _stack_of(task: trio.lowlevel.Task, thread: int) -> StackSummary:
    """Tell where a task stands. What is around it is Trio's own, and always the same."""
    frames = _frames(sys._current_frames().get(thread), task.coro.cr_frame)
    # Lines of source are looked up later: reading files would give the task time to move on.
    stack = StackSummary.extract(frames, lookup_lines=False)
    stack.reverse()
    return stack


def _frames(
    frame: FrameType | None, outermost: FrameType | None
) -> Iterator[tuple[FrameType, int]]:
    while frame is not None:
        yield frame, frame.f_lineno
        frame = frame.f_back if frame is not outermost else None
