"""What is recorded, on its way to the disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from trio_calls.voice._disk_writer import DiskWriter
from trio_calls.voice.recording._wav_file import WavFile

#: So many blocks may wait for the disk, each of about a second.
_MAX_WAITING: Final = 10

_TOO_SLOW: Final = "the disk is too slow, or hangs"


class RecordingWriter(DiskWriter[WavFile, bytes]):
    """Writes blocks of audio, one after the other.

    Args:
      file: into which they go. It is closed in the end, whatever happens.
      on_failure: told why no more is written: a sentence, and the error, if there is one. Must
        neither wait nor raise.
    """

    def __init__(self, file: WavFile, on_failure: Callable[[str, Exception | None], None]) -> None:
        super().__init__(file, _MAX_WAITING, too_slow=_TOO_SLOW, too_many=_TOO_SLOW)
        self._on_failure = on_failure

    async def _begin(self) -> None:
        # The header, so that there is a file that plays from the beginning.
        await self._file.append(b"")

    async def _write_some(self) -> None:
        await self._file.append(self._waiting[0])
        self._waiting.popleft()

    def _fail(self, reason: str, cause: Exception | None = None) -> None:
        self._on_failure(reason, cause)
