"""The HTTP response of a server that refuses a WebSocket."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import h11

from trio_calls._quoting import printable
from trio_calls.transport._interface import HandshakeRefused

_MAX_REASON_LENGTH: Final = 200
#: A body that is so long holds a reason of the greatest length.
_ENOUGH_BODY_BYTES: Final = 4 * _MAX_REASON_LENGTH
_MAX_RETRY_SECONDS: Final = 3600.0


def header_dict(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers as text, by lower-case name."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}


def refusal(status_code: int, headers: Mapping[str, str], body: bytes) -> HandshakeRefused:
    """Make the error for a response: with the beginning of its body, as printable text.

    Args:
      status_code: the status of the response.
      headers: the headers of the response, by lower-case name.
      body: the body of the response, or its beginning.
    """
    reason = printable(body.decode("utf-8", errors="replace"), _MAX_REASON_LENGTH)
    seconds = _retry_seconds(headers.get("retry-after", ""), headers.get("date", ""))
    return HandshakeRefused(status_code, reason, seconds)


def _retry_seconds(retry_after: str, date: str) -> float | None:
    """Read ``Retry-After`` in either form that RFC 9110 gives it.

    A date counts from the ``Date`` of the same response: the clock of this machine may be wrong,
    and nothing else here reads it. Without a ``Date``, such a ``Retry-After`` is ignored.
    """
    if retry_after.isdecimal():
        seconds = float(retry_after)
    else:
        until, now = _http_date(retry_after), _http_date(date)
        if until is None or now is None:
            return None
        seconds = max(0.0, (until - now).total_seconds())
    return min(seconds, _MAX_RETRY_SECONDS)


def _http_date(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)


class RefusalReader:
    """Reads the response of a server that refuses, as far as it comes.

    Its status is all that matters. Pages of an error may be longer than anybody reads, and servers
    keep connections open that they have nothing more to say on.

    Attributes:
      is_complete: whether nothing is missing, or enough is there.
    """

    def __init__(self) -> None:
        self.is_complete = False
        self._response: h11.Response | None = None
        self._body = b""
        self._connection = h11.Connection(h11.CLIENT)
        self._connection.send(h11.Request(method="GET", target="/", headers=[("Host", "exchange")]))
        self._connection.send(h11.EndOfMessage())

    def receive(self, data: bytes | bytearray) -> None:
        """Read bytes; none at all are the end of the connection."""
        try:
            self._connection.receive_data(bytes(data))
            while not self.is_complete and self._take(self._connection.next_event()):
                pass
        except h11.RemoteProtocolError:
            self.is_complete = True

    def _take(self, event: object) -> bool:
        """Take in what has come. Returns whether there may be more."""
        match event:
            case h11.Response():
                self._response = event
            case h11.Data():
                self._body += event.data
            case h11.InformationalResponse():
                pass
            case h11.NEED_DATA:
                return False
            case _:
                self.is_complete = True
        self.is_complete = self.is_complete or len(self._body) >= _ENOUGH_BODY_BYTES
        return True

    @property
    def refusal(self) -> HandshakeRefused | None:
        """What has come of it; None if it is no response, or not even its head has come."""
        response = self._response
        if response is None:
            return None
        return refusal(response.status_code, header_dict(response.headers), self._body)


def refusal_ended_by_hangup(received: bytes | bytearray) -> HandshakeRefused | None:
    """Read a response whose body lasts until the server hangs up, or is cut short by that.

    Returns:
      The refusal, or None if there is no response, or one that is no refusal.
    """
    reader = RefusalReader()
    reader.receive(received)
    return reader.refusal
