"""A control connection of the second wire: a session is opened for a call, and claims it."""

from __future__ import annotations

from typing import Any, ClassVar

from benchmarks.exchange.control import CALLEE, CALLER, ControlPeer


class SecondControlPeer(ControlPeer):
    """Offers calls as they are offered there. They have the names of the first wire's sessions."""

    taken_code: ClassVar[str] = "CALL_NOT_FOUND"

    def receive_text(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "session.open":
                self._respond(message["reqId"], ok=True, content={"created": True})
            case "session.claim":
                self._claim(message["reqId"], message["txnUuid"])
            case _:
                super().receive_text(message)

    def _notification(self, session_id: str) -> dict[str, Any]:
        return {
            "type": "call.notify",
            "txnUuid": session_id,
            "subscriber": CALLEE,
            "participant": CALLER,
            "channel": "TELCO",
            "createdAt": 0,
        }

    def _claimed(self, session_id: str) -> dict[str, Any]:
        return self._media_address(session_id)
