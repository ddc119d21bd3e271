"""A caller who talks over the agent, again and again, and what is heard of the agent then."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from typing import Final

import attrs
import numpy as np

from benchmarks.voice.sentences import number_of

#: The caller lets the agent talk for a time between these, and then talks.
_LISTENS_SECONDS: Final = (1.0, 2.0)
#: A caller over whom the agent goes on talking says it again after that.
_PATIENCE_SECONDS: Final = 4.0
#: A pause of the agent that is longer is silence; a shorter one is a gap.
_SILENCE_SECONDS: Final = 0.1
_NS: Final = 1e-9


@attrs.frozen
class Stretch:
    """Some of the agent's audio as it is played: from when to when, in s, and of which sentence."""

    begin: float
    end: float
    sentence: int


class PlayOut:
    """Plays what the agent has sent, at the speed of speech, as soon as it can.

    Args:
      sample_rate: of the audio, in Hz.

    Attributes:
      stretches: what was or will be played, in order.
    """

    def __init__(self, sample_rate: int) -> None:
        self.stretches: list[Stretch] = []
        self._sample_rate = sample_rate

    def receive(self, pcm: bytes | bytearray, now: float) -> None:
        """Take in audio."""
        samples = np.frombuffer(pcm, "<i2")
        begin = max(now, self.stretches[-1].end) if self.stretches else now
        cuts = [0, *(np.flatnonzero(np.diff(samples)) + 1), samples.size]
        for start, end in itertools.pairwise(cuts):
            stop = begin + float(end - start) / self._sample_rate
            self.stretches.append(Stretch(begin, stop, number_of(int(samples[start]))))
            begin = stop

    def waiting_seconds(self, now: float) -> float:
        """Return how much has not been played yet."""
        return max(0.0, self.stretches[-1].end - now) if self.stretches else 0.0

    def forget(self, now: float) -> None:
        """Drop what has not been played yet."""
        while self.stretches and self.stretches[-1].end > now:
            last = self.stretches.pop()
            if last.begin < now:
                self.stretches.append(attrs.evolve(last, end=now))

    def sentence_at(self, now: float) -> tuple[int, float] | None:
        """Return the sentence that is played, and since when; None in silence."""
        playing = None
        for stretch in reversed(self.stretches):
            if playing is None:
                if stretch.end < now:
                    return None
                if stretch.begin <= now and stretch.sentence:
                    playing = stretch
            elif stretch.sentence != playing.sentence:
                break
            else:
                playing = attrs.evolve(playing, begin=stretch.begin)
        return None if playing is None else (playing.sentence, playing.begin)


@attrs.frozen
class Attempt:
    """One time that a caller talked over the agent.

    Attributes:
      silent_after_seconds: from the caller's first frame until the agent was silent; None where it
        talked on.
      heard_after_seconds: of the sentence that was interrupted, heard after that.
    """

    silent_after_seconds: float | None
    heard_after_seconds: float


class Conversation:
    """The `Party` of a call in which the caller talks over the agent.

    Args:
      speech: what the caller says, in frames of PCM; there is no silence at its beginning.
      encode: makes what goes over the wire of a frame.
      sample_rate: of all audio, in Hz.
      seed: of when the caller talks.
    """

    def __init__(
        self, speech: Sequence[bytes], encode: Callable[[bytes], bytes], sample_rate: int, seed: int
    ) -> None:
        self._speech = [encode(frame) for frame in speech]
        self._silence = encode(bytes(len(speech[0])))
        self._play_out = PlayOut(sample_rate)
        self._random = random.Random(seed)
        self._coming: list[bytes] = []
        #: When the caller began to talk, and over which sentence.
        self._interruptions: list[tuple[float, int]] = []
        self._listens_seconds = self._random.uniform(*_LISTENS_SECONDS)

    @property
    def has_heard_agent(self) -> bool:
        return bool(self._play_out.stretches)

    def begin(self) -> None:
        """Begin to count anew."""
        self._interruptions.clear()

    def send(self, now_ns: int) -> bytes:
        now = now_ns * _NS
        if not self._coming and self._would_interrupt(now):
            self._coming = list(self._speech)
        return self._coming.pop(0) if self._coming else self._silence

    def receive(self, pcm: bytes | bytearray, now_ns: int) -> None:
        self._play_out.receive(pcm, now_ns * _NS)

    def forget(self, now_ns: int) -> None:
        self._play_out.forget(now_ns * _NS)

    def waiting_seconds(self, now_ns: int) -> float:
        """Return how much of what the agent has said has not been played yet."""
        return self._play_out.waiting_seconds(now_ns * _NS)

    def attempts(self) -> list[Attempt]:
        """Return what came of the times that the caller talked, less the last, which may go on."""
        ends = [began for began, _ in self._interruptions[1:]]
        return [
            _attempt(self._play_out.stretches, began, sentence, end)
            for (began, sentence), end in zip(self._interruptions, ends, strict=False)
        ]

    def _would_interrupt(self, now: float) -> bool:
        playing = self._play_out.sentence_at(now)
        if playing is None or now - playing[1] < self._listens_seconds:
            return False
        if self._interruptions:
            last, sentence = self._interruptions[-1]
            if sentence == playing[0] and now - last < _PATIENCE_SECONDS:
                return False
        self._interruptions.append((now, playing[0]))
        self._listens_seconds = self._random.uniform(*_LISTENS_SECONDS)
        return True


def _attempt(stretches: Sequence[Stretch], began: float, sentence: int, until: float) -> Attempt:
    silent_at = began
    heard_after = 0.0
    is_silent = False
    for stretch in stretches:
        if stretch.sentence != sentence or stretch.end <= began or stretch.begin >= until:
            continue
        is_silent = is_silent or stretch.begin - silent_at > _SILENCE_SECONDS
        if is_silent:
            heard_after += stretch.end - stretch.begin
        else:
            silent_at = stretch.end
    talked_on = silent_at > until - _SILENCE_SECONDS
    return Attempt(None if talked_on else silent_at - began, heard_after)
