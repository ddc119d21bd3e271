"""The control connection of an agent that is no SDK: every offer is taken."""

from __future__ import annotations

import json
from typing import Final

import attrs

from benchmarks.agents.settings import API_KEY, CONNECTOR_UUID, SAMPLE_RATE

CONTROL_PATH: Final = "/v1/agent/session-manager"
CONTROL_HEADERS: Final = (("x-api-key", API_KEY), ("x-connector-uuid", CONNECTOR_UUID))

SETUP: Final = json.dumps(
    {"type": "setup", "data": {"sampleRate": SAMPLE_RATE, "audioMode": "mixed"}}
)
ANSWER: Final = json.dumps(
    {
        "type": "command",
        "data": {"command_id": "answer", "command": "call.answer", "timeout_ms": 10_000},
    }
)


@attrs.frozen
class MediaAddress:
    """Where a call's media connection is opened."""

    url: str
    token: str

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """What the handshake has to carry."""
        return (("Authorization", f"Bearer {self.token}"),)


def respond(frame: str | bytes) -> str | MediaAddress | None:
    """Return what to send in response to a control frame, or where a call is."""
    message = json.loads(frame)
    match message["type"]:
        case "session.notify":
            session_id = message["sessionId"]
            return json.dumps(
                {"type": "session.open", "reqId": session_id, "sessionId": session_id}
            )
        case "response":
            return json.dumps({"type": "session.ready", "sessionId": message["reqId"]})
        case "call.in":
            return MediaAddress(message["url"], message["token"])
    return None
