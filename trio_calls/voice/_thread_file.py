"""A file that threads write, one at a time; one that hangs is left to itself."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import trio

try:
    import fcntl
except ImportError:  # not on Windows
    _LOCK = None
else:
    _LOCK = fcntl.LOCK_EX | fcntl.LOCK_NB

#: For its owner alone: people's words are in it.
_MODE = 0o600


class ThreadFile:
    """A file of which nothing is held back: the process may be killed at any moment.

    Each method runs in a thread, and in none that calls of other files wait for. Whoever waits may
    be cancelled: the thread ends what it does and closes the file, and nothing else may be asked of
    it.

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
          OSError: it cannot be written, or is being written already.
        """
        await self._in_thread(self._open)

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
        # A busy machine starts threads late. Somebody else may have the file by now.
        if self._is_abandoned:
            return
        # A pipe that nobody reads would be waited for.
        flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        self._descriptor = os.open(self._path, flags | getattr(os, "O_NONBLOCK", 0), _MODE)
        if stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            _claim(self._descriptor)
            # There may have been another file of that name.
            os.chmod(self._descriptor, _MODE)
            os.ftruncate(self._descriptor, 0)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _claim(descriptor: int) -> None:
    """See to it that nobody else writes the file, before what is in it is lost."""
    if _LOCK is None:
        return
    try:
        fcntl.flock(descriptor, _LOCK)
    except BlockingIOError:
        raise OSError(
            errno.EBUSY, "another call is being recorded into it, or a timeline written"
        ) from None
    except OSError:
        # Some file systems know no locks.
        pass
