"""Looking for gaps in what an agent has recorded of its callers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.voice.quiet_audio import QuietAudio
from benchmarks.voice.sentences import SAMPLE_RATE
from trio_calls.audio import SAMPLE_BYTES
from trio_calls.audio._wav_content import parse_wav

#: Callers are silent for longer than this only where nobody measures.
_PAUSE_BYTES: Final = SAMPLE_RATE * SAMPLE_BYTES // 2


def count_gaps(pcm: bytes) -> int:
    """Return in how many places a frame of `QuietAudio` is missing, or silence is before one.

    Args:
      pcm: mono, as one of the callers has said it. Pauses of half a second or more are none.
    """
    audio = QuietAudio(SAMPLE_RATE)
    size, gaps = audio.frame_bytes, 0
    before: tuple[int, int] | None = None
    start = pcm.find(audio.mark)
    while 0 <= start <= len(pcm) - size:
        stamp = audio.read(pcm[start : start + size])
        if stamp is None:
            gaps += 1
        else:
            if before is not None and start - before[0] < _PAUSE_BYTES:
                gaps += (start, stamp[0]) != (before[0] + size, before[1] + 1)
            before = start, stamp[0]
        start = pcm.find(audio.mark, start + size)
    return gaps


def gaps_in(folder: Path) -> int:
    """Return how many gaps there are in what was heard, in all recordings of a folder."""
    gaps = 0
    for path in sorted(folder.glob("*.wav")):
        wav = parse_wav(path.read_bytes())
        heard = np.frombuffer(wav.data, "<i2").reshape(-1, wav.channels)[:, 0]
        gaps += count_gaps(heard.tobytes())
    return gaps
