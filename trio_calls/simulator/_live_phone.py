"""A telephone that somebody holds: they speak into it and hear it live, and pick up by hand."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from trio_calls.audio import frame_bytes
from trio_calls.simulator._simulated_call import SimulatedCall
from trio_calls.simulator.phones.leg import Leg, PhoneState
from trio_calls.simulator.phones.live_voice import LiveVoice
from trio_calls.simulator.phones.recording import make_recording
from trio_calls.simulator.transcript.transcript_log import Follower


class LivePhone:
    """One of the telephones of a call, in somebody's hand.

    Audio is mono signed 16-bit little-endian PCM at the simulator's sample rate.

    Args:
      call: the call.
      is_callee: whether it is the telephone that is called.

    Attributes:
      voice: what is spoken into it, on its way.
    """

    def __init__(self, call: SimulatedCall, *, is_callee: bool) -> None:
        self._call = call._call
        self._leg: Leg = self._call.callee if is_callee else self._call.caller
        self._hang_up = (call.callee if is_callee else call.caller).hang_up
        self.voice: LiveVoice = LiveVoice(frame_bytes(self._call.sample_rate))
        self._leg.voice = self.voice

    @property
    def state(self) -> PhoneState:
        """What the telephone is doing."""
        return self._leg.state

    def speak(self, pcm: bytes) -> None:
        """Say something now: whole samples. Nobody hears it unless the telephone is connected."""
        if self._leg.state is PhoneState.TALKING:
            self.voice.put(pcm)

    def heard_by(self, listener: Callable[[bytes | None], None]) -> AbstractContextManager[None]:
        """Call a function with each frame that it hears inside the block, and with None at the end.

        Args:
          listener: called in the tick of the frame, which it must not hold up.
        """
        return self._leg.heard_by(listener)

    def record(self, keep_seconds: float) -> None:
        """Record what it hears and says from here on, the latest `keep_seconds` of it."""
        rate = self._call.sample_rate
        self._leg.heard = make_recording(rate, keep_seconds)
        self._leg.said = make_recording(rate, keep_seconds)

    def take_recording(self) -> tuple[bytes, bytes]:
        """Take out what it has said and heard, tick by tick, so that it is kept no longer."""
        said, heard = bytes(self._leg.said), bytes(self._leg.heard)
        self._leg.said.clear()
        self._leg.heard.clear()
        return said, heard

    def pick_up(self) -> None:
        """Pick up if it rings."""
        self._call.pick_up()

    def hang_up(self) -> None:
        """Hang up, or decline while it rings."""
        self._hang_up()


async def wait_changed(call: SimulatedCall) -> None:
    """Wait until something changes: who has the call, a party's state, or the agent's mode.

    Whoever looks at the call and waits again, without letting others run, misses nothing.
    """
    await call._call.changes.wait()


def wake_watchers(call: SimulatedCall) -> None:
    """Have everybody who waits for a change look again."""
    call._call.changes.wake()


def follow(call: SimulatedCall, follower: Follower) -> None:
    """Have one follower called with what happens on the call's connections from now on."""
    call._log.follow(call.session_id, follower)
