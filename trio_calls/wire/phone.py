"""What the page of a phone in a browser sends to the simulator that serves it.

They are the simulator's own: no exchange has such a connection. One connection is one phone. Beside
them travel binary messages of audio, both ways: mono signed 16-bit little-endian PCM, whole samples
at the sample rate that ``hello`` names.
"""

from __future__ import annotations

from typing import ClassVar, Final

import attrs

from trio_calls.wire.codec import Vocabulary
from trio_calls.wire.message import Message, UnknownMessage, text, wire

#: The longest text that may be written, in characters: WhatsApp's limit.
MAX_WRITTEN_LENGTH: Final = 4096


@attrs.frozen
class Register(Message):
    """Have this number from now on."""

    wire_type: ClassVar[str] = "register"

    number: str = text("number")


@attrs.frozen
class PlaceCall(Message):
    """Call a number."""

    wire_type: ClassVar[str] = "dial"

    to: str = text("to")


@attrs.frozen
class PickUp(Message):
    """Answer the phone, which rings."""

    wire_type: ClassVar[str] = "answer"


@attrs.frozen
class Decline(Message):
    """Let the phone ring no longer."""

    wire_type: ClassVar[str] = "decline"


@attrs.frozen
class HangUp(Message):
    """End the call, as also happens when the connection is lost."""

    wire_type: ClassVar[str] = "hang_up"


@attrs.frozen
class MakeFault(Message):
    """Make something go wrong, by a name of the menu in ``hello``."""

    wire_type: ClassVar[str] = "fault"

    name: str = text("name")


@attrs.frozen
class WriteText(Message):
    """Write to the agent, in the conversation that is open or in a new one."""

    wire_type: ClassVar[str] = "write"

    text: str = wire("text", repr=False, validator=attrs.validators.max_len(MAX_WRITTEN_LENGTH))


@attrs.frozen
class Pong(Message):
    """Answer a ``ping``: everything that was sent before it has been read."""

    wire_type: ClassVar[str] = "pong"

    number: int = wire("n")


PageMessage = Register | PlaceCall | PickUp | Decline | HangUp | MakeFault | WriteText | Pong

_VOCABULARY: Final = Vocabulary(PageMessage)


def decode_page(frame: str) -> PageMessage | UnknownMessage:
    """Read a text frame of a phone in a browser.

    Raises:
      WireError: the frame cannot be used. It says what is wrong and where, without the content.
    """
    message: PageMessage | UnknownMessage = _VOCABULARY.decode(frame)
    return message
