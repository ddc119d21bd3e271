"""What the exchange answers over HTTP: which sessions there are, and closing one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qs, unquote

from trio_calls.simulator.exchange.admission import Admission
from trio_calls.simulator.exchange.exchange import Exchange
from trio_calls.transport import PlainRequest, PlainResponse, Rejection
from trio_calls.wire.first.codec import encode_body
from trio_calls.wire.first.session_list import CLOSED, OPEN, SESSIONS_PATH, HttpRefusal, SessionInfo
from trio_calls.wire.names import FORBIDDEN, INVALID_REQUEST, SESSION_NOT_FOUND, UNAUTHORIZED
from trio_calls.wire.second.codec import encode_session_page
from trio_calls.wire.second.session_list import DEFAULT_PAGE, MAX_PAGE

_CLOSE_PATH: Final = re.compile(rf"{SESSIONS_PATH}/([^/]+)/close")

_WHOLE_NUMBER: Final = re.compile("[0-9]{1,9}")

#: The filters of a list, and what each is compared with.
_FILTERS: Final[Mapping[str, Callable[[SessionInfo], str]]] = MappingProxyType(
    {
        "channel": lambda session: session.channel,
        "remoteAddress": lambda session: session.remote_address,
        "state": lambda session: session.state,
    }
)

#: The code of a refusal, by its status.
_CODES: Final[Mapping[int, str]] = MappingProxyType(
    {
        400: INVALID_REQUEST,
        401: UNAUTHORIZED,
        403: FORBIDDEN,
        404: "NOT_FOUND",
        405: "METHOD_NOT_ALLOWED",
        421: "WRONG_HOST",
        426: "SDK_OUTDATED",
        503: "UNAVAILABLE",
    }
)


class HttpEndpoints:
    """Answers the requests of applications that want no WebSocket.

    Args:
      exchange: whose sessions they are.
      admission: checks every request, as it does every handshake.
    """

    def __init__(self, exchange: Exchange, admission: Admission) -> None:
        self._exchange = exchange
        self._admission = admission

    def answer(self, request: PlainRequest) -> PlainResponse:
        """Answer a request."""
        rejection = self._refuse(request)
        if rejection is not None:
            return _refusal(rejection.status_code, rejection.reason)
        path, _, query = request.path.partition("?")
        if path == SESSIONS_PATH:
            if request.method != "GET":
                return _wrong_method("GET")
            # The header of who speaks the second wire.
            return self._page(query) if "x-sdk-client" in request.headers else self._list(query)
        closing = _CLOSE_PATH.fullmatch(path)
        if closing is not None:
            session_id = unquote(closing[1])
            return self._close(session_id) if request.method == "POST" else _wrong_method("POST")
        return _refusal(404, "there is nothing here")

    def _refuse(self, request: PlainRequest) -> Rejection | None:
        stranger = self._admission.refuse_stranger(request)
        if stranger is not None:
            return stranger
        if self._exchange.is_down:
            return Rejection(503, "the exchange restarts")
        return self._admission.refuse_wrong(
            request, "x-api-key", "x-connector-uuid"
        ) or self._admission.refuse_outdated(request)

    def _list(self, query: str) -> PlainResponse:
        wanted = parse_qs(query, keep_blank_values=True)
        if any(len(values) > 1 for values in wanted.values()):
            return _refusal(400, "a filter is given twice")
        if not {OPEN, CLOSED}.issuperset(wanted.get("state", [])):
            return _refusal(400, f"state must be {OPEN} or {CLOSED}")
        sessions = [
            session
            for session in self._exchange.list_sessions()
            if all(
                read(session) == wanted[name][0]
                for name, read in _FILTERS.items()
                if name in wanted
            )
        ]
        return PlainResponse(200, encode_body(sessions))

    def _page(self, query: str) -> PlainResponse:
        wanted = parse_qs(query, keep_blank_values=True)
        if any(len(values) > 1 for values in wanted.values()):
            return _refusal(400, "a parameter is given twice")
        offset, limit = (
            wanted.get(name, [str(default)])[0]
            for name, default in (("offset", 0), ("limit", DEFAULT_PAGE))
        )
        if not (_WHOLE_NUMBER.fullmatch(offset) and _WHOLE_NUMBER.fullmatch(limit)):
            return _refusal(400, "offset and limit must be whole numbers")
        subscriber = wanted.get("subscriber", [None])[0]
        page = self._exchange.second.page(subscriber, int(offset), min(int(limit), MAX_PAGE))
        return PlainResponse(200, encode_session_page(page))

    def _close(self, session_id: str) -> PlainResponse:
        closure = self._exchange.close_session(session_id)
        if closure is None:
            return _refusal(404, "there is no such open session", SESSION_NOT_FOUND)
        return PlainResponse(200, encode_body(closure))


def _wrong_method(allowed: str) -> PlainResponse:
    body = encode_body(HttpRefusal(_CODES[405], f"use {allowed} here"))
    return PlainResponse(405, body, allow=allowed)


def _refusal(status_code: int, message: str, code: str | None = None) -> PlainResponse:
    return PlainResponse(
        status_code, encode_body(HttpRefusal(code or _CODES[status_code], message))
    )
