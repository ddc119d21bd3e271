"""The exchange's end of one telephone: its state, what it says, what it hears."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs
import trio

from trio_calls.audio._as_bytes import as_bytes
from trio_calls.simulator.phones.live_voice import LiveVoice

if TYPE_CHECKING:
    from trio_calls.audio._as_bytes import Pcm


class PhoneState(enum.Enum):
    """What a telephone is doing."""

    IDLE = "IDLE"
    """A callee's phone that is not being called, or no longer."""

    CALLING = "CALLING"
    """A caller's phone that hears ringing."""

    RINGING = "RINGING"
    """A callee's phone that rings."""

    TALKING = "TALKING"
    """Connected: it hears and is heard."""

    HUNG_UP = "HUNG_UP"
    """The call is over for this phone."""


class PhoneHungUp(Exception):
    """The call ended for this phone before what was asked for could happen."""


@attrs.define(eq=False)
class Utterance:
    """Speech that was queued in one go.

    Attributes:
      pcm: all of it.
      said_bytes: how much of it was said into the call.
      over: set when all of it was said, or when the phone hung up.
    """

    pcm: bytes = attrs.field(repr=False)
    said_bytes: int = 0
    over: trio.Event = attrs.field(factory=trio.Event)

    @property
    def was_said(self) -> bool:
        """Whether all of it was said."""
        return self.said_bytes == len(self.pcm)

    def take(self, max_bytes: int) -> bytes:
        """Say the next bytes of it."""
        taken = self.pcm[self.said_bytes : self.said_bytes + max_bytes]
        self.said_bytes += len(taken)
        if self.was_said:
            self.over.set()
        return taken


class Leg:
    """A telephone in a call, as the exchange sees it.

    Args:
      number: the telephone's number.
      state: what the telephone is doing.
      new_recording: makes the buffers that its audio is recorded in.

    Attributes:
      number: the telephone's number.
      heard: what it heard since it was connected, a frame a tick.
      said: what it said since it was connected, a frame a tick.
      talked_or_over: set when it is connected, or hung up without ever having been.
      over: set when it is hung up.
      voice: who speaks into it live, when nothing is queued; None: nobody.
      on_change: called when its state has changed.
    """

    def __init__(
        self, number: str, state: PhoneState, new_recording: Callable[[], bytearray] = bytearray
    ) -> None:
        self.number = number
        self._state = state
        self.was_connected: bool = False
        self.heard: bytearray = new_recording()
        self.said: bytearray = new_recording()
        self.talked_or_over: trio.Event = trio.Event()
        self.over: trio.Event = trio.Event()
        self.voice: LiveVoice | None = None
        self.on_change: Callable[[], None] = _nobody_watches
        self._speech: deque[Utterance] = deque()
        self._listeners: list[Callable[[bytes | None], None]] = []

    @property
    def state(self) -> PhoneState:
        """What the telephone is doing."""
        return self._state

    @state.setter
    def state(self, state: PhoneState) -> None:
        self._state = state
        self.on_change()

    @property
    def is_talking(self) -> bool:
        """Whether it hears and is heard."""
        return self.state is PhoneState.TALKING

    def connect(self) -> None:
        """Connect it: it hears and is heard from now on."""
        self.state = PhoneState.TALKING
        self.was_connected = True
        self.talked_or_over.set()

    def end(self) -> None:
        """Hang it up, and drop what it had still to say."""
        self.state = PhoneState.HUNG_UP
        for utterance in self._speech:
            utterance.over.set()
        self._speech.clear()
        self.talked_or_over.set()
        self.over.set()
        for listener in self._listeners:
            listener(None)

    def queue(self, pcm: Pcm) -> Utterance:
        """Queue speech, to be said as soon as what was queued before has been said.

        Raises:
          TypeError, ValueError: this is no audio, as `trio_calls.audio.to_samples` has it.
          PhoneHungUp: the call is over.
        """
        speech = bytes(as_bytes(pcm))
        if self.state is PhoneState.HUNG_UP:
            raise PhoneHungUp(f"{self.number} has hung up and can say nothing more")
        utterance = Utterance(speech)
        if speech:
            self._speech.append(utterance)
        else:
            utterance.over.set()
        return utterance

    def drop(self, utterance: Utterance) -> None:
        """Drop the rest of an utterance, if there is any."""
        if utterance in self._speech:
            self._speech.remove(utterance)

    def take_frame(self, frame_bytes: int) -> bytes | None:
        """Take the next frame of speech, filled up with silence, or None where there is none."""
        if not self._speech:
            return None if self.voice is None else self.voice.take_frame()
        frame = bytearray()
        while self._speech and len(frame) < frame_bytes:
            frame += self._speech[0].take(frame_bytes - len(frame))
            if self._speech[0].was_said:
                self._speech.popleft()
        return bytes(frame).ljust(frame_bytes, b"\0")

    def record(self, said: bytes, heard: bytes) -> None:
        """Keep one tick's audio."""
        self.said += said
        self.heard += heard
        for listener in self._listeners:
            listener(heard)

    @contextmanager
    def heard_by(self, listener: Callable[[bytes | None], None]) -> Iterator[None]:
        """Call a function with each frame that is heard inside the block, and with None at the end.

        Args:
          listener: called in the tick of the frame, which it must not hold up.
        """
        if self.state is PhoneState.HUNG_UP:
            listener(None)
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)


def _nobody_watches() -> None:
    """Do nothing."""
