"""What somebody says, while they say it: for recognizers that take a stream."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Self, TypeAlias

import attrs
import trio

from trio_calls.audio import SAMPLE_BYTES, Resampler
from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.voice._endpointing import EndReason, SpeechBegan, SpeechEnded
from trio_calls.voice._errors import ListenerTooSlowError
from trio_calls.voice._listening import Listening

#: How much may wait to be taken, in seconds of audio.
MAX_WAITING_SECONDS: Final = 10.0


@attrs.frozen
class SpeechStart:
    """Somebody has begun to speak.

    Attributes:
      seconds: when the first frame starts, in seconds since the voice was opened. That is
        `Endpointing.prefix_seconds` before the speech was noticed.
    """

    seconds: float


@attrs.frozen
class SpeechFrame:
    """The next frame of what they say.

    Attributes:
      pcm: mono signed 16-bit little-endian PCM, always of the size that was asked for. The last
        frame is filled up with silence.
    """

    pcm: bytes = attrs.field(repr=False)


@attrs.frozen
class SpeechEnd:
    """They have ended.

    Attributes:
      seconds: when, in seconds since the voice was opened; the pause is over then.
      speech_end_seconds: when the pause began.
      reason: why it has ended.
    """

    seconds: float
    speech_end_seconds: float
    reason: EndReason


SpeechEvent: TypeAlias = SpeechStart | SpeechFrame | SpeechEnd
"""What somebody says, in the order in which it comes."""


class SpeechEvents:
    """An asynchronous iterator of what is said. Got from `Voice.speech_events`."""

    def __init__(self, listening: Listening, sample_rate: int, frame_seconds: float) -> None:
        self._listening = listening
        self._sample_rate = sample_rate
        self._frame_bytes = round(frame_seconds * sample_rate) * SAMPLE_BYTES
        self._max_bytes = 0
        # As it was heard: PCM at the channel's rate stands between a start and its end.
        self._waiting: deque[SpeechStart | bytes | SpeechEnd] = deque()
        self._waiting_bytes = 0
        # Up to where the utterance in progress was handed on; None if there is none, or no longer.
        self._position: int | None = None
        self._was_too_slow = False
        self._taking = trio.CancelScope()
        self._resampler = Resampler(listening.sample_rate, sample_rate)
        self._frames = bytearray()
        self._end: SpeechEnd | None = None
        self._news = Wakeup()
        listening.add_for_windows(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SpeechEvent:
        """Wait for the next event.

        Raises:
          StopAsyncIteration: the call is over, and everything heard was returned.
          DetectorError: the detector has failed.
          ListenerTooSlowError: 10 s of audio waited. They were dropped, with the rest of that
            utterance; the next one comes whole.

        Cancellation: atomic; no event is lost. Always a checkpoint.
        """
        await trio.lowlevel.checkpoint()
        while (event := self._next_event()) is None:
            await self._listening.wait_for(self._news)
        return event

    @contextmanager
    def taking(self) -> Iterator[None]:
        """Make a block for taking an event, cut short when that is slower than people speak.

        Asking for the next event tells that then.
        """
        with trio.CancelScope() as self._taking:
            yield

    def heard_window(self, probability: float, samples: int) -> None:
        """Hand on what was heard since the last time."""
        if self._position is not None:
            self._put_until(self._listening.position)

    def heard_event(self, event: SpeechBegan | SpeechEnded) -> None:
        """Hand on the beginning or the end of an utterance."""
        if isinstance(event, SpeechBegan):
            self._position = event.start
            # Who comes while somebody speaks has not been too slow for what was said before.
            late_samples = self._listening.position - event.start
            max_samples = round(MAX_WAITING_SECONDS * self._listening.sample_rate) + late_samples
            self._max_bytes = max_samples * SAMPLE_BYTES
            self._waiting.append(SpeechStart(self._listening.seconds(event.start)))
        elif self._position is not None:
            self._put_until(event.end)
            self._position = None
            self._waiting.append(
                SpeechEnd(
                    self._listening.seconds(event.end),
                    self._listening.seconds(event.speech_end),
                    event.reason,
                )
            )
        self._news.wake()

    def ended(self) -> None:
        """Wake up who waits."""
        self._news.wake()

    def _put_until(self, position: int) -> None:
        assert self._position is not None
        pcm = self._listening.history.read(self._position, position)
        self._position = max(position, self._position)
        if not pcm:
            return
        self._waiting.append(pcm)
        self._waiting_bytes += len(pcm)
        if self._waiting_bytes > self._max_bytes:
            self._waiting.clear()
            self._waiting_bytes = 0
            self._position = None
            self._was_too_slow = True
            self._taking.cancel()
        self._news.wake()

    def _next_event(self) -> SpeechEvent | None:
        if self._was_too_slow:
            self._was_too_slow = False
            self._frames.clear()
            self._end = None
            raise ListenerTooSlowError(
                f"{MAX_WAITING_SECONDS:g} s of speech waited and were dropped: this is taken more "
                "slowly than people speak"
            )
        while len(self._frames) < self._frame_bytes and self._end is None:
            if not self._waiting:
                return None
            match self._waiting.popleft():
                case SpeechStart() as start:
                    self._resampler = Resampler(self._listening.sample_rate, self._sample_rate)
                    return start
                case SpeechEnd() as end:
                    self._end = end
                    self._frames += self._resampler.finish()
                case pcm:
                    self._waiting_bytes -= len(pcm)
                    self._frames += self._resampler.feed(pcm)
        return self._take_frame() or self._take_end()

    def _take_frame(self) -> SpeechFrame | None:
        if not self._frames:
            return None
        pcm = bytes(self._frames[: self._frame_bytes]).ljust(self._frame_bytes, b"\0")
        del self._frames[: self._frame_bytes]
        return SpeechFrame(pcm)

    def _take_end(self) -> SpeechEnd | None:
        end, self._end = self._end, None
        return end
