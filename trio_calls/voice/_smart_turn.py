"""Telling the end of a turn by smart-turn v3, in threads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import trio

from trio_calls.config import is_number
from trio_calls.voice._mel import SAMPLE_RATE
from trio_calls.voice._turn_model import SECONDS, TurnModel


class SmartTurn:
    """Tells by the voice whether somebody has finished, by the model smart-turn v3.

    An `EndOfTurn` for `open_voice`. The model hears the melody of a sentence, and knows nothing of
    its words. A question costs 0.1 s of processor time, so it is answered in a thread. Where many
    calls ask at once they wait for their turn, and those whose speaker goes on leave.

    ::

        smart_turn = SmartTurn("smart-turn-v3.2-cpu.onnx")
        async with open_voice(
            call, endpointing=Endpointing(pause_seconds=2.5), end_of_turn=smart_turn
        ) as voice: ...

    Make one for all calls, and before the first: it takes 80 MB, and loading it holds up the event
    loop for 0.3 s.

    Args:
      model_path: the ONNX file of the model. It does not come with this package; that of
        pipecat-ai has it.
      threshold: from this probability on, they have finished. More than 0 and at most 1.
      quiet_seconds: how much silence there has to be before it is asked.
      threads: so many questions are answered at once.

    Raises:
      ModelError: there is no such file, or it is not that model.
      ValueError: a setting makes no sense. The message names it.
      ModuleNotFoundError: the extra ``trio-calls[silero]`` is not installed.
    """

    def __init__(
        self,
        model_path: str | os.PathLike[str],
        *,
        threshold: float = 0.5,
        quiet_seconds: float = 0.2,
        threads: int = 1,
    ) -> None:
        if not is_number(threshold, 0, 1) or not threshold:
            raise ValueError(f"threshold must be more than 0 and at most 1, not {threshold!r}")
        if not is_number(quiet_seconds, 0, SECONDS):
            raise ValueError(f"quiet_seconds must be from 0 to {SECONDS}, not {quiet_seconds!r}")
        if type(threads) is not int or threads < 1:
            raise ValueError(f"threads must be a whole number from 1, not {threads!r}")
        self._threshold: Final = threshold
        self._quiet_seconds: Final = quiet_seconds
        self._threads: Final = threads
        self._model: Final = TurnModel(Path(model_path))
        # One for each run of Trio: a thread that outlives a run never gives its place back. See
        # findings/trio-limiter-of-two-runs.sh.
        self._limiter: Final[trio.lowlevel.RunVar[trio.CapacityLimiter]] = trio.lowlevel.RunVar(
            "limiter of a SmartTurn"
        )

    @property
    def sample_rate(self) -> int:
        """The rate of the audio that it is given: 16000 Hz."""
        return SAMPLE_RATE

    @property
    def max_seconds(self) -> float:
        """How much of the end of an utterance it is given: 8 s."""
        return SECONDS

    @property
    def quiet_seconds(self) -> float:
        """How much silence there has to be before it is asked."""
        return self._quiet_seconds

    async def is_over(self, pcm: bytes) -> bool:
        """Return whether somebody who has said this has finished.

        Args:
          pcm: the end of the utterance, with the silence behind it, as mono signed 16-bit
            little-endian audio at 16 kHz.

        Raises:
          ValueError: half a sample.
          DetectorError: the model returned no probability.

        Cancellation: the answer is not waited for. Its thread counts until it is done.
        """
        return await self.probability(pcm) >= self._threshold

    async def probability(self, pcm: bytes) -> float:
        """Return how likely it is that they have finished, from 0 to 1; else as `is_over`."""
        return await trio.to_thread.run_sync(
            self._model.probability, pcm, limiter=self._limiter_of_run(), abandon_on_cancel=True
        )

    def _limiter_of_run(self) -> trio.CapacityLimiter:
        try:
            return self._limiter.get()
        except LookupError:
            limiter = trio.CapacityLimiter(self._threads)
            self._limiter.set(limiter)
            return limiter
