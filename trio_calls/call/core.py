"""The machinery of one call: what its connection, its commands and its scope share."""

from __future__ import annotations

import functools
from typing import Final, assert_never

import trio

from trio_calls import events
from trio_calls._logging import get_logger
from trio_calls._quoting import printable
from trio_calls.audio import SAMPLE_BYTES
from trio_calls.audio_format import AudioFormat
from trio_calls.call.checkpoint_credit import CheckpointCredit
from trio_calls.call.claim import Claim, ClaimState
from trio_calls.call.commands import LEAVING, CommandQueue
from trio_calls.call.ending import CallEnding
from trio_calls.call.event_handlers import EventHandlers
from trio_calls.call.hand_over import HandOver, hand_over_of
from trio_calls.call.lazy_media_connection import LazyMediaConnection
from trio_calls.call.media_connection import CONNECT_SECONDS, MediaConnection
from trio_calls.call.media_writer import MediaWriter
from trio_calls.call.observers import CallObservers
from trio_calls.call.playout import Playout
from trio_calls.call.received_audio import ReceivedAudio
from trio_calls.config import ClientConfig
from trio_calls.errors import WSSCallError, WSSCallStateError
from trio_calls.state import CallState, Command, Signal, require_legal
from trio_calls.transport.tls import ClientTLS
from trio_calls.wire.call_protocol import (
    CallFault,
    CallProtocol,
    CommandDone,
    CommandFailed,
    CreditGranted,
    Event,
    Terminated,
)
from trio_calls.wire.control_wire import RingingCall
from trio_calls.wire.generations import media_wire
from trio_calls.wire.media_wire import AudioReceived

logger = get_logger("trio_calls.call")

_DONE_EVENTS: Final = {
    Command.ANSWER: events.CALL_ANSWERED,
    Command.CONNECT: events.CALL_CONNECTED,
}
_FAILED_EVENTS: Final = {
    Command.ANSWER: events.CALL_ANSWER_FAILED,
    Command.CONNECT: events.CALL_CONNECT_FAILED,
}


