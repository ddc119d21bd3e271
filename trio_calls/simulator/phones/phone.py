"""Virtual telephones, and how the people at them behave."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs
import trio

from trio_calls.config import is_number
from trio_calls.simulator.phones.hearing import SilenceMeter, is_audible
from trio_calls.simulator.phones.leg import Leg, PhoneHungUp, PhoneState

if TYPE_CHECKING:
    from trio_calls.audio._as_bytes import Pcm


def _not_negative(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not is_number(value, 0):
        raise ValueError(f"{attribute.name} must be 0 or more, not {value!r}")


@attrs.frozen
class Pickup:
    """What a callee does when the phone rings. Made by `answers`, `declines`, `never_answers`.

    Attributes:
      after_seconds: how long the phone rings before that.
      answers: whether the callee then picks up, rather than declines.
    """

    after_seconds: float = attrs.field(validator=_not_negative)
    answers: bool


def answers(*, after_seconds: float = 2.0) -> Pickup:
    """Return a callee who picks up after so many seconds of ringing."""
    return Pickup(after_seconds, answers=True)


def declines(*, after_seconds: float = 2.0) -> Pickup:
    """Return a callee who declines the call after so many seconds of ringing."""
    return Pickup(after_seconds, answers=False)


def never_answers() -> Pickup:
    """Return a callee who never picks up."""
    return Pickup(math.inf, answers=False)


class Phone:
    """A telephone: it says, it hears, it hangs up. The simulator makes them.

    Audio is mono signed 16-bit little-endian PCM at the simulator's sample rate. It moves in frames
    of 20 ms, one a tick of the call's clock.
    """

    def __init__(self, leg: Leg, hang_up: Callable[[], None]) -> None:
        self._leg = leg
        self._hang_up = hang_up

    def __repr__(self) -> str:
        return f"<Phone {self.number} {self.state.name}>"

    @property
    def number(self) -> str:
        """The telephone's number."""
        return self._leg.number

    @property
    def state(self) -> PhoneState:
        """What the telephone is doing."""
        return self._leg.state

    @property
    def heard(self) -> bytes:
        """What this telephone heard, from the moment it was connected.

        One frame a tick, silence included. Ringing makes no sound here: a caller's recording starts
        when the call is answered, a callee's when it picks up. A simulator that was opened with
        ``keep_audio_seconds`` has the latest of it only.
        """
        return bytes(self._leg.heard)

    @property
    def said(self) -> bytes:
        """What this telephone put into the call: aligned with `heard`, tick by tick."""
        return bytes(self._leg.said)

    async def say(self, pcm: Pcm) -> None:
        """Say something, after everything that was queued before, and wait until it is said.

        Before the telephone is connected this waits; the last frame is filled up with silence.

        Raises:
          TypeError, ValueError: this is no audio, as `trio_calls.audio.to_samples` has it; nothing
            is said.
          PhoneHungUp: the call ended before all of it was said.

        Cancellation: what was not said yet is never said.
        """
        utterance = self._leg.queue(pcm)
        try:
            await utterance.over.wait()
        finally:
            self._leg.drop(utterance)
        if not utterance.was_said:
            raise PhoneHungUp(
                f"the call ended when {self.number} had said {utterance.said_bytes} "
                f"of {len(utterance.pcm)} bytes"
            )

    def say_nowait(self, pcm: Pcm) -> None:
        """Say something, after everything that was queued before, without waiting.

        Raises:
          TypeError, ValueError: this is no audio, as `trio_calls.audio.to_samples` has it; nothing
            is said.
          PhoneHungUp: the call is over.
        """
        self._leg.queue(pcm)

    def hang_up(self) -> None:
        """Hang up; a telephone that rings declines the call. One that is idle stays idle."""
        self._hang_up()

    async def wait_talking(self) -> None:
        """Wait until the telephone has been connected.

        Raises:
          PhoneHungUp: the call ended without that.
        """
        await self._leg.talked_or_over.wait()
        if not self._leg.was_connected:
            raise PhoneHungUp(f"the call ended before {self.number} was connected")

    async def wait_sound(self) -> None:
        """Wait until something audible is heard: 20 ms of -50 dBFS or more.

        Raises:
          PhoneHungUp: the call ended without that.
        """
        await self._wait_heard(is_audible, "anything was heard")

    async def wait_silence(self, seconds: float) -> None:
        """Wait until nothing audible has been heard for so long, counted from now.

        Before the telephone is connected this waits: that is not silence.

        Args:
          seconds: how long it must be silent, rounded up to whole frames of 20 ms.

        Raises:
          ValueError: `seconds` is negative, or no finite number.
          PhoneHungUp: the call ended before that.
        """
        if not is_number(seconds, 0) or math.isinf(seconds):
            raise ValueError(f"seconds must be a finite number, 0 or more, not {seconds!r}")
        await self._wait_heard(SilenceMeter(seconds).hear, f"it was silent for {seconds:g} s")

    async def _wait_heard(self, is_it: Callable[[bytes], bool], awaited: str) -> None:
        """Wait until a function says so of a frame that is heard."""
        was_heard = False
        decided = trio.Event()

        def listen(frame: bytes | None) -> None:
            nonlocal was_heard
            was_heard = was_heard or (frame is not None and is_it(frame))
            if was_heard or frame is None:
                decided.set()

        with self._leg.heard_by(listen):
            await decided.wait()
        if not was_heard:
            raise PhoneHungUp(f"the call ended for {self.number} before {awaited}")

    async def wait_hung_up(self) -> None:
        """Wait until the call is over for this telephone."""
        await self._leg.over.wait()
