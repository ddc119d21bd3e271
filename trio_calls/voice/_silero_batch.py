"""Silero's model for all calls of a process: windows that wait go through it together.

The model is called in the event loop, by whichever task is there. No task stands behind this, and
nothing has to be started or stopped::

    the first to wait   ── leads: lets others come, at the longest until the deadline ──► runs all
    the next ones       ── follow: wait for whoever runs
    the sixteenth       ── makes it full, so that it runs all at once

What always holds:

- Where windows wait, one of their tasks leads. If it is cancelled, it hands on to another one,
  which keeps to the deadline of the window that came first.
- A window has been through the model, or it has not, and then its stream is as it was. The model
  runs without a checkpoint, so that there is nothing in between.
- What the model raises is raised for every window that went with it, and none of their streams has
  changed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable
from typing import Final

import trio

from trio_calls.config import is_number
from trio_calls.voice._detector import Detector, check_window
from trio_calls.voice._errors import DetectorError
from trio_calls.voice._silero import SileroModel, SileroStream

#: With more, a window costs no less, and the event loop stands still for longer.
_MOST_WINDOWS: Final = 16

#: To wait is worth it where so many windows have come in the time that one may wait.
_BUSY_WINDOWS: Final = 3

_LONGEST_WAIT_SECONDS: Final = 0.01


class _Window:
    """A window that waits, and what has become of it.

    Attributes:
        task: the task that sleeps until the window is done, or is to lead. None if it does not.
    """

    def __init__(self, stream: SileroStream, pcm: bytes, came_at: float) -> None:
        self.stream: Final = stream
        self.pcm: Final = pcm
        self.came_at: Final = came_at
        self.task: trio.lowlevel.Task | None = None
        self.probability: float | None = None
        self.failure: DetectorError | None = None

    def is_done(self) -> bool:
        return self.probability is not None or self.failure is not None

    async def sleep(self) -> None:
        """Wait until somebody calls `wake`."""

        def abort(_: object) -> trio.lowlevel.Abort:
            self.task = None
            return trio.lowlevel.Abort.SUCCEEDED

        self.task = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(abort)

    def wake(self) -> None:
        if self.task is not None:
            task, self.task = self.task, None
            trio.lowlevel.reschedule(task)


class SileroBatch:
    """Silero's model for all calls of a process, which is cheaper than one call by itself.

    Windows that wait at the same time go through the model together, in the event loop. Where few
    come, each goes at once. Where many come, each waits for others, up to 10 ms.

    ::

        silero = SileroBatch()
        async with open_voice(call, detector=silero.detector) as voice: ...

    Make one for all calls, and use it in one run of Trio. It loads the model, which holds up the
    event loop for about 0.4 s: make it before calls come.

    Args:
        sample_rate: the rate of the audio that its detectors are fed, in Hz: 8000, which costs
            half, or 16000.
        max_wait_seconds: no window waits longer for others. 0 takes only those together that are
            there in the same moment.

    Raises:
        ValueError: the model does not know this rate, or the wait is not from 0 to 1 s.
        ModuleNotFoundError: the extra ``trio-calls[silero]`` is not installed.
    """

    def __init__(
        self, sample_rate: int = 16000, *, max_wait_seconds: float = _LONGEST_WAIT_SECONDS
    ) -> None:
        if not is_number(max_wait_seconds, 0, 1):
            raise ValueError(
                "max_wait_seconds must be a number of seconds from 0 to 1, "
                f"not {max_wait_seconds!r}"
            )
        self._max_wait_seconds: Final = max_wait_seconds
        self._model: Final = SileroModel(sample_rate)
        self._waiting: list[_Window] = []
        self._leader: _Window | None = None
        self._arrivals: Final[deque[float]] = deque(maxlen=_BUSY_WINDOWS)

    def detector(self) -> Detector:
        """Make the detector of one stream. Its ``feed`` is asynchronous."""
        return _BatchDetector(self, self._model)

    async def probability(self, stream: SileroStream, pcm: bytes) -> float:
        """Let the next window of a stream go through the model, together with others.

        Raises:
            DetectorError: the model has failed, for all windows that went with this one.

        Cancellation: the window has been through the model, or else the stream is as it was. Always
        a checkpoint.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        window = _Window(stream, pcm, trio.current_time())
        is_worth_waiting = self._is_worth_waiting(window.came_at)
        self._waiting.append(window)
        try:
            if len(self._waiting) >= _MOST_WINDOWS:
                self._run()
                await trio.lowlevel.cancel_shielded_checkpoint()
            elif self._leader is None and not is_worth_waiting:
                self._leader = window
                # For those that come in the same moment.
                await trio.lowlevel.cancel_shielded_checkpoint()
            else:
                await self._wait(window)
        except trio.Cancelled:
            if not window.is_done():
                self._take_back(window)
            raise
        if not window.is_done():
            self._run()
        if window.probability is None:
            assert window.failure is not None
            raise window.failure
        return window.probability

    def _is_worth_waiting(self, now: float) -> bool:
        """Return whether others are to be expected before this window has waited too long."""
        arrivals = self._arrivals
        are_many = len(arrivals) == _BUSY_WINDOWS and now - arrivals[0] <= self._max_wait_seconds
        arrivals.append(now)
        return are_many

    async def _wait(self, window: _Window) -> None:
        """Return when the window is done, or when it is time that its task runs the model."""
        if self._leader is None:
            self._leader = window
        else:
            await window.sleep()
        if self._leader is window:
            with trio.move_on_at(self._waiting[0].came_at + self._max_wait_seconds):
                await window.sleep()

    def _take_back(self, window: _Window) -> None:
        self._waiting.remove(window)
        if self._leader is window:
            # One without a task has been cancelled as well, and goes when its turn comes.
            self._leader = next((other for other in self._waiting if other.task), None)
            if self._leader is not None:
                self._leader.wake()

    @trio.lowlevel.enable_ki_protection
    def _run(self) -> None:
        """Let all windows that wait go through the model, and wake their tasks."""
        windows, self._waiting, self._leader = self._waiting, [], None
        streams = [window.stream for window in windows]
        try:
            probabilities = self._model.probabilities(streams, [window.pcm for window in windows])
        except Exception as error:
            for window in windows:
                window.failure = DetectorError(f"Silero's model failed: {error}")
                window.failure.__cause__ = error
        else:
            for window, probability in zip(windows, probabilities, strict=True):
                window.probability = float(probability)
        for window in windows:
            window.wake()