class CallCore:
    """One call's protocol, audio, commands, connection and ending, wired together.

    `ActiveCall` is its face for the application; what serves the call holds the core itself.

    Args:
      call_in: what the exchange has told about the call.
      config: of the client.
      tls: of the client.
      is_followed: whether news of its claim come here.

    Attributes:
      call_in: what the exchange has told about the call.
      audio_format: of everything heard and said.
      protocol: holds the state.
      claim: what the call hangs on while it rings.
      media: the connection, once there is one.
      received: the audio that came in.
      writer: sends commands, and the agent's audio.
      commands: one at a time.
      handlers: of the call's events.
      observers: are told what happens to the call.
      ending: how and when the call ends.
    """

    def __init__(
        self,
        call_in: RingingCall,
        config: ClientConfig,
        tls: ClientTLS,
        *,
        is_followed: bool = True,
    ) -> None:
        self.call_in = call_in
        self.audio_format: AudioFormat = config.audio_format
        self._wire = config.wire
        self.claim: Claim = Claim(call_in, is_followed=is_followed)
        self.media: LazyMediaConnection = LazyMediaConnection(self.claim, config, tls)
        self.protocol: CallProtocol = CallProtocol(
            media_wire(config.wire, config.audio_format, dial_seconds=call_in.dial_seconds),
            _send_buffer_bytes(config),
            config.audio_format.frame_bytes,
            self.media.quote,
            config.mode_after_connect,
        )
        over = trio.Event()
        bytes_per_second = self.audio_format.bytes_per_second
        credit = CheckpointCredit()
        self.received: ReceivedAudio = ReceivedAudio(
            int(config.receive_buffer_seconds * bytes_per_second), credit, over
        )
        self.writer: MediaWriter = MediaWriter(
            self.protocol.audio, self.protocol.wire, bytes_per_second, credit, over
        )
        self.handlers: EventHandlers = EventHandlers(config)
        self.observers: CallObservers = CallObservers(self.protocol)
        self.commands: CommandQueue = CommandQueue(
            self.protocol,
            self.media.open,
            self.writer,
            functools.partial(_emit_failure, self.handlers),
            self.observers.command_ended,
        )
        self.ending: CallEnding = CallEnding(
            over,
            config,
            protocol=self.protocol,
            claim=self.claim,
            media=self.media,
            received=self.received,
            writer=self.writer,
            commands=self.commands,
            handlers=self.handlers,
            observers=self.observers,
        )

    @functools.cached_property
    def playout(self) -> Playout:
        """What is heard of the agent's speech. Followed from when it is first asked for."""
        return Playout(self.protocol, self.writer, self.commands, self.audio_format.sample_rate)

    def start(self, media_nursery: trio.Nursery) -> None:
        """Choose the nursery of the media connection, and of what else outlives the application."""
        self.media.start(media_nursery, self._make_connection, self._opening_failed)
        self.handlers.start(media_nursery)

    @property
    def needs_claim(self) -> bool:
        """Whether the call rings, its claim is in question, and nothing is open or being opened."""
        return (
            self.claim.state is ClaimState.IN_QUESTION
            and self.protocol.state is CallState.PENDING
            and not self.media.is_opening_or_open
        )

    async def hand_over(self, to: str) -> HandOver:
        """Let another process act on the call in place of this one. See `ActiveCall.hand_over`."""
        await trio.lowlevel.checkpoint()
        self._require_untouched()
        with trio.move_on_after(CONNECT_SECONDS):
            await self.claim.wait_settled()
        # Something may have been done with the call meanwhile. From here on, nothing is awaited.
        self._require_untouched()
        if self.claim.state is ClaimState.IN_QUESTION:
            raise WSSCallStateError(
                "hand_over() is not possible now: the exchange may have taken the call back, and "
                f"it could not be claimed again within {CONNECT_SECONDS:g} s"
            )
        self.ending.hand_over(printable(to))
        logger.info("call %s: %s", self.call_in.call_id, self.ending.ending)
        return hand_over_of(self.claim.address, self.audio_format, self._wire)

    def _require_untouched(self) -> None:
        require_legal(self.protocol.state, Signal.HANDED_OVER)
        if self.media.is_wanted:
            raise WSSCallStateError(
                "hand_over() is not possible any more: a command has acted on the call, or tried"
            )

    def _make_connection(self) -> MediaConnection:
        return MediaConnection(
            self.protocol,
            self.received,
            self.writer,
            self._received_event,
            self.ending.connection_lost,
        )

    def _opening_failed(self, failed: MediaConnection) -> None:
        if not self.claim.is_followed and failed.final_refusal is not None:
            self.ending.refused(failed.final_refusal)
        elif self.claim.state is ClaimState.GONE:
            # While the connection was being opened it might have had the last word.
            self.ending.session_closed()

    def _received_event(self, event: Event) -> None:
        match event:
            case CommandDone(command_id=command_id, command=command, result=result):
                if command not in LEAVING:
                    self.observers.look()
                self.commands.resolve(command_id, None, result)
                if command is Command.CONNECT:
                    # The caller was told it while the phone rang, and it is for nobody else.
                    self.commands.drop_unplayed()
                if command in _DONE_EVENTS:
                    self.claim.end()
                    self.handlers.emit(_DONE_EVENTS[command])
                elif command in LEAVING:
                    self.ending.has_left(command)
            case CommandFailed(command_id=command_id, command=command, error=error):
                self.commands.resolve(command_id, error)
                _emit_failure(self.handlers, command, error)
            case CallFault(error=fault):
                self.handlers.emit(events.CALL_ERROR, fault)
            case Terminated():
                self.ending.hung_up()
            case AudioReceived() | CreditGranted():
                # These are the connection's.
                pass
            case _:
                assert_never(event)


def _send_buffer_bytes(config: ClientConfig) -> int:
    """Return how much audio may wait to be sent: a sample at the least, or it never would be."""
    if config.send_buffer_bytes is not None:
        return max(config.send_buffer_bytes, SAMPLE_BYTES)
    return max(round(config.send_buffer_seconds * config.sample_rate), 1) * SAMPLE_BYTES


def _emit_failure(handlers: EventHandlers, command: Command, error: WSSCallError) -> None:
    if command in _FAILED_EVENTS:
        handlers.emit(_FAILED_EVENTS[command], error)
