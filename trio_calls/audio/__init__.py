"""Audio as plain values: PCM frames, WAV files, mixing, resampling, test tones, and who was heard.

Audio is `bytes` everywhere: mono, signed 16-bit, little-endian. The sample rate is not part of it
and is passed along where it matters. Nothing here waits, plays or sends.
"""

from trio_calls._public_names import claim_names
from trio_calls.audio._levels import Match, find, level_dbfs
from trio_calls.audio._mixing import mix
from trio_calls.audio._pcm import (
    FRAME_SECONDS,
    SAMPLE_BYTES,
    duration_seconds,
    frame_bytes,
    silence,
    to_pcm,
    to_samples,
)
from trio_calls.audio._resampling import Resampler
from trio_calls.audio._tones import noise, tone
from trio_calls.audio._wav import read_wav, write_wav

__all__ = [
    "FRAME_SECONDS",
    "SAMPLE_BYTES",
    "Match",
    "Resampler",
    "duration_seconds",
    "find",
    "frame_bytes",
    "level_dbfs",
    "mix",
    "noise",
    "read_wav",
    "silence",
    "to_pcm",
    "to_samples",
    "tone",
    "write_wav",
]

claim_names(__name__, globals(), __all__)
