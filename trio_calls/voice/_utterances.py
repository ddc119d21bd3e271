"""What somebody said, utterance by utterance."""

from __future__ import annotations

from collections import deque
from typing import Final, Self

import attrs
import trio

from trio_calls.audio import SAMPLE_BYTES, Resampler
from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.voice._endpointing import EndReason, SpeechBegan, SpeechEnded
from trio_calls.voice._errors import ListenerTooSlowError
from trio_calls.voice._listening import Listening

#: How much may wait to be taken, in seconds of audio.
MAX_WAITING_SECONDS: Final = 120.0


@attrs.frozen
class Utterance:
    """What somebody said from one pause to the next.

    Attributes:
      pcm: mono signed 16-bit little-endian PCM, from `Endpointing.prefix_seconds` before the speech
        was noticed.
      sample_rate: of `pcm`, in Hz.
      start_seconds: when `pcm` starts, in seconds since the voice was opened.
      speech_end_seconds: when the pause at its end began.
      end_seconds: when it ends, with the pause.
      reason: why it has ended.
    """

    pcm: bytes = attrs.field(repr=False)
    sample_rate: int
    start_seconds: float
    speech_end_seconds: float
    end_seconds: float
    reason: EndReason


class Utterances:
    """An asynchronous iterator of utterances. Got from `Voice.utterances`."""

    def __init__(self, listening: Listening, sample_rate: int) -> None:
        self._listening = listening
        self._sample_rate = sample_rate
        self._waiting: deque[Utterance] = deque()
        self._waiting_bytes = 0
        self._max_bytes = round(MAX_WAITING_SECONDS * listening.sample_rate) * SAMPLE_BYTES
        self._dropped = 0
        self._news = Wakeup()
        listening.add(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Utterance:
        """Wait for the next utterance to end.

        Raises:
          StopAsyncIteration: the call is over, and everything heard was returned.
          DetectorError: the detector has failed.
          ListenerTooSlowError: more than 120 s of utterances waited, and the oldest were dropped.
            Those that are left come next.

        Cancellation: atomic; no utterance is lost. Always a checkpoint.
        """
        await trio.lowlevel.checkpoint()
        while not self._waiting and not self._dropped:
            await self._listening.wait_for(self._news)
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            raise ListenerTooSlowError(
                f"{dropped} utterance(s) were dropped, as more than {MAX_WAITING_SECONDS:g} s of "
                "them waited: take them while the agent works, in a task of their own"
            )
        utterance = self._waiting.popleft()
        self._waiting_bytes -= len(utterance.pcm)
        return self._convert(utterance)

    def heard_event(self, event: SpeechBegan | SpeechEnded) -> None:
        """Cut the utterance that has ended."""
        if isinstance(event, SpeechEnded):
            listening = self._listening
            utterance = Utterance(
                listening.history.read(event.start, event.end),
                listening.sample_rate,
                listening.seconds(event.start),
                listening.seconds(event.speech_end),
                listening.seconds(event.end),
                event.reason,
            )
            self._waiting.append(utterance)
            self._waiting_bytes += len(utterance.pcm)
            while self._waiting_bytes > self._max_bytes and len(self._waiting) > 1:
                self._waiting_bytes -= len(self._waiting.popleft().pcm)
                self._dropped += 1
            self._news.wake()

    def ended(self) -> None:
        """Wake up who waits."""
        self._news.wake()

    def _convert(self, utterance: Utterance) -> Utterance:
        if self._sample_rate == utterance.sample_rate:
            return utterance
        resampler = Resampler(utterance.sample_rate, self._sample_rate, "recording")
        pcm = resampler.feed(utterance.pcm) + resampler.finish()
        return attrs.evolve(utterance, pcm=pcm, sample_rate=self._sample_rate)
