"""A file that a thread writes, and those who have stopped waiting for the thread."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
import trio.testing

from trio_calls.voice._thread_file import ThreadFile

pytestmark = pytest.mark.pure


@pytest.mark.parametrize("is_cancelled", [True, False])
async def test_a_thread_that_comes_late_empties_no_file(tmp_path: Path, is_cancelled: bool) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(b"of somebody else by now")
    file = ThreadFile(path)
    async with trio.open_nursery() as nursery:
        with file._in_use:
            nursery.start_soon(file.open)
            await trio.testing.wait_all_tasks_blocked()
            if is_cancelled:
                nursery.cancel_scope.cancel()
                await trio.testing.wait_all_tasks_blocked()
    async with file._limiter:  # until the thread has ended
        assert (path.read_bytes() == b"") is not is_cancelled
    file.abandon()
