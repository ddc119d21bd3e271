"""The exchange's end of the agent: its state in the call, its audio, its media connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import trio

from trio_calls.audio_format import AudioFormat
from trio_calls.simulator.phones.agent_wire import AgentWire
from trio_calls.simulator.phones.first_agent_wire import FirstAgentWire
from trio_calls.simulator.phones.jitter_buffer import JitterBuffer
from trio_calls.simulator.phones.rate_bridge import RateBridge
from trio_calls.state import AgentMode, CallState
from trio_calls.wire.codec import encode
from trio_calls.wire.commands import CallEvent, CommandResponse

_TALKING: Final = frozenset({CallState.ANSWERED, CallState.CONNECTED})


class AgentSocket(Protocol):
    """The exchange's end of a media connection, as far as a leg is concerned."""

    def send(self, *messages: str | bytes) -> None:
        """Queue messages, to go out together. Never blocks."""
        ...

    def close(self) -> None:
        """Close the connection once everything queued is written."""
        ...


class AgentLeg:
    """The agent in a call, as the exchange sees it.

    Args:
      phone_rate: the sample rate of the telephones, in Hz.
      mode_after_connect: who hears it in a conference at first.
      new_recording: makes the buffers that its audio is recorded in.

    Attributes:
      states: what the agent's call went through, oldest first, without repeats.
      mode: who hears the agent; None unless CONNECTED.
      audio_format: how the agent sends its audio, and wants to hear the call.
      wire: how its audio travels.
      heard: what everybody else was saying, a frame a tick, at the telephones' rate.
      said: the agent's audio as it was played, a frame a tick, at the telephones' rate.
      socket: the media connection, or None.
      left: set when the agent is out of the call.
      on_change: called when its state or its mode has changed.
    """

    def __init__(
        self,
        phone_rate: int,
        mode_after_connect: AgentMode = AgentMode.BARGE,
        new_recording: Callable[[], bytearray] = bytearray,
    ) -> None:
        self.states: list[CallState] = [CallState.PENDING]
        self.mode: AgentMode | None = None
        self.audio_format: AudioFormat = AudioFormat(phone_rate)
        self.wire: AgentWire = FirstAgentWire(self.audio_format)
        self.heard: bytearray = new_recording()
        self.said: bytearray = new_recording()
        self.socket: AgentSocket | None = None
        self.left: trio.Event = trio.Event()
        self.on_change: Callable[[], None] = _nobody_watches
        self._phone_rate = phone_rate
        self._mode_after_connect = mode_after_connect
        self._bridge: RateBridge | None = None

    @property
    def state(self) -> CallState:
        """The state of the call for the agent."""
        return self.states[-1]

    @property
    def is_talking(self) -> bool:
        """Whether the agent is in the call, to hear and perhaps to be heard."""
        return self.state in _TALKING

    @property
    def buffer(self) -> JitterBuffer:
        """What was pulled of the agent's audio and not played yet, in its format."""
        return self.wire.buffer

    def use(self, audio_format: AudioFormat, agent_wire: type[AgentWire]) -> None:
        """Hear and speak as the client does that has claimed the call.

        A client that claims again what it has goes on as it was.
        """
        if audio_format == self.audio_format and type(self.wire) is agent_wire:
            return
        self.audio_format = audio_format
        self.wire = agent_wire(audio_format)
        is_same_rate = audio_format.sample_rate == self._phone_rate
        self._bridge = (
            None if is_same_rate else RateBridge(self._phone_rate, audio_format.sample_rate)
        )

    def move_to(self, state: CallState) -> None:
        """Bring the agent's call into a state."""
        self.states.append(state)
        self.mode = self._mode_after_connect if state is CallState.CONNECTED else None
        if state is CallState.DISCONNECTED:
            self.left.set()
        self.on_change()

    def switch_to(self, mode: AgentMode) -> None:
        """Let other parties hear the agent."""
        self.mode = mode
        self.on_change()

    def send(self, message: CommandResponse | CallEvent) -> None:
        """Send a message, if there is a media connection."""
        if self.socket is not None:
            self.socket.send(encode(message))

    def confirm(self, command_id: str) -> None:
        """Respond that a command was done."""
        self.send(CommandResponse(command_id, success=True))

    def refuse(self, command_id: str, error_code: str, error_message: str) -> None:
        """Respond that a command was not done."""
        self.send(
            CommandResponse(
                command_id, success=False, error_code=error_code, error_message=error_message
            )
        )

    def pull(self) -> None:
        """Ask for as much of the agent's audio as there is room for."""
        self._pull_after()

    @property
    def has_played_out(self) -> bool:
        """Whether nothing of what was pulled of its audio has still to be played."""
        return not len(self.buffer) and (self._bridge is None or not self._bridge.has_tail)

    def take_frame(self) -> bytes | None:
        """Take the next frame of its audio to play, or return None while there is none."""
        frame = self.buffer.take_frame()
        return frame if self._bridge is None else self._bridge.say(frame)

    def interrupt(self) -> None:
        """Drop what was pulled of its audio and not played yet."""
        self.buffer.clear()
        if self._bridge is not None:
            self._bridge.drop()

    def hear(self, everybody: bytes, caller: bytes | None, callee: bytes | None) -> None:
        """Send the agent one frame of the call, and of each leg if it wants them; then `pull`.

        Args:
          everybody: caller and callee, mixed.
          caller: the caller alone, or None before they talk.
          callee: the callee alone, or None before they talk.
        """
        self.heard += everybody
        pack = self.wire.pack if self._bridge is None else self._pack_converted
        channels = self.wire.channels(everybody, caller, callee)
        self._pull_after(*(pack(channel, frame) for channel, frame in channels))

    def hang_up(self) -> None:
        """Close the media connection, once everything that was sent has gone out."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def _pack_converted(self, channel: int, frame: bytes) -> bytes:
        assert self._bridge is not None
        return self.wire.pack(channel, self._bridge.hear(channel, frame))

    def _pull_after(self, *frames: bytes) -> None:
        requests = self.wire.pull()
        if self.socket is not None:
            self.socket.send(*frames, *requests)


def _nobody_watches() -> None:
    """Do nothing."""