class _BatchDetector:
    """The detector of one stream, which uses the model together with others.

    Args:
        batch: the windows that wait.
        model: the model that they go through.
    """

    def __init__(self, batch: SileroBatch, model: SileroModel) -> None:
        self._batch: Final = batch
        self._model: Final = model
        self._stream: Final = model.new_stream()
        self._is_busy = False

    @property
    def sample_rate(self) -> int:
        """The rate of the audio that it is fed, in Hz."""
        return self._model.sample_rate

    @property
    def window_samples(self) -> int:
        """How many samples each `feed` takes: 32 ms."""
        return self._model.window_samples

    def feed(self, pcm: bytes) -> float | Awaitable[float]:
        """Return how likely it is that somebody speaks in the next window, or what to await for it.

        Args:
            pcm: 32 ms of mono signed 16-bit little-endian audio.

        Returns:
            The probability, from 0 to 1; of silence after silence at once, else to be awaited.

        Raises:
            ValueError: ``pcm`` is not one window.
            DetectorError: the model has failed.
            trio.BusyResourceError: another task awaits the window before.

        Cancellation: the window has been through the model, or else it is as if it had not been
        fed. What is awaited is always a checkpoint.
        """
        check_window(pcm, self.window_samples, self.sample_rate)
        if not self._is_busy and self._stream.passes_over(pcm):
            return 0.0
        return self._probability(pcm)

    async def _probability(self, pcm: bytes) -> float:
        if self._is_busy:
            raise trio.BusyResourceError(
                "another task feeds this detector: each stream needs its own"
            )
        self._is_busy = True
        try:
            return await self._batch.probability(self._stream, pcm)
        finally:
            self._is_busy = False
