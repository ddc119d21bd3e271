"""Listening to one channel of a call, for everybody who wants to know when somebody speaks.

::

    AudioStream ──► Windows ──► the detector ──► Endpointer ──► utterances, speech events
        │                            └─────────► interruptible blocks
        └──► AudioHistory, from which utterances are cut

There is one task for a channel, and one detector, however many listen. Whoever listens never holds
it up: each has a bounded buffer.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Protocol

import trio

from trio_calls.call.active_call import ActiveCall
from trio_calls.voice._detector import Detector, probability_of_speech
from trio_calls.voice._endpointing import Endpointer, Endpointing, SpeechBegan, SpeechEnded
from trio_calls.voice._errors import DetectorError
from trio_calls.voice._history import AudioHistory
from trio_calls.voice._windows import Windows


class Listener(Protocol):
    """Somebody who wants to know when somebody speaks. Nothing here may wait or raise."""

    def heard_window(self, probability: float, samples: int) -> None:
        """Take the next window: how likely it is speech, and how many samples it stands for."""
        ...

    def heard_event(self, event: SpeechBegan | SpeechEnded) -> None:
        """Take the beginning or the end of an utterance, before the window that shows it."""
        ...

    def ended(self) -> None:
        """Note that nothing follows: the call is over, or the detector has failed."""
        ...


class Listening:
    """One channel of a call that is listened to.

    Args:
      call: the call.
      channel: which one.
      detector: tells how likely it is that somebody speaks.
      endpointing: what makes an utterance.
      opened_at: zero of the times that are told, by `trio.current_time`.

    Attributes:
      sample_rate: of the channel, in Hz.
      history: the audio that an utterance may still be cut from.
      failure: what the detector has raised, if it has.
      is_over: whether nothing follows.
    """

    def __init__(
        self,
        call: ActiveCall,
        channel: int,
        detector: Detector,
        endpointing: Endpointing,
        opened_at: float,
    ) -> None:
        self.sample_rate: int = call.audio_format.sample_rate
        self.history: AudioHistory = AudioHistory()
        self.failure: DetectorError | None = None
        self.is_over: bool = False
        self._stream = call.audio_stream(channel)
        self._detector = detector
        self._windows = Windows(self.sample_rate, detector)
        self._endpointer = Endpointer(endpointing, self.sample_rate)
        self._opened_at = opened_at
        self._starts_at = 0.0
        self._position = 0
        self._utterance: SpeechBegan | None = None
        self._listeners: list[weakref.ref[Listener]] = []

    async def run(self) -> None:
        """Listen until the call is over. Raises nothing: see `failure`.

        Cancellation: ends it.
        """
        try:
            async for frame in self._stream:
                if not self.history.end:
                    seconds = len(frame) / 2 / self.sample_rate
                    self._starts_at = trio.current_time() - seconds - self._opened_at
                self.history.append(frame)
                for window, samples in self._windows.feed(frame):
                    probability = await probability_of_speech(self._detector, window)
                    self._heard(probability, samples)
        except DetectorError as error:
            self.failure = error
        finally:
            self._end()

    def seconds(self, position: int) -> float:
        """Return the time of a sample, in seconds since the voice was opened."""
        return self._starts_at + position / self.sample_rate

    def check(self) -> None:
        """Raise what the detector has raised, if it has."""
        if self.failure is not None:
            # A new one each time: an error that several tasks raise collects their tracebacks.
            raise DetectorError(*self.failure.args) from self.failure.__cause__

    def add(self, listener: Listener) -> None:
        """Let somebody listen, for as long as somebody holds it.

        Who comes while somebody speaks hears the utterance from its beginning.
        """
        self._listeners.append(weakref.ref(listener, self._listeners.remove))
        if self._utterance is not None:
            listener.heard_event(self._utterance)
        if self.is_over:
            listener.ended()

    def remove(self, listener: Listener) -> None:
        """Let somebody listen no longer."""
        self._listeners = [
            reference for reference in self._listeners if reference() is not listener
        ]

    @property
    def position(self) -> int:
        """Up to where the detector has heard, in samples."""
        return self._position

    def _heard(self, probability: float, samples: int) -> None:
        self._position += samples
        events = self._endpointer.feed(probability, samples)
        for event in events:
            self._utterance = event if isinstance(event, SpeechBegan) else None
            self._tell(functools.partial(_tell_event, event))
        self._tell(lambda listener: listener.heard_window(probability, samples))
        self.history.forget_before(self._endpointer.needed_from)

    def _tell(self, tell: Callable[[Listener], None]) -> None:
        for reference in tuple(self._listeners):
            if (listener := reference()) is not None:
                tell(listener)

    def _end(self) -> None:
        self.is_over = True
        for event in self._endpointer.finish():
            self._utterance = None
            self._tell(functools.partial(_tell_event, event))
        self._tell(lambda listener: listener.ended())


def _tell_event(event: SpeechBegan | SpeechEnded, listener: Listener) -> None:
    listener.heard_event(event)
