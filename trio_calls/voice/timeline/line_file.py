"""A file of lines."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

from trio_calls.voice._thread_file import ThreadFile


class LineFile(ThreadFile):
    """A file to which whole lines are written."""

    async def write(self, make_lines: Callable[[], bytes]) -> None:
        """Write lines, which are made in the thread, too.

        Raises:
          OSError: they were not written, or only a part of them.
          Whatever `make_lines` raises.
        """
        await self._in_thread(partial(self._write, make_lines))

    def _write(self, make_lines: Callable[[], bytes]) -> None:
        assert self._descriptor is not None
        rest = memoryview(make_lines())
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
