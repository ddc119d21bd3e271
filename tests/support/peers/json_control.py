"""A control connection as JSON, with no code of ours for what its messages mean."""

from __future__ import annotations

import json
from typing import Any

from tests.support.peers.links import ControlEnd


async def receive_json(control: ControlEnd) -> dict[str, Any]:
    """Wait for the next frame, and read it."""
    frame = await control.receive()
    assert isinstance(frame, str)
    document = json.loads(frame)
    assert isinstance(document, dict)
    return document


async def expect_json(control: ControlEnd, **expected: Any) -> str:
    """Wait for a request with these keys and a ``reqId`` of its own. Returns that."""
    document = await receive_json(control)
    request_id = document.pop("reqId")
    assert isinstance(request_id, str)
    assert document == expected
    return request_id


async def answer_json(control: ControlEnd, request_id: str, content: Any = None) -> None:
    """Answer a request with this content, or without one."""
    answer = {"type": "response", "reqId": request_id, "ok": True}
    await control.send(json.dumps(answer if content is None else {**answer, "content": content}))


async def refuse_json(
    control: ControlEnd, request_id: str, code: str | None, content: Any = None
) -> None:
    """Refuse a request, for this reason."""
    answer = {"type": "response", "reqId": request_id, "ok": False}
    await control.send(json.dumps({**answer, "errorCode": code, "errorContent": content}))
