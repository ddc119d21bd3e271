"""What a call needs of its generation of the media connection, and what it hears from it.

::

    CallProtocol ── command() ──► text frame            ──►  the connection
    MediaWriter  ── pack() ─────► binary message        ──►  the connection
    CallProtocol ◄── `Heard` ──── read()                ◄──  a frame that came

How audio is framed, and how the exchange says that it wants more of it, is a generation's own. The
commands, their responses and the events of a call are the same in all of them.
"""

from __future__ import annotations

from typing import Final, Protocol

import attrs

from trio_calls.state import Command
from trio_calls.wire.commands import CallEvent, CommandResponse

#: The size of a frame of audio where nobody says another, in bytes.
DEFAULT_FRAME_BYTES: Final = 960


# Not frozen: a frozen one takes three times as long to make, and there is one for every frame.
@attrs.define
class AudioReceived:
    """PCM on a channel.

    Attributes:
      channel: the channel.
      pcm: the audio.
      everybody: what is to be heard on the channel of the call by it; empty where that has audio of
        its own.
    """

    channel: int
    pcm: bytes = attrs.field(repr=False)
    everybody: bytes = attrs.field(default=b"", repr=False)


# Not frozen, as above.
@attrs.define
class Credit:
    """The exchange asks for more of the agent's audio.

    Attributes:
      requested_bytes: how much more. If it is nothing, all that it has asked for before is to come
        in frames of this size.
      frame_bytes: the size of the frames that it prefers.
      played_bytes: how much of all that it was sent it has played, or dropped because it was told
        to; None if it does not say.
      heard_bytes: how much audio of the call came before it says so, since that comes without a
        break; 0 if that is not known.
    """

    requested_bytes: int
    frame_bytes: int = DEFAULT_FRAME_BYTES
    played_bytes: int | None = None
    heard_bytes: int = 0


#: What comes of a word of credit and playing that is put off until somebody needs it.
PUT_OFF: Final = Credit(0)

Heard = AudioReceived | Credit | CommandResponse | CallEvent


class MediaWire(Protocol):
    """One generation of the wire, on the media connection of one call. Keeps what that needs."""

    @property
    def max_message_bytes(self) -> int:
        """How much audio a message holds at the most, unless one frame is more."""

    @property
    def plays_short_frames(self) -> bool:
        """Whether the exchange plays less than a frame as it comes, and does not keep it."""

    @property
    def answer_ring_seconds(self) -> float | None:
        """How long a telephone rings when the agent answers; None where that rings none."""

    def command(
        self, command_id: str, command: Command, timeout_ms: int, ring_time_seconds: float | None
    ) -> str:
        """Return the text frame of a command.

        Args:
          command_id: comes back in the response.
          command: the command.
          timeout_ms: how long the exchange has for it, in milliseconds.
          ring_time_seconds: how long a phone may ring, where one is to; otherwise None.
        """

    def read(self, message: str | bytes) -> Heard | None:
        """Read a frame that came; None if it says nothing to this call.

        It is `PUT_OFF` if nobody needs to know it now: see `catch_up`.

        Raises:
          WireError, AudioError: it makes no sense.
        """

    def catch_up(self) -> Credit | None:
        """Read the newest word of credit and playing, if it was put off."""

    def follow(self) -> None:
        """Put off no word from now on: somebody wants to know at once what was played."""

    def pack(self, pcm: bytes | bytearray | memoryview) -> bytes:
        """Return the message of the agent's next audio. It has to be sent, and in this order."""
