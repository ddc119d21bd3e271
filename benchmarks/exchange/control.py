"""The agent's control connection: calls are offered here, and claimed."""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks.exchange.call import ExchangeCall
from benchmarks.exchange.connection import Connection
from benchmarks.exchange.frames import text_frame


class ControlPeer:
    """Offers calls to the one agent there is.

    Attributes:
      ready: set when the agent has set up its connection.
    """

    def __init__(self, media_url: str) -> None:
        self.ready = asyncio.Event()
        self._media_url = media_url
        self._calls: dict[str, ExchangeCall] = {}
        self._connection: Connection

    def opened_by(self, connection: Connection) -> None:
        """Note the agent's connection."""
        self._connection = connection

    def offer(self, calls: list[ExchangeCall]) -> None:
        """Offer calls, all at once."""
        sessions = {f"session-{call.number}": call for call in calls}
        self._calls |= sessions
        self._connection.send(b"".join(text_frame(_notification(name)) for name in sessions))

    def receive_text(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "setup":
                self._send({"type": "setup.done", "smWsId": "benchmark"})
                self.ready.set()
            case "session.open":
                self._claim(message["reqId"], message["sessionId"])
            case "session.ready":
                self._deliver(message["sessionId"])

    def receive_audio(self, message: bytes | bytearray) -> None:
        raise ValueError("there is no audio on the control connection")

    def _claim(self, request_id: str, session_id: str) -> None:
        self._calls[session_id].claimed.set()
        session = _addresses("remoteAddress", "localAddress") | {
            "id": session_id,
            "channel": "TELCO",
            "openedAt": 0,
        }
        self._send(
            {"type": "response", "reqId": request_id, "ok": True, "content": {"session": session}}
        )

    def _deliver(self, session_id: str) -> None:
        number = self._calls[session_id].number
        self._send(
            _addresses("from", "to")
            | {
                "type": "call.in",
                "sessionId": session_id,
                "callId": f"call-{number}",
                "orgUuid": "benchmark",
                "url": f"{self._media_url}/{number}",
                "token": f"token-{number}",
            }
        )

    def _send(self, message: dict[str, Any]) -> None:
        self._connection.send(text_frame(message))


def _notification(session_id: str) -> dict[str, Any]:
    return _addresses("remoteAddress", "localAddress") | {
        "type": "session.notify",
        "sessionId": session_id,
        "channel": "TELCO",
        "activity": "NEW_INCOMING_CALL",
        "createdAt": 0,
    }


def _addresses(caller: str, callee: str) -> dict[str, Any]:
    return {caller: "+15550001", callee: "+15550002"}
