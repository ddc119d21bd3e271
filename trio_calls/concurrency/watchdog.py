"""Warns of code that blocks the event loop, and says where, while it does.

::

    thread of the watchdog                              event loop
    twice within the limit: does a task run? ── no ──►  nothing: Trio waits for the operating system
                                             └─ yes ─►  run_sync_soon(sign of life)
    no sign within the limit ─► which task, which line ─► one warning, then quiet for a minute

    the thread itself came late ─► where is the task now? ─► one warning, then quiet for a minute

A thread, because only from outside can be seen what blocks while it does. An instrument could tell
afterwards that a task was slow, not where, and nothing at all of one that never goes on.

A loop that comes round pays nothing. Most of the time no task runs, which is seen at once; a hook
in every round of the loop was one in twenty of the instructions that a frame of audio costs. A
loop that waits is never asked, since being woken for that would keep virtual time from moving on.
The price: a block is noticed after up to one and a half times the limit. Short steps of many tasks
that together take too long are reported too, with the task that happens to run.

Code in C that keeps Python's lock (the GIL) keeps the thread from looking, too. Then it tells
afterwards, by how much later it woke up than it wanted to. It gets the lock as soon as that code
lets go, so what the task is at by then is most often what called it.

The thread ends with the last client of its Trio run. It is joined without awaiting: in virtual
time, hours could pass until a task was woken by it.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from traceback import StackSummary
from types import FrameType
from typing import Final

import trio

from trio_calls._logging import get_logger

logger = get_logger("trio_calls.watchdog")

THREAD_NAME: Final = "trio_calls watchdog"

#: The modules in which Trio waits for the operating system.
_WHERE_TRIO_WAITS: Final = "trio._core._io_"

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
        try:
            watchdog.start()
        except RuntimeError:
            # Calls matter more than a warning.
            logger.warning("no thread can be started: nothing warns of what blocks the event loop")
            watchdog = None
    if watchdog is None:
        yield
        return
    _watchdog_of_run.set(watchdog)
    watchdog.users += 1
    try:
        yield
    finally:
        watchdog.users -= 1
        if watchdog.users == 0:
            _watchdog_of_run.set(None)
            watchdog.stop()


class Watchdog:
    """A thread that asks Trio's event loop for a sign of life, when a task is seen running.

    A thread, because whoever could look from inside is what is being blocked. A loop that waits is
    never asked, and one that comes round does nothing for this.

    Attributes:
      users: how many blocks of `open_watchdog` it is open for.
    """

    def __init__(self, limit_seconds: float) -> None:
        self.users = 0
        self._limit_seconds = min(limit_seconds, threading.TIMEOUT_MAX)
        root_task = trio.lowlevel.current_root_task()
        assert root_task is not None
        self._root_task = root_task
        self._trio_token = trio.lowlevel.current_trio_token()
        self._watched_thread = threading.get_ident()
        # When a sign of life was asked for; None once it was given.
        self._asked_at: float | None = None
        self._has_warned = False
        self._is_stopped = threading.Event()
        # A daemon only for runs that crash so that no block is left: they must be able to exit.
        self._thread = threading.Thread(target=self._watch, name=THREAD_NAME, daemon=True)

    def start(self) -> None:
        """Watch the Trio run that this is called in."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer. The thread is gone when this returns."""
        self._is_stopped.set()
        # Not waited for by a task: in virtual time, hours might pass until it is woken.
        self._thread.join()

    def _watch(self) -> None:
        pause = self._limit_seconds / 2
        with suppress(trio.RunFinishedError):
            due_at = time.perf_counter() + pause
            while not self._is_stopped.wait(pause):
                pause = self.look(late_seconds=time.perf_counter() - due_at)
                due_at = time.perf_counter() + pause

    def look(self, *, late_seconds: float = 0.0) -> float:
        """Warn if the event loop has not come round for too long since it was asked to.

        Args:
          late_seconds: how much later than it was to this look comes, as no thread could run.

        Returns:
          float: seconds until the next look. Whatever blocks for one and a half times as long as
          the limit is noticed.

        Raises:
          trio.RunFinishedError: there is nothing to watch any more.
        """
        if late_seconds >= self._limit_seconds:
            self._warn_of_lock(late_seconds)
            return QUIET_SECONDS
        asked_at = self._asked_at
        if asked_at is None:
            self._ask()
            return self._limit_seconds / 2
        seconds = time.perf_counter() - asked_at
        if seconds < self._limit_seconds:
            return self._limit_seconds - seconds
        if not self._has_warned and self._warn(asked_at, seconds):
            self._has_warned = True
            return QUIET_SECONDS
        return self._limit_seconds / 2

    def _ask(self) -> None:
        # To wake a loop that waits would keep virtual time, and whoever waits for that, waiting.
        if self._running_task() is not None:
            self._has_warned = False
            self._asked_at = time.perf_counter()
            self._trio_token.run_sync_soon(self._give_sign)

    def _give_sign(self) -> None:
        self._asked_at = None

    def _warn(self, asked_at: float, seconds: float) -> bool:
        """Log what blocks. Returns whether something still does."""
        task = self._running_task()
        if task is None:
            return False
        stack = _stack_of(task, self._watched_thread)
        if self._asked_at != asked_at:
            # It has moved on: what was seen is not what blocked.
            return False
        logger.warning(
            "the event loop has been blocked for %.1f s, and all calls stand still: move what "
            "blocks into trio.to_thread.run_sync(). Task %s is at\n%s",
            seconds,
            task.name,
            "".join(stack.format()).rstrip(),
        )
        return True

    def _warn_of_lock(self, seconds: float) -> None:
        task = self._running_task()
        where = ""
        if task is not None:
            stack = "".join(_stack_of(task, self._watched_thread).format()).rstrip()
            where = f" Just afterwards, task {task.name} was at\n{stack}"
        logger.warning(
            "the event loop was blocked for %.1f s, and all calls stood still: code in C kept the "
            "GIL, so that no thread could run, or this process was stopped. A thread is no help "
            "against such code: move it into another process.%s",
            seconds,
            where,
        )

    def _running_task(self) -> trio.lowlevel.Task | None:
        frame = sys._current_frames().get(self._watched_thread)
        # Functions that attrs and cattrs have generated are in no module.
        module = "" if frame is None else frame.f_globals.get("__name__", "")
        if module.startswith(_WHERE_TRIO_WAITS):
            # It would be found below, too, but to look at thousands of tasks takes milliseconds.
            return None
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
    """Return a task's stack, without what is around it, which is Trio's own and always the same."""
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
