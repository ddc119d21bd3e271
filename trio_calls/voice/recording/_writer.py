"""What is recorded, on its way to the disk: the call never waits for that."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import trio

from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.concurrency.wall_clock import cancel_after_real_seconds
from trio_calls.voice.recording._wav_file import WavFile

#: So many blocks may wait for the disk, each of about a second.
_MAX_WAITING: Final = 10

#: So long the disk may take for the rest, when the recording ends.
_LAST_SECONDS: Final = 2.0


class RecordingWriter:
    """Writes blocks of audio, one after the other.

    Args:
      file: into which they go. It is closed in the end, whatever happens.
      on_failure: told why no more is written: a sentence, and the error, if there is one. Must
        neither wait nor raise.
    """

    def __init__(self, file: WavFile, on_failure: Callable[[str, Exception | None], None]) -> None:
        self._file = file
        self._on_failure = on_failure
        self._waiting: deque[bytes] = deque()
        self._news = Wakeup()
        self._nursery: trio.Nursery | None = None
        self._is_finishing = False
        # The rest is written whoever is cancelled meanwhile, and for some time only.
        self._scope = trio.CancelScope(shield=True)

    async def run(self) -> None:
        """Write until `finish`, and the rest. Raises nothing.

        Cancellation: none from outside; `finish` and too much that waits end it.
        """
        try:
            with self._scope:
                async with trio.open_nursery() as self._nursery:
                    self._watch_finishing()
                    await self._write()
                    self._nursery.cancel_scope.cancel()
            if self._scope.cancelled_caught:
                self._on_failure("the disk is too slow, or hangs", None)
        finally:
            self._nursery = None
            self._waiting.clear()
            self._file.abandon()

    def put(self, pcm: bytes) -> None:
        """Write a block soon. Never waits."""
        if pcm:
            self._waiting.append(pcm)
            self._news.wake()
        if len(self._waiting) > _MAX_WAITING:
            self._scope.cancel()

    def finish(self) -> None:
        """Write the rest, within some time, and end. Never waits."""
        self._is_finishing = True
        self._watch_finishing()
        self._news.wake()

    def _watch_finishing(self) -> None:
        if self._is_finishing and self._nursery is not None:
            self._nursery.start_soon(cancel_after_real_seconds, self._scope, _LAST_SECONDS)

    async def _write(self) -> None:
        try:
            # The header, so that there is a file that plays from the beginning.
            await self._file.append(b"")
            while self._waiting or not self._is_finishing:
                if self._waiting:
                    await self._file.append(self._waiting[0])
                    self._waiting.popleft()
                else:
                    await self._news.wait()
            await self._file.close()
        # Whatever it is, it costs the recording, and never the call.
        except Exception as error:
            self._on_failure(reason(error), error)


def reason(error: Exception) -> str:
    """Return what has gone wrong, without the name of the file."""
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
