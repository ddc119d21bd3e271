"""One control connection, from the exchange's end."""

from __future__ import annotations

import math
from typing import Final, assert_never

import trio

from trio_calls.audio_format import AudioFormat, AudioMode
from trio_calls.simulator.exchange.exchange import Exchange
from trio_calls.simulator.exchange.sessions import ConnectedSdk
from trio_calls.simulator.exchange.socket_tasks import SocketTasks
from trio_calls.simulator.phones.rate_bridge import can_convert
from trio_calls.transport import WebSocket
from trio_calls.wire.codec import WireError, encode
from trio_calls.wire.first.codec import decode_control
from trio_calls.wire.first.control import (
    CallFlowSetup,
    CallIn,
    ControlMessage,
    SessionClosed,
    SessionCreate,
    SessionNotify,
    SessionOpen,
    SessionReady,
    Setup,
)
from trio_calls.wire.first.messaging import MessageIn, MessageOut
from trio_calls.wire.message import UnknownMessage
from trio_calls.wire.names import INVALID_REQUEST
from trio_calls.wire.responses import Response, SetupDone

#: Seconds within which an SDK must have sent its setup.
_SETUP_SECONDS: Final = 10.0

#: The close code of an exchange that cannot do what it was asked for.
_UNABLE: Final = 1011

#: Messages that may wait for an SDK to read them: many thousands of calls may be offered at once.
_QUEUE_SIZE: Final = 2**14


class ControlConnection:
    """Sets up an SDK, and passes its requests on to the exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._connection_id = exchange.identifiers.connection_id()
        self._tap = exchange.taps.open_control(self._connection_id)
        self._sdk: ConnectedSdk | None = None
        self._before_setup: trio.CancelScope
        self._socket = SocketTasks(
            _QUEUE_SIZE,
            lambda: self._violation("it does not read what it is sent; dropped"),
            self._tap,
        )

    async def run(self, websocket: WebSocket) -> None:
        """Serve until either side closes the connection. Cancellation drops it at once."""
        with trio.move_on_after(_SETUP_SECONDS) as self._before_setup:
            await self._socket.run(websocket, self._receive)
        if self._before_setup.cancelled_caught:
            self._violation(f"no setup came within {_SETUP_SECONDS:g} s; dropped")

    def lost(self) -> None:
        """Clean up: the connection is gone, or never came to be."""
        self._exchange.taps.close(self._tap)
        if self._sdk is not None:
            self._exchange.sdk_lost(self._sdk)

    def _receive(self, frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            self._violation("a binary message")
            return
        try:
            message = decode_control(frame)
        except WireError as error:
            self._violation(f"a malformed frame: {error}")
            if self._sdk is not None and error.request_id is not None:
                self._send(_invalid(error.request_id))
            return
        if self._sdk is not None:
            self._serve(self._sdk, message)
        elif isinstance(message, Setup):
            self._set_up(message)
        else:
            self._violation("something came before setup; closed")
            self._socket.close()

    def _set_up(self, setup: Setup) -> None:
        if not can_convert(setup.sample_rate, self._exchange.sample_rate):
            fault = (
                f"{setup.sample_rate} Hz cannot be converted to the simulator's "
                f"{self._exchange.sample_rate} Hz without soxr: install trio-calls[cli]"
            )
            self._violation(f"{fault}; closed")
            self._socket.close(_UNABLE, fault)
            return
        self._before_setup.deadline = math.inf
        self._sdk = ConnectedSdk(
            self._connection_id,
            AudioFormat(setup.sample_rate, AudioMode(setup.audio_mode)),
            self._send,
            is_gone=lambda: self._tap.is_over,
        )
        self._send(SetupDone(self._connection_id))
        self._exchange.sdk_connected(self._sdk)

    def _serve(self, sdk: ConnectedSdk, message: ControlMessage | UnknownMessage) -> None:
        match message:
            case SessionOpen(request_id=request_id, session_id=session_id):
                self._send(self._exchange.open_session(request_id, session_id, sdk))
            case SessionReady(session_id=session_id):
                if not self._exchange.session_ready(session_id, sdk):
                    self._violation("session.ready for a session that it does not hold")
            case Setup():
                self._violation("a second setup")
            case SessionCreate():
                self._send(
                    self._exchange.create_session(
                        message.request_id, message.channel, message.remote_address
                    )
                )
            case CallFlowSetup():
                self._send(self._exchange.set_call_flow(message, sdk))
            case MessageOut():
                response, fault = self._exchange.take_message(message, sdk)
                if fault is not None:
                    self._violation(fault)
                self._send(response)
            case (
                SetupDone()
                | SessionNotify()
                | Response()
                | CallIn()
                | SessionClosed()
                | MessageIn()
            ):
                self._violation(f"{message.wire_type} is for the exchange to send")
            case UnknownMessage(request_id=str(request_id)):
                self._send(_invalid(request_id))
            case UnknownMessage():
                pass
            case _:
                assert_never(message)

    def _send(self, message: ControlMessage) -> None:
        self._socket.send(encode(message))

    def _violation(self, fault: str) -> None:
        self._exchange.violations.add(f"control connection {self._connection_id}", fault)


def _invalid(request_id: str) -> Response:
    return Response(request_id, is_ok=False, error_code=INVALID_REQUEST)
