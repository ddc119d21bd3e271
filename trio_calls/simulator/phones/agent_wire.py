"""How an agent's audio travels, which each generation of the wire has its own way for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

from trio_calls.audio_format import AudioFormat
from trio_calls.simulator.phones.jitter_buffer import JitterBuffer
from trio_calls.wire.message import Message, UnknownMessage


class AgentWire(Protocol):
    """One generation of the wire, on the media connections of one call.

    Args:
      audio_format: how the agent sends its audio, and wants to hear the call.

    Attributes:
      can_dial: whether an agent places its own calls, with a command.
    """

    can_dial: ClassVar[bool]

    def __init__(self, audio_format: AudioFormat) -> None: ...

    @property
    def buffer(self) -> JitterBuffer:
        """What has come of the agent's audio and was not played yet."""
        ...

    def begin(self) -> Sequence[str]:
        """Begin a media connection, and return what the agent is told first."""
        ...

    def decode(self, frame: str) -> Message | UnknownMessage:
        """Read a text frame of the agent.

        Raises:
          WireError: it cannot be used.
        """
        ...

    def take(self, message: bytes) -> None:
        """Buffer a message of the agent's audio.

        Raises:
          AudioError, CreditExceeded: it must not have been sent. It is dropped.
        """
        ...

    def pull(self) -> Sequence[str]:
        """Return what asks the agent for as much audio as there is room for; empty: nothing new."""
        ...

    def channels(
        self, everybody: bytes, caller: bytes | None, callee: bytes | None
    ) -> list[tuple[int, bytes]]:
        """Return what the agent hears in a tick, by channel."""
        ...

    def pack(self, channel: int, pcm: bytes) -> bytes:
        """Return the message of a channel's next audio."""
        ...
