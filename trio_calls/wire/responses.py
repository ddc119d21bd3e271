"""What every generation of the exchange answers on the control connection."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from trio_calls.wire.message import Message, forgiven_text, text, wire


@attrs.frozen
class SetupDone(Message):
    """Exchange → SDK: the connection is set up, and calls can come."""

    wire_type: ClassVar[str] = "setup.done"

    connection_id: str = text("smWsId")


@attrs.frozen
class Response(Message):
    """Exchange → SDK: the answer to the request with the same id."""

    wire_type: ClassVar[str] = "response"

    request_id: str = text("reqId")
    is_ok: bool = wire("ok")
    # These may quote what people write, or our credentials.
    content: Any = wire("content", default=None, repr=False)
    error_code: str | None = forgiven_text("errorCode", default=None, repr=False)
    error_content: Any = wire("errorContent", default=None, repr=False)

    @property
    def error_message(self) -> str | None:
        """What the exchange says about a refusal, in words; None if it says nothing."""
        content = self.error_content
        words = content.get("message") if isinstance(content, dict) else content
        return words if isinstance(words, str) else None

    @property
    def session_channel(self) -> str | None:
        """The channel of the session that was opened; None if the exchange does not say."""
        content = self.content
        said = content.get("session") if isinstance(content, dict) else None
        channel = said.get("channel") if isinstance(said, dict) else None
        return channel if isinstance(channel, str) else None

    @property
    def holder(self) -> str | None:
        """The connection that holds the session, if a claim was refused; None if not known."""
        content = self.error_content
        holder = content.get("boundSmWsId") if isinstance(content, dict) else None
        return holder if isinstance(holder, str) else None
