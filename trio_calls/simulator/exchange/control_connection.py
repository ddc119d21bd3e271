"""One control connection, from the exchange's end."""

from __future__ import annotations

import math
from typing import Final

import trio

from trio_calls.audio_format import AudioFormat, AudioMode
from trio_calls.simulator.exchange.exchange import Exchange
from trio_calls.simulator.exchange.first_control import FirstControl, FirstSdk
from trio_calls.simulator.exchange.second_control import SecondControl, SecondSdk
from trio_calls.simulator.exchange.sessions import ConnectedSdk
from trio_calls.simulator.exchange.socket_tasks import SocketTasks
from trio_calls.simulator.phones.rate_bridge import can_convert
from trio_calls.simulator.transcript.second_frame_text import describe_control
from trio_calls.transport import WebSocket
from trio_calls.wire.codec import WireError, encode
from trio_calls.wire.message import Message, UnknownMessage
from trio_calls.wire.names import INVALID_REQUEST
from trio_calls.wire.responses import Response, SetupDone
from trio_calls.wire.second.codec import decode_setup
from trio_calls.wire.second.control import MEDIA_PROTOCOL_VERSION, SettingUp, Setup

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
        self._control: FirstControl | SecondControl | None = None
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
            if self._control is None:
                self._set_up(decode_setup(frame))
            else:
                self._control.serve(frame)
        except WireError as error:
            self._violation(f"a malformed frame: {error}")
            if self._control is not None and error.request_id is not None:
                self._send(
                    Response(error.request_id, is_ok=False, error_code=INVALID_REQUEST),
                )

    def _set_up(self, setup: SettingUp | UnknownMessage) -> None:
        if not isinstance(setup, Setup):
            self._violation("something came before setup; closed")
            self._socket.close()
            return
        if not can_convert(setup.sample_rate, self._exchange.sample_rate):
            fault = (
                f"{setup.sample_rate} Hz cannot be converted to the simulator's "
                f"{self._exchange.sample_rate} Hz without soxr: install trio-calls[cli]"
            )
            self._violation(f"{fault}; closed")
            self._socket.close(_UNABLE, fault)
            return
        self._before_setup.deadline = math.inf
        self._sdk = self._speak(setup)
        self._send(SetupDone(self._connection_id))
        self._exchange.sdk_connected(self._sdk)

    def _speak(self, setup: Setup) -> ConnectedSdk:
        """Speak the wire that a setup asks for."""
        audio_format = AudioFormat(setup.sample_rate, AudioMode(setup.audio_mode))
        if setup.media_protocol_version < MEDIA_PROTOCOL_VERSION:
            first = FirstSdk(self._connection_id, audio_format, self._send, is_gone=self._is_gone)
            self._control = FirstControl(self._exchange, first, self._violation)
            return first
        self._tap.describe_with(describe_control)
        second = SecondSdk(self._connection_id, audio_format, self._send, is_gone=self._is_gone)
        self._control = SecondControl(self._exchange.second, second, self._violation)
        return second

    def _is_gone(self) -> bool:
        return self._tap.is_over

    def _send(self, message: Message) -> None:
        self._socket.send(encode(message))

    def _violation(self, fault: str) -> None:
        self._exchange.violations.add(f"control connection {self._connection_id}", fault)
