"""A file that threads write, one at a time; one that hangs is left to itself."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import trio

#: For its owner alone: people's words are in it.
_MODE = 0o600


class LineFile:
    """A file to which whole lines are written, of which nothing is held back.

    So the process may be killed at any moment. Each method runs in a thread, and in none that calls
    of other files wait for. Whoever waits may be cancelled: the thread ends what it does and closes
    the file, and nothing else may be asked of it.

    Args:
      path: the file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._limiter = trio.CapacityLimiter(1)
        self._in_use = threading.Lock()
        self._is_abandoned = False
        self._descriptor: int | None = None

    async def open(self) -> None:
        """Create the file, or empty it.

        Raises:
          OSError: it cannot be written.
        """
        await self._in_thread(self._open)

    async def write(self, make_lines: Callable[[], bytes]) -> None:
        """Write lines, which are made in the thread, too.

        Raises:
          OSError: they were not written, or only a part of them.
          Whatever `make_lines` raises.
        """
        await self._in_thread(partial(self._write, make_lines))

    async def close(self) -> None:
        """Close the file.

        Raises:
          OSError: what was written before may be lost.
        """
        await self._in_thread(self._close)

    async def _in_thread(self, work: Callable[[], None]) -> None:
        try:
            await trio.to_thread.run_sync(
                self._do, work, abandon_on_cancel=True, limiter=self._limiter
            )
        except BaseException:
            self.abandon()
            raise

    def abandon(self) -> None:
        """Close the file as soon as no thread is at it. Never waits."""
        self._is_abandoned = True
        self._close_if_abandoned()

    def _do(self, work: Callable[[], None]) -> None:
        try:
            with self._in_use:
                work()
        finally:
            self._close_if_abandoned()

    def _close_if_abandoned(self) -> None:
        # Whoever holds the lock comes here after letting go of it.
        if self._is_abandoned and self._in_use.acquire(blocking=False):
            try:
                self._close()
            finally:
                self._in_use.release()

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0)
        self._descriptor = os.open(self._path, flags, _MODE)
        if stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            # There may have been another file of that name.
            os.chmod(self._descriptor, _MODE)

    def _write(self, make_lines: Callable[[], bytes]) -> None:
        assert self._descriptor is not None
        rest = memoryview(make_lines())
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
