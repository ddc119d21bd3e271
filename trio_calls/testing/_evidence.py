"""The evidence of a failing assertion about audio: levels to read, and WAV files to hear."""

from __future__ import annotations

import math
from contextvars import ContextVar
from pathlib import Path
from typing import Final

import attrs

from trio_calls.audio import SAMPLE_BYTES, duration_seconds, level_dbfs, write_wav

#: How many of a recording's newest seconds are shown. The WAV file has all of them.
_SHOWN_SECONDS: Final = 20
#: The level at which the bars begin.
_QUIETEST_DBFS: Final = -60
_BAR: Final = "█"


@attrs.frozen
class Evidence:
    """How the evidence of a failure is kept. The pytest plugin sets it for each test.

    Attributes:
      folder: the folder for WAV files and timelines. It is created when the first is written.
      test_name: the beginning of the files' names.
      sample_rate: the sample rate of all audio of the test, in Hz.
    """

    folder: Path = Path("trio-calls-failures")
    test_name: str = "test"
    sample_rate: int = 24000

    def save(self, **recordings: bytes) -> str:
        """Save recordings as WAV files, replacing those of an earlier run.

        Args:
          recordings: PCM by a word that describes it in the report and in the file's name.

        Returns:
          The lines of the report that say where the files are.
        """
        lines = []
        for name, pcm in recordings.items():
            path = self.path(f"{name}.wav")
            write_wav(path, pcm, self.sample_rate)
            lines.append(f"  {name:<9} {path}")
        return "\n".join(lines)

    def path(self, name: str) -> Path:
        """Return the path of a file of this test, whose folder is there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        # Nobody wants to commit these.
        (self.folder / ".gitignore").write_text("*\n", encoding="utf-8")
        return self.folder.absolute() / f"{self.test_name}-{name}"

    def levels(self, pcm: bytes) -> str:
        """Return the levels of a recording's newest seconds, as one line with a bar for each."""
        second = self.sample_rate * SAMPLE_BYTES
        count = math.ceil(len(pcm) / second)
        if not count:
            return "  nothing was recorded"
        first = max(0, count - _SHOWN_SECONDS)
        total = duration_seconds(len(pcm), self.sample_rate)
        extract = f" (the newest {count - first} of {total:.0f} s)" if first else ""
        lines = [
            f"  {number:>5} s {_bar(level_dbfs(pcm[number * second : (number + 1) * second]))}"
            for number in range(first, count)
        ]
        return "\n".join([f"  level in dBFS, a line a second{extract}:", *lines])


def _bar(level: float) -> str:
    if level < _QUIETEST_DBFS:
        return " silence"
    return f"{level:>5.0f}  {_BAR * round((level - _QUIETEST_DBFS) / 2)}".rstrip()


#: The evidence of the test that is running.
current_evidence: ContextVar[Evidence] = ContextVar(
    "current_evidence",
    default=Evidence(),  # noqa: B039 - it is frozen
)
