"""The messages of the control connection, both ways, that carry written messages."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from trio_calls.wire.message import REQUEST_ID, Message, text, wire


@attrs.frozen
class MessageIn(Message):
    """Exchange → claimant: somebody has written. What `content` holds is the provider's affair."""

    wire_type: ClassVar[str] = "wa.msg.in"

    session_id: str = text("sessionId")
    # Wherever this message is shown, who writes and what is not.
    sender: str = text("sender", repr=False)
    content: Any = wire("content", validator=attrs.validators.instance_of(dict), repr=False)


@attrs.frozen
class MessageOut(Message):
    """SDK → exchange: write to whom a session is with. Answered by a `Response`."""

    wire_type: ClassVar[str] = "wa.msg.out"
    in_data: ClassVar[bool] = True
    id_is_beside_data: ClassVar[bool] = True
    answer_key: ClassVar[str] = REQUEST_ID

    request_id: str = text("reqId")
    session_id: str = text("sessionId")
    client_message_id: str = text("clientMsgId")
    api_version: str = text("apiVersion")
    data: Any = wire("data", validator=attrs.validators.instance_of(dict), repr=False)
