"""smart-turn v3, a model that hears whether somebody has finished, run by onnxruntime.

It is built on the half of Whisper that listens, and is shown 8 s of audio as Whisper is: see
`_mel`. What is shorter has its silence in front, so that the end of the audio is always the end of
the picture.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trio_calls.audio import to_samples
from trio_calls.voice._errors import DetectorError, ModelError
from trio_calls.voice._mel import BANDS, HOP_SAMPLES, SAMPLE_RATE, log_mel
from trio_calls.voice._onnx import open_session

#: How much audio the model sees.
SECONDS: Final = 8
_SAMPLES: Final = SECONDS * SAMPLE_RATE
_PICTURE: Final = [BANDS, _SAMPLES // HOP_SAMPLES]

_FULL_SCALE: Final = np.float32(32768)
#: Keeps silence from being divided by nothing.
_LEAST_VARIANCE: Final = np.float32(1e-7)


class TurnModel:
    """The model. Several threads may use it at once.

    Args:
        path: its file.

    Raises:
        ModelError: there is no such file, or it is not that model.
        ModuleNotFoundError: the extra ``trio-calls[silero]`` is not installed.
    """

    def __init__(self, path: Path) -> None:
        self._session: Final = _open(path)
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or inputs[0].shape[1:] != _PICTURE or inputs[0].type != "tensor(float)":
            told = ", ".join(f"{each.name}: {each.type} {each.shape}" for each in inputs)
            raise _not_that(path, f"a model that takes ({told}), and not float {[1, *_PICTURE]}")
        self._input: Final[str] = inputs[0].name
        try:
            self.probability(b"")
        except Exception as error:
            raise _not_that(path, f"a model that fails ({error})") from error

    def probability(self, pcm: bytes) -> float:
        """Return how likely it is that somebody who has said this has finished, from 0 to 1.

        Args:
            pcm: mono signed 16-bit little-endian audio at 16 kHz. The last 8 s of it count.

        Raises:
            ValueError: half a sample.
            DetectorError: the model returned no probability.
        """
        # Whatever the model calls it: see findings/smart-turn-logits-are-probabilities.sh.
        told = self._session.run(None, {self._input: features(pcm)[np.newaxis]})[0]
        if np.shape(told) != (1, 1) or not 0 <= told[0, 0] <= 1:
            raise DetectorError("the model returned no probability from 0 to 1")
        return float(told[0, 0])


def features(pcm: bytes) -> NDArray[np.float32]:
    """Return what the model is shown of some audio, in an array of shape (80, 800)."""
    samples = np.zeros(_SAMPLES, np.float32)
    heard = to_samples(pcm)[-_SAMPLES:]
    samples[_SAMPLES - heard.size :] = heard / _FULL_SCALE
    return log_mel((samples - samples.mean()) / np.sqrt(samples.var() + _LEAST_VARIANCE))


def _open(path: Path) -> Any:
    try:
        return open_session(path.read_bytes(), "SmartTurn")
    except OSError as error:
        raise ModelError(
            f"{str(path)!r} cannot be read ({error.strerror}): "
            "model_path must be the ONNX file of smart-turn v3"
        ) from error
    except ModuleNotFoundError:
        raise
    except Exception as error:
        raise _not_that(path, "no model that onnxruntime can run") from error


def _not_that(path: Path, what: str) -> ModelError:
    return ModelError(f"{path.name!r} is {what}: model_path must be the ONNX file of smart-turn v3")
