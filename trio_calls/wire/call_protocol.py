"""An agent's end of one media connection, without the connection.

::

    the call     ── start_command() ──►  frame to send          ──►  the connection
    the call     ◄── an `Event`     ───  receive()              ◄──  a frame that came
    its writer   ◄── PCM that waits ───  audio, `OutgoingAudio` ◄──  credit

Frames go in, events come out; commands go in, frames come out. Nothing here waits, nothing here
knows a socket, and no frame that a peer sends makes anything here raise: a bad one is counted and
dropped. Only an application's own mistakes raise, before anything is sent.

Invariants:

- The state is moved by the exchange's words and by `signal`, and always through the one table in
  `trio_calls.state`. Sending a command does not move it; the response does.
- A command waits for its response until that comes, however late: a command that was cancelled or
  given up is still going to change the call, and its success is reported as an event like any
  other. Only the oldest are forgotten, beyond `MAX_UNANSWERED_COMMANDS`.
- After DISCONNECTED every frame is ignored, and none is counted.
- `mode` is None outside CONNECTED: an agent that is not in a conference has no mode.

One `CallProtocol` belongs to one call. The task that reads the connection calls `receive`, and the
tasks of the application call the rest; nothing here has a checkpoint, so they need no lock.

A frame comes through few functions on purpose. A process that sleeps between frames finds its
caches cold, and each function on the way then costs two or three times what it takes to run. That
is why `receive` handles audio and credit itself, and leaves only the rarer frames to others.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from typing import Any, Final

import attrs

from trio_calls._logging import get_logger
from trio_calls._quoting import printable
from trio_calls.errors import (
    WSSCallCommandError,
    WSSCallCommandTimeoutError,
    WSSCallError,
    WSSCallFaultError,
)
from trio_calls.state import (
    FAILURE,
    MODE_AFTER,
    SUCCESS,
    AgentMode,
    CallState,
    Command,
    Signal,
    is_legal,
    next_state,
    require_legal,
)
from trio_calls.wire.codec import WireError
from trio_calls.wire.commands import (
    ERROR,
    MAX_RING_SECONDS,
    MIN_RING_SECONDS,
    TERMINATED,
    CallEvent,
    CommandResponse,
)
from trio_calls.wire.media_wire import (
    DEFAULT_FRAME_BYTES,
    PUT_OFF,
    AudioReceived,
    Credit,
    MediaWire,
)
from trio_calls.wire.message import AudioError
from trio_calls.wire.names import TIMEOUT
from trio_calls.wire.outgoing_audio import OutgoingAudio

logger = get_logger(__name__)

#: Seconds that the exchange has for every command but `connect()`, which has its ring time.
COMMAND_SECONDS: Final = 10.0

#: Seconds beyond a command's own time after which its response is no longer waited for.
GIVE_UP_SECONDS: Final = 5.0

#: The most unanswered commands that are remembered for a late answer.
MAX_UNANSWERED_COMMANDS: Final = 64


@attrs.frozen
class SentCommand:
    """A command to be sent, whose response is expected.

    Attributes:
      command_id: the id that comes back in the response.
      command: the command itself.
      frame: the text frame to send.
      wait_seconds: how long to wait for the response before giving up.
    """

    command_id: str
    command: Command
    frame: str = attrs.field(repr=False)
    wait_seconds: float


@attrs.frozen
class CommandDone:
    """The exchange did a command, perhaps long after the wait for it was given up."""

    command_id: str
    command: Command
    result: Any = attrs.field(default=None, repr=False)


@attrs.frozen
class CommandFailed:
    """The exchange refused a command, or did not do it in time."""

    command_id: str
    command: Command
    error: WSSCallError


@attrs.frozen
class CreditGranted:
    """The exchange asks for more of the agent's audio."""


@attrs.frozen
class Terminated:
    """The exchange ended the call."""


@attrs.frozen
class CallFault:
    """The exchange reports a fault; the call goes on."""

    error: WSSCallFaultError


CREDIT_GRANTED: Final = CreditGranted()

# Looked up once: in Python 3.11 getting a member of an enum takes longer than a function call.
_DISCONNECTED: Final = CallState.DISCONNECTED

Event = CommandDone | CommandFailed | AudioReceived | CreditGranted | Terminated | CallFault


