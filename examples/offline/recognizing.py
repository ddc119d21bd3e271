"""Recognition with pocketsphinx. Its English model is in its wheel: nothing is downloaded.

It holds the interpreter while it works, also in a thread: about 11 ms for a second of speech with a
grammar, and 350 ms without. That is fine for the calls of a small office. For more, give it a
process of its own.
"""

import numpy as np
import trio
from pocketsphinx import Decoder

SAMPLE_RATE = 16_000

# Silence on a telephone line of today is nothing at all, and above 4 kHz there is nothing either.
# The model comes from a time of microphones: without some hiss it loses the first words. See
# findings/pocketsphinx-telephones-without-hiss.sh.
HISS = np.random.default_rng(seed=1).normal(0, 150, SAMPLE_RATE)


def with_hiss(pcm: bytes) -> bytes:
    samples = np.frombuffer(pcm, "<i2") + np.resize(HISS, len(pcm) // 2)
    return samples.clip(-32768, 32767).astype("<i2").tobytes()


class GrammarRecognizer:
    """Understands the sentences of a grammar, in JSGF. One is enough for a process."""

    def __init__(self, grammar: str) -> None:
        # With bestpath, what comes out need not be a sentence of the grammar: see
        # findings/pocketsphinx-outside-its-grammar.sh.
        self._decoder = Decoder(samprate=SAMPLE_RATE, lm=None, bestpath=False, loglevel="FATAL")
        self._decoder.add_jsgf_string("grammar", grammar)
        self._decoder.activate_search("grammar")
        self._one_at_a_time = trio.CapacityLimiter(1)

    async def recognize(self, pcm: bytes) -> str:
        """Return the sentence of the grammar that it is; "" if it is none of them."""
        return await trio.to_thread.run_sync(self._decode, pcm, limiter=self._one_at_a_time)

    def _decode(self, pcm: bytes) -> str:
        self._decoder.start_utt()
        # All of it at once: in pieces it would get used to one caller, and mishear the next.
        self._decoder.process_raw(with_hiss(pcm), full_utt=True)
        self._decoder.end_utt()
        found = self._decoder.hyp()
        return found.hypstr if found else ""


class StreamRecognizer:
    """Understands any English while it is said. One for each call: it gets used to the caller.

    Loading it takes 0.6 s, in which nothing else runs.
    """

    def __init__(self) -> None:
        # Fewer guesses at a time are half the work, and as good. What it is used to at first is
        # what telephones with hiss come to: otherwise it hears an "if" in the hiss.
        self._decoder = Decoder(
            samprate=SAMPLE_RATE, maxhmmpf=3000, cmninit="50,-12,-5,-4,-3,-4", loglevel="FATAL"
        )
        self._is_listening = False

    def start(self) -> None:
        """Begin with an utterance. One that was not finished is dropped."""
        if self._is_listening:
            self._decoder.end_utt()
        self._decoder.start_utt()
        self._is_listening = True

    async def feed(self, pcm: bytes) -> str:
        """Return what the utterance seems to be, so far."""
        await trio.to_thread.run_sync(self._decoder.process_raw, with_hiss(pcm))
        return self._text()

    async def finish(self) -> str:
        """Return what the utterance was."""
        await trio.to_thread.run_sync(self._decoder.end_utt)
        self._is_listening = False
        return self._text()

    def _text(self) -> str:
        found = self._decoder.hyp()
        return found.hypstr if found else ""
