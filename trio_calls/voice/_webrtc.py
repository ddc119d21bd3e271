"""The voice activity detector of WebRTC. Needs the extra ``trio-calls[voice]``."""

from __future__ import annotations

from typing import Final

from trio_calls.audio import FRAME_SECONDS
from trio_calls.voice._detector import check_window

_SAMPLE_RATES: Final = (8000, 16000, 32000, 48000)
_MODES: Final = (0, 1, 2, 3)


class WebRtcDetector:
    """Tells speech by its spectrum, as WebRTC does: yes or no, for next to nothing.

    It keeps saying yes for some windows after the last word, and says it of the first 0.1 s of any
    noise: with `Endpointing` of ``min_speech_seconds=0.15`` that is no utterance. Tones and loud
    noise are speech to it in every mode, for as long as they last.

    Args:
        mode: from 0, which takes the most for speech, to 3, which takes the least.
        sample_rate: the rate of the audio that it is fed, in Hz: 8000, 16000, 32000 or 48000. A
            window has 20 ms.

    Raises:
        ValueError: there is no such mode, or it does not know this rate.
        ModuleNotFoundError: the extra ``trio-calls[voice]`` is not installed.
    """

    def __init__(self, mode: int = 3, sample_rate: int = 16000) -> None:
        if type(mode) is not int or mode not in _MODES:
            raise ValueError(f"mode must be one of {_MODES}, not {mode!r}")
        if type(sample_rate) is not int or sample_rate not in _SAMPLE_RATES:
            raise ValueError(f"sample_rate must be one of {_SAMPLE_RATES}, not {sample_rate!r}")
        try:
            import webrtcvad  # noqa: PLC0415  # of an extra
        except ModuleNotFoundError:
            raise ModuleNotFoundError(
                "WebRtcDetector needs webrtcvad-wheels: install the extra 'voice' of trio-calls"
            ) from None
        self._vad: Final = webrtcvad.Vad(mode)
        self._sample_rate: Final = sample_rate
        self._window_samples: Final = round(sample_rate * FRAME_SECONDS)

    @property
    def sample_rate(self) -> int:
        """The rate of the audio that it is fed, in Hz."""
        return self._sample_rate

    @property
    def window_samples(self) -> int:
        """How many samples each `feed` takes: 20 ms."""
        return self._window_samples

    def feed(self, pcm: bytes) -> float:
        """Return whether somebody speaks in the next window.

        Args:
            pcm: 20 ms of mono signed 16-bit little-endian audio.

        Returns:
            1 for yes, 0 for no.

        Raises:
            ValueError: ``pcm`` is not one window.
        """
        check_window(pcm, self._window_samples, self._sample_rate)
        return float(self._vad.is_speech(pcm, self._sample_rate))