class CallProtocol:
    """The state of one call and the frames that move it.

    Args:
      wire: reads and writes the frames.
      send_buffer_bytes: how much audio may wait to be sent.
      frame_bytes: the size of a frame of audio.
      quote: makes words of the exchange fit for logs and errors.
      mode_after_connect: the mode in which a conference begins.

    Attributes:
      wire: reads and writes the frames.
      state: the state of the call, moved only by the table of `trio_calls.state`.
      mode: who hears the agent; None unless CONNECTED.
      audio: the audio that waits to be sent, and the exchange's credit for it.
      played_bytes: how much of the agent's audio the exchange has played, or dropped because it was
        told to, silence included; None while it has not said so. There are wires on which it never
        does.
      heard_bytes: how much audio of the call came before it said so, since that comes without a
        break.
      invalid_messages: how many frames were dropped because they made no sense.
    """

    def __init__(
        self,
        wire: MediaWire,
        send_buffer_bytes: int,
        frame_bytes: int = DEFAULT_FRAME_BYTES,
        quote: Callable[[str], str] = printable,
        mode_after_connect: AgentMode = AgentMode.BARGE,
    ) -> None:
        self.wire: MediaWire = wire
        self.state: CallState = CallState.PENDING
        self.audio: OutgoingAudio = OutgoingAudio(
            send_buffer_bytes,
            frame_bytes,
            wire.max_message_bytes,
            fills_last_frame=not wire.plays_short_frames,
        )
        self.played_bytes: int | None = None
        self.heard_bytes: int = 0
        self.invalid_messages: int = 0
        self._quote = quote
        self._mode_after = {**MODE_AFTER, Signal.CONNECTED: mode_after_connect}
        self._mode: AgentMode | None = None
        self._unanswered: dict[str, Command] = {}

    @property
    def mode(self) -> AgentMode | None:
        """Who hears the agent; None unless CONNECTED."""
        return self._mode if self.state is CallState.CONNECTED else None

    def require(self, command: Command) -> None:
        """Raise `WSSCallStateError` unless the call's state allows a command."""
        require_legal(self.state, SUCCESS[command])

    def start_command(
        self, command: Command, *, ring_time_seconds: float | None = None
    ) -> SentCommand:
        """Make the frame of a command, and expect its response.

        Args:
          command: the command to send.
          ring_time_seconds: how long the callee's phone may ring, for ``call.connect``.

        Raises:
          WSSCallStateError: the state does not allow the command; no response is expected then.
          ValueError: the ring time is outside 1 to 120 s; no response is expected then.
        """
        self.require(command)
        seconds = COMMAND_SECONDS
        if command is Command.ANSWER:
            ring_time_seconds = self.wire.answer_ring_seconds
        if ring_time_seconds is not None:
            check_ring_time(ring_time_seconds)
            seconds = ring_time_seconds
        command_id = str(uuid.uuid4())
        if len(self._unanswered) == MAX_UNANSWERED_COMMANDS:
            del self._unanswered[next(iter(self._unanswered))]
        self._unanswered[command_id] = command
        timeout_ms = math.ceil(seconds * 1000)
        frame = self.wire.command(command_id, command, timeout_ms, ring_time_seconds)
        return SentCommand(command_id, command, frame, seconds + GIVE_UP_SECONDS)

    def signal(self, signal: Signal) -> bool:
        """Move the state as the table says.

        Returns:
          False if the table does not have this signal in the present state, which then stays.
        """
        if not is_legal(self.state, signal):
            return False
        self.state = next_state(self.state, signal)
        self._mode = self._mode_after.get(signal, self._mode)
        return True

    def receive(self, message: str | bytes) -> Event | None:
        """Process one frame from the exchange, and return its event, or None if it has none."""
        if self.state is _DISCONNECTED:
            return None
        try:
            heard = self.wire.read(message)
        except (WireError, AudioError) as error:
            self.invalid_messages += 1
            logger.debug("a frame of the media connection was dropped: %s", error)
            return None
        if isinstance(heard, AudioReceived):
            return heard
        if heard is PUT_OFF:
            return None
        if isinstance(heard, Credit):
            self.audio.grant(heard)
            self.played_bytes = heard.played_bytes
            self.heard_bytes = heard.heard_bytes
            return CREDIT_GRANTED
        return self._receive_word(heard)

    def _receive_word(self, message: CommandResponse | CallEvent | None) -> Event | None:
        match message:
            case CommandResponse():
                return self._receive_response(message)
            case CallEvent(event=name) if name == TERMINATED:
                self.signal(Signal.TERMINATED)
                return Terminated()
            case CallEvent(event=name) if name == ERROR:
                details = quoted_json(message.details, self._quote)
                return CallFault(WSSCallFaultError(*self._quoted(message), details))
            case _:
                logger.debug("a frame that says nothing to this call was ignored")
                return None

    def _receive_response(self, response: CommandResponse) -> Event | None:
        command = self._unanswered.pop(response.command_id, None)
        if command is None:
            self.invalid_messages += 1
            logger.debug("a response to no command that waits for one was dropped")
            return None
        if response.success:
            self.signal(SUCCESS[command])
            return CommandDone(response.command_id, command, response.result)
        if command in FAILURE:
            self.signal(FAILURE[command])
        return CommandFailed(response.command_id, command, self._failure(command, response))

    def _failure(self, command: Command, response: CommandResponse) -> WSSCallError:
        if response.error_code == TIMEOUT:
            return WSSCallCommandTimeoutError(f"the exchange did not do {command.value} in time")
        return WSSCallCommandError(command.value, *self._quoted(response))

    def _quoted(self, message: CommandResponse | CallEvent) -> tuple[str, str | None]:
        """Return the code and the description of what went wrong, fit for logs and errors."""
        code = self._quote(message.error_code or "") or "UNKNOWN"
        return code, message.error_message and self._quote(message.error_message)


def quoted_json(value: Any, quote: Callable[[str], str]) -> Any:
    """Copy a value of JSON, with every text in it made fit for logs and errors."""
    match value:
        case str():
            return quote(value)
        case dict():
            return {quote(name): quoted_json(inner, quote) for name, inner in value.items()}
        case list():
            return [quoted_json(inner, quote) for inner in value]
        case _:
            return value


def check_ring_time(seconds: float) -> None:
    """Raise `ValueError` unless `seconds` is a number from 1 to 120."""
    if type(seconds) not in {int, float} or not MIN_RING_SECONDS <= seconds <= MAX_RING_SECONDS:
        raise ValueError(
            f"ring_time_seconds must be a number from {MIN_RING_SECONDS} to {MAX_RING_SECONDS}"
        )
