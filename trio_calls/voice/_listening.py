"""Listening to one channel of a call, for everybody who wants to know when somebody speaks.

::

    AudioStream ──► Windows ──► the detector ──► Endpointer ──► utterances, speech events
        │                            │               ▲
        │                            │               └── EndOfTurn, asked in each pause
        │                            └─────────► interruptible blocks
        ├──► FirstEar, where it is sooner ─────► the same
        └──► AudioHistory, from which utterances are cut

There is one task for a channel, and one detector, however many listen. Whoever listens never holds
it up: each has a bounded buffer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Protocol

import trio

from trio_calls.audio import FRAME_SECONDS, SAMPLE_BYTES, Resampler, duration_seconds
from trio_calls.call.received_audio import AudioStream
from trio_calls.concurrency.error_groups import first_error
from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.voice._detector import Detector, probability_of_speech
from trio_calls.voice._end_of_turn import EndOfTurn, ask_whether_over
from trio_calls.voice._endpointing import (
    Endpointer,
    Endpointing,
    EndReason,
    SpeechBegan,
    SpeechEnded,
)
from trio_calls.voice._errors import DetectorError
from trio_calls.voice._first_ear import FirstEar
from trio_calls.voice._history import AudioHistory
from trio_calls.voice._listeners import WeakListeners
from trio_calls.voice._windows import Windows

#: When so many frames came is noted of each, and later of each so many: the clock takes its time.
_TIMED_FRAMES: Final = 50
_TIMED_EACH: Final = 8


class Listener(Protocol):
    """Somebody who wants to know when somebody speaks. Nothing here may wait or raise."""

    def heard_event(self, event: SpeechBegan | SpeechEnded) -> None:
        """Take the beginning or the end of an utterance, before the window that shows it."""
        ...

    def ended(self) -> None:
        """Note that nothing follows: the call is over, or the detector has failed."""
        ...


class WindowListener(Listener, Protocol):
    """Somebody who looks at every window. Nothing here may wait or raise."""

    def heard_window(self, probability: float, samples: int) -> None:
        """Take the next window: how likely it is speech, and how many samples it stands for."""
        ...


class SoundListener(WindowListener, Protocol):
    """Somebody who also wants to know at once of any sound. Nothing here may wait or raise."""

    def heard_sound(self, is_sound: bool, samples: int) -> None:
        """Take the next frame: whether there is any sound in it, and how long it is."""
        ...


class Listening:
    """One channel of a call that is listened to.

    Args:
      sample_rate: of the channel, in Hz.
      detector: tells how likely it is that somebody speaks.
      endpointing: what makes an utterance.
      end_of_turn: tells whether a pause is the end of what somebody says, or None.
      opened_at: zero of the times that are told, by `trio.current_time`.

    Attributes:
      sample_rate: of the channel, in Hz.
      history: the audio that an utterance may still be cut from.
      failure: what the detector has raised, if it has.
      is_over: whether nothing follows.
    """

    def __init__(
        self,
        sample_rate: int,
        *,
        detector: Detector,
        endpointing: Endpointing,
        end_of_turn: EndOfTurn | None,
        opened_at: float,
    ) -> None:
        self.sample_rate: int = sample_rate
        self.history: AudioHistory = AudioHistory()
        self.failure: DetectorError | None = None
        self.is_over: bool = False
        self._detector = detector
        self._windows = Windows(self.sample_rate, detector)
        self._endpointer = Endpointer(endpointing, self.sample_rate)
        self._end_of_turn = end_of_turn
        # The question of this pause, whether it was answered or not; None while there is none.
        self._question: trio.CancelScope | None = None
        self._opened_at = opened_at
        self._frames = 0
        self._starts_at = math.inf
        self._utterance: SpeechBegan | None = None
        self._listeners = WeakListeners[Listener]()
        self._window_listeners = WeakListeners[WindowListener]()
        self._sound_listeners = WeakListeners[SoundListener]()
        # Hears a sound sooner than a detector whose windows are longer than a frame.
        self._first_ear: FirstEar | None = None
        if detector.window_samples > FRAME_SECONDS * detector.sample_rate:
            self._first_ear = FirstEar(self.sample_rate)
            self._first_ear_windows = Windows(self.sample_rate, self._first_ear)

    async def run(self, stream: AudioStream) -> None:
        """Listen until the call is over. Raises nothing: see `failure`.

        Args:
          stream: of the channel. Kept no longer than this runs.

        Cancellation: ends it.
        """
        try:
            async with trio.open_nursery() as nursery:
                # What waited already is no fault of the detector's, nor what is dropped for it.
                backlog_bytes, dropped_frames = stream.waiting_bytes, stream.dropped_frames
                async for frame in stream:
                    self.history.append(frame)
                    if stream.dropped_frames > dropped_frames:
                        dropped_frames = stream.dropped_frames
                        if self.history.end * SAMPLE_BYTES > backlog_bytes:
                            raise DetectorError(self._slowness)
                    self._frames += 1
                    if self._frames <= _TIMED_FRAMES or not self._frames % _TIMED_EACH:
                        self._take_time(stream.waiting_bytes)
                    if self._first_ear is not None and self._sound_listeners:
                        self._hear_sound(self._first_ear, frame)
                    await self._detect(frame, nursery)
                nursery.cancel_scope.cancel()
        except* DetectorError as group:
            self.failure = first_error(group).with_traceback(None)
        finally:
            self._end()

    def _take_time(self, waiting_bytes: int) -> None:
        """Note that all this was said by now, with what waits. The least delay counts."""
        said = self.history.end / self.sample_rate
        said += duration_seconds(waiting_bytes, self.sample_rate)
        self._starts_at = min(self._starts_at, trio.current_time() - said - self._opened_at)

    @property
    def _slowness(self) -> str:
        return (
            f"{type(self._detector).__name__} takes longer than people speak, or the event loop "
            "was blocked: audio waited for it, and some had to be dropped"
        )

    def seconds(self, position: int) -> float:
        """Return the time of a sample, in seconds since the voice was opened."""
        return self._starts_at + position / self.sample_rate

    def check(self) -> None:
        """Raise what the detector has raised, if it has."""
        if self.failure is not None:
            # A new one each time: an error that several tasks raise collects their tracebacks.
            raise DetectorError(*self.failure.args) from self.failure.__cause__

    async def wait_for(self, news: Wakeup) -> None:
        """Wait for a listener's news.

        Raises:
          DetectorError: the detector has failed.
          StopAsyncIteration: nothing follows.
        """
        self.check()
        if self.is_over:
            raise StopAsyncIteration
        await news.wait()

    def add(self, listener: Listener) -> None:
        """Let somebody listen, for as long as somebody holds it.

        Who comes while somebody speaks hears the utterance from its beginning.
        """
        self._listeners.add(listener)
        if self._utterance is not None:
            listener.heard_event(self._utterance)
        if self.is_over:
            listener.ended()

    def add_for_windows(self, listener: WindowListener) -> None:
        """Let somebody listen who looks at every window, as `add` does."""
        self._window_listeners.add(listener)
        self.add(listener)

    def add_for_sounds(self, listener: SoundListener) -> None:
        """Let somebody listen who also wants to know at once of any sound, as `add` does."""
        self._sound_listeners.add(listener)
        self.add_for_windows(listener)

    def remove(self, listener: SoundListener) -> None:
        """Let somebody listen no longer who wanted to know of sounds."""
        self._sound_listeners.remove(listener)
        self._window_listeners.remove(listener)
        self._listeners.remove(listener)

    @property
    def position(self) -> int:
        """Up to where the detector has heard, in samples."""
        return self._endpointer.position

    def _hear_sound(self, first_ear: FirstEar, frame: bytes) -> None:
        for window, samples in self._first_ear_windows.feed(frame):
            is_sound = first_ear.feed(window)
            for listener in self._sound_listeners:
                listener.heard_sound(is_sound, samples)

    async def _detect(self, frame: bytes, nursery: trio.Nursery) -> None:
        for window, samples in self._windows.feed(frame):
            probability = await probability_of_speech(self._detector, window)
            if events := self._endpointer.feed(probability, samples):
                self._tell_events(events)
            for listener in self._window_listeners:
                listener.heard_window(probability, samples)
            if self._end_of_turn is not None:
                self._consider_end(self._end_of_turn, nursery)
            if self.history.is_long:
                self.history.forget_before(self._endpointer.needed_from)

    def _consider_end(self, end_of_turn: EndOfTurn, nursery: trio.Nursery) -> None:
        quiet_samples = self._endpointer.quiet_samples
        if self._question is not None and not quiet_samples:
            self._question.cancel()
            self._question = None
        elif self._question is None and quiet_samples >= max(
            1, end_of_turn.quiet_seconds * self.sample_rate
        ):
            self._question = trio.CancelScope()
            nursery.start_soon(self._ask, end_of_turn, self._question)

    async def _ask(self, end_of_turn: EndOfTurn, question: trio.CancelScope) -> None:
        if self._utterance is None:
            return
        longest = round(end_of_turn.max_seconds * self.sample_rate)
        start = max(self._utterance.start, self.position - longest)
        resampler = Resampler(self.sample_rate, end_of_turn.sample_rate, "recording")
        pcm = resampler.feed(self.history.read(start, self.position)) + resampler.finish()
        with question:
            if await ask_whether_over(end_of_turn, pcm) and not question.cancel_called:
                self._tell_events(self._endpointer.finish(EndReason.TURN_OVER))

    def _tell_events(self, events: Sequence[SpeechBegan | SpeechEnded]) -> None:
        for event in events:
            self._utterance = event if isinstance(event, SpeechBegan) else None
            if self._utterance is None and self._question is not None:
                self._question.cancel()
                self._question = None
            for listener in self._listeners:
                listener.heard_event(event)

    def _end(self) -> None:
        self.is_over = True
        self._tell_events(self._endpointer.finish())
        for listener in self._listeners:
            listener.ended()
