"""Speech from hibari-tts. Its voice is in its wheel: nothing is downloaded."""

from collections.abc import AsyncIterator
from functools import lru_cache

import numpy as np
import trio
from hibari import SAMPLE_RATE, Hibari

from trio_calls.voice import SpeechPiece

__all__ = ["SAMPLE_RATE", "Synthesizer"]


class Synthesizer:
    """Speaks English. One is enough for a process; what it has said before, it has at hand.

    There is one voice in the wheel. To tell people apart, give them a pitch each: 1.0 is its own.
    """

    def __init__(self, pitch: float = 1.0) -> None:
        self._hibari = Hibari()
        self._pitch = pitch
        self._one_at_a_time = trio.CapacityLimiter(1)
        self.sentences = self._hibari.split_sentences
        self.pcm = lru_cache(maxsize=100)(self._synthesize)
        self.pcm("Hello.")  # the first words take a second, as dictionaries are read for them

    async def speak(self, text: str) -> AsyncIterator[SpeechPiece]:
        """Say it sentence by sentence: the first is heard while the others are made."""
        for sentence in self.sentences(text):
            if pcm := await self.synthesize(sentence):  # it has no letters for some words
                yield SpeechPiece(pcm, f"{sentence} ")

    async def synthesize(self, text: str) -> bytes:
        return await trio.to_thread.run_sync(self.pcm, text, limiter=self._one_at_a_time)

    def _synthesize(self, text: str) -> bytes:
        samples = self._hibari(text, speed=1 / self._pitch, seed=1)
        places = np.arange(0, len(samples), self._pitch)
        samples = np.interp(places, np.arange(len(samples)), samples)
        pcm: bytes = (samples.clip(-1, 1) * 32767).astype("<i2").tobytes()
        return pcm
