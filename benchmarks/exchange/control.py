"""An agent's control connection: calls are offered here, and claimed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Final

from benchmarks.exchange.call import ExchangeCall
from benchmarks.exchange.connection import Connection
from benchmarks.exchange.frames import text_frame

CALLER: Final = "+15550001"
CALLEE: Final = "+15550002"


class ControlPeer:
    """One of the connections over which calls are offered. Whoever claims a call first has it.

    Args:
      connection: of an agent, or of one of its workers.
      sessions: the calls that were offered, by the names of their sessions.
      media_url: where their media connections are opened.
      on_ready: called when the agent has set up its connection.
      on_lost: called when the connection is gone.
    """

    #: Why a call is refused that somebody else has.
    taken_code: ClassVar[str] = "SESSION_BUSY"

    def __init__(
        self,
        connection: Connection,
        sessions: Mapping[str, ExchangeCall],
        media_url: str,
        on_ready: Callable[[ControlPeer], None],
        on_lost: Callable[[ControlPeer], None],
    ) -> None:
        self._connection = connection
        self._sessions = sessions
        self._media_url = media_url
        self._on_ready = on_ready
        self._on_lost = on_lost

    def offer(self, session_ids: Iterable[str]) -> None:
        """Offer calls, all at once."""
        self._connection.send(
            b"".join(text_frame(self._notification(name)) for name in session_ids)
        )

    def receive_text(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "setup":
                self._send({"type": "setup.done", "smWsId": "benchmark"})
                self._on_ready(self)
            case "session.open":
                self._claim(message["reqId"], message["sessionId"])
            case "session.ready":
                self._deliver(message["sessionId"])

    def receive_audio(self, message: bytes | bytearray) -> None:
        raise ValueError("there is no audio on the control connection")

    def lost(self) -> None:
        self._on_lost(self)

    def _notification(self, session_id: str) -> dict[str, Any]:
        return _addresses("remoteAddress", "localAddress") | {
            "type": "session.notify",
            "sessionId": session_id,
            "channel": "TELCO",
            "activity": "NEW_INCOMING_CALL",
            "createdAt": 0,
        }

    def _claim(self, request_id: str, session_id: str) -> None:
        """Give a call to who asks for it first."""
        call = self._sessions[session_id]
        if call.claimed.is_set():
            self._respond(request_id, ok=False, errorCode=self.taken_code)
            return
        call.claimed.set()
        call.claimed_by = self
        self._respond(request_id, ok=True, content=self._claimed(session_id))

    def _claimed(self, session_id: str) -> dict[str, Any]:
        """Return what is said to who has claimed a call."""
        session = {"id": session_id, "channel": "TELCO", "openedAt": 0}
        return {"session": _addresses("remoteAddress", "localAddress") | session}

    def _deliver(self, session_id: str) -> None:
        self._send(
            _addresses("from", "to")
            | self._media_address(session_id)
            | {
                "type": "call.in",
                "sessionId": session_id,
                "callId": f"call-{self._sessions[session_id].number}",
                "orgUuid": "benchmark",
            }
        )

    def _media_address(self, session_id: str) -> dict[str, Any]:
        number = self._sessions[session_id].number
        return {"url": f"{self._media_url}/{number}", "token": f"token-{number}"}

    def _respond(self, request_id: str, **answer: Any) -> None:
        self._send({"type": "response", "reqId": request_id, **answer})

    def _send(self, message: dict[str, Any]) -> None:
        self._connection.send(text_frame(message))


def _addresses(caller: str, callee: str) -> dict[str, Any]:
    return {caller: CALLER, callee: CALLEE}
