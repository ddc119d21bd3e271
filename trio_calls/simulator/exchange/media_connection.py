"""One media connection, from the exchange's end."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from trio_calls._logging import get_logger
from trio_calls.audio import FRAME_SECONDS
from trio_calls.audio_format import AudioMode
from trio_calls.simulator.exchange.commands import execute
from trio_calls.simulator.exchange.exchange import Exchange
from trio_calls.simulator.exchange.sessions import Session
from trio_calls.simulator.exchange.socket_tasks import SocketTasks
from trio_calls.simulator.phones.jitter_buffer import CreditExceeded
from trio_calls.simulator.phones.second_agent_wire import SecondAgentWire
from trio_calls.simulator.transcript.second_frame_text import describe_media
from trio_calls.transport import WebSocket
from trio_calls.wire.codec import WireError
from trio_calls.wire.commands import CommandRequest
from trio_calls.wire.message import AudioError, UnknownMessage
from trio_calls.wire.names import INVALID_REQUEST

logger = get_logger("trio_calls.simulator.media_connection")

#: How much audio may wait for an agent to read it, in seconds.
_QUEUE_SECONDS: Final = 10.0

#: A tick sends audio on so many channels, and a buffer request.
MESSAGES_A_TICK: Final[Mapping[AudioMode, int]] = MappingProxyType(
    {AudioMode.MIXED: 2, AudioMode.ISOLATED: 4}
)


class MediaConnection:
    """Passes an agent's commands and audio on to its call.

    It holds the call's place for a media connection from the moment that it is made.
    """

    def __init__(self, exchange: Exchange, session: Session) -> None:
        self._exchange = exchange
        self._session = session
        self._call = session.call
        audio_format = self._call.agent.audio_format
        ticks = round(_QUEUE_SECONDS / FRAME_SECONDS)
        self._tap = exchange.taps.open_media(self._call.session_id, audio_format.sample_rate)
        self._socket = SocketTasks(
            ticks * MESSAGES_A_TICK[audio_format.mode],
            lambda: self._violation("it does not read what it is sent; dropped"),
            self._tap,
        )
        self._wire = self._call.agent.wire
        if isinstance(self._wire, SecondAgentWire):
            self._tap.describe_with(describe_media)
        self._socket.send(*self._wire.begin())
        self._call.agent.socket = self._socket

    async def run(self, websocket: WebSocket) -> None:
        """Serve until either side closes the connection. Cancellation drops it at once."""
        await self._socket.run(websocket, self._receive)

    def lost(self) -> None:
        """Clean up: the connection is gone, or never came to be."""
        self._exchange.taps.close(self._tap)
        self._exchange.media_connection_lost(self._session, self._socket)

    def _receive(self, message: str | bytes) -> None:
        try:
            if isinstance(message, bytes):
                self._wire.take(message)
            else:
                self._receive_text(message)
        except WireError as error:
            self._violation(f"a malformed frame: {error}")
            if error.request_id is not None:
                self._call.agent.refuse(error.request_id, INVALID_REQUEST, str(error))
        except (AudioError, CreditExceeded) as error:
            self._violation(f"unusable audio: {error}")

    def _receive_text(self, frame: str) -> None:
        match self._wire.decode(frame):
            case CommandRequest() as request:
                execute(self._call, request)
            case UnknownMessage():
                logger.debug("a frame of a type that is not known here was ignored")
            case message:
                self._violation(f"{message.wire_type} is for the exchange to send")

    def _violation(self, fault: str) -> None:
        self._exchange.violations.add(f"media connection of call {self._call.call_id}", fault)
