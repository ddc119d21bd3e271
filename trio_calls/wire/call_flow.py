"""What a connector is told of, as every generation of the wire has it."""

from __future__ import annotations

from typing import ClassVar, Final

import attrs

from trio_calls.wire.message import REQUEST_ID, Message, text, wire

#: Which incoming calls an exchange is to offer: all, those that nobody else picked up, or none.
INBOUND_CALLS: Final = ("ALL", "MISSED_ONLY", "NO")


@attrs.frozen
class CallFlow(Message):
    """SDK → exchange: what to offer to this connector from now on. Answered by a `Response`."""

    in_data: ClassVar[bool] = True
    id_is_beside_data: ClassVar[bool] = True
    answer_key: ClassVar[str] = REQUEST_ID

    request_id: str = text("reqId")
    inbound_calls: str = wire("inboundCall", validator=attrs.validators.in_(INBOUND_CALLS))
    outbound_calls: bool = wire("outboundCall")
    inbound_messages: bool = wire("inboundMessage")
    outbound_messages: bool = wire("outboundMessage")
