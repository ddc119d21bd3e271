"""The sessions of a connector: which there are, and how one is started or closed."""

from __future__ import annotations

import builtins
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

import trio

from trio_calls.client.control_connection import ControlConnection
from trio_calls.client.headers import client_headers
from trio_calls.client.session_errors import refusal_of
from trio_calls.client.session_pages import SessionPages
from trio_calls.config import ClientConfig
from trio_calls.errors import WSSConnectionError, WSSError, WSSSessionError, WSSSessionExistsError
from trio_calls.transport import WebSocketError
from trio_calls.transport.explain import explain_control, explain_request
from trio_calls.transport.tls import ClientTLS
from trio_calls.wire.codec import MAX_BODY_BYTES, WireError
from trio_calls.wire.first.codec import decode_body, decode_session_list
from trio_calls.wire.first.session_list import (
    OPEN,
    SESSIONS_PATH,
    HttpRefusal,
    SessionClosure,
    SessionInfo,
)
from trio_calls.wire.message import MAX_NAME_LENGTH
from trio_calls.wire.responses import Response

if TYPE_CHECKING:
    from trio_calls.transport import http

#: How long the exchange has for the answer to an HTTP request.
HTTP_SECONDS: Final = 30.0

#: What is imported when it is needed.
_HTTP: Final = "trio_calls.transport.http"

_NOT_FOUND: Final = 404


class Sessions:
    """The sessions of a client's connector. Got from `CallClient.sessions`.

    `list` and `close` are HTTP requests, each over a connection of its own, with the credentials
    and the TLS of the control connection. They need the extra ``trio-calls[sessions]``.
    """

    def __init__(self, config: ClientConfig, tls: ClientTLS, control: ControlConnection) -> None:
        self._config = config
        self._tls = tls
        self._control = control
        self._has_http = False

    async def list(
        self, channel: str | None = None, remote_address: str | None = None
    ) -> builtins.list[SessionInfo]:
        """Ask the exchange for the connector's open sessions.

        Args:
          channel: ``TELCO`` for calls only, ``WA`` for WhatsApp only; None for both.
          remote_address: the telephone number of the other side; None for all.

        Returns:
          A `~trio_calls.sessions.SessionInfo` for each, in the exchange's order. A list that is
          longer than 4 MiB, of some 15,000 sessions, is not read: ask for less. On the second wire,
          which has pages of them, the first party that fits is that of a session with several.

        Raises:
          ModuleNotFoundError: the extra is not installed.
          ValueError: an argument is empty, not printable, or longer than 512 characters.
          TypeError: an argument is no text.
          WSSSessionError: the exchange refuses; see its subclasses.
          WSSConnectionError: the exchange cannot be reached, does not answer within 30 s, or its
            answer makes no sense; see its subclasses.

        Cancellation: drops the request's connection.
        """
        query = {}
        for name, key, wanted in (
            ("channel", "channel", channel),
            ("remote_address", "remoteAddress", remote_address),
        ):
            if wanted is not None:
                _check_text(name, wanted)
                query[key] = wanted
        if self._control.wire.forgets_sessions:
            return await self._list_pages(SessionPages(channel, remote_address))
        response = await self._ask("GET", f"{SESSIONS_PATH}?{urlencode({**query, 'state': OPEN})}")
        if not response.is_ok:
            raise self._refusal("to list sessions", response)
        try:
            return decode_session_list(response.body)
        except WireError as error:
            raise _nonsense(error) from None

    async def _list_pages(self, pages: SessionPages) -> builtins.list[SessionInfo]:
        while pages.path is not None:
            response = await self._ask("GET", pages.path)
            if not response.is_ok:
                raise self._refusal("to list sessions", response)
            try:
                pages.read(response.body)
            except WireError as error:
                raise _nonsense(error) from None
        return pages.sessions

    async def close(self, session_id: str) -> SessionClosure:
        """Have the exchange close a session, whoever has it. A call ends by that.

        On the second wire there is no such thing: the exchange forgets a session in which nothing
        has happened for some time.

        Args:
          session_id: the exchange's name for it.

        Returns:
          When and why it was closed. One that was closed before is no error.

        Raises:
          ModuleNotFoundError, ValueError, TypeError, WSSSessionError, WSSConnectionError: as for
            `list`. After a `WSSConnectionError` it may have been closed. A `WSSSessionError` on the
            second wire, always.

        Cancellation: drops the request's connection. The session may have been closed.
        """
        _check_text("session_id", session_id)
        if session_id in {".", ".."}:
            raise ValueError("session_id must not be . or ..: these mean other addresses")
        if self._control.wire.forgets_sessions:
            raise WSSSessionError(
                "a session is not closed on the second wire: the exchange forgets it",
                session_id=session_id,
            )
        path = f"{SESSIONS_PATH}/{quote(session_id, safe='')}/close"
        response = await self._ask("POST", path)
        if response.status_code == _NOT_FOUND:
            return SessionClosure(None, "")
        if not response.is_ok:
            raise self._refusal("to close the session", response, session_id)
        try:
            return decode_body(response.body, SessionClosure)
        except WireError as error:
            raise _nonsense(error) from None

    async def create(
        self, channel: str, remote_address: str, local_address: str | None = None
    ) -> str:
        """Start a session with somebody.

        Nobody has it yet: claim it with `CallClient.open_conversation`, or, if it is that of a
        call, with `CallClient.open_call`. On the first wire, calls are experimental: the vendor has
        withdrawn them as unfinished, and what `ActiveCall.answer` means for one that was started
        here is only known of the simulator. On the second, that is when it is dialed: the telephone
        rings for as long as `CallClient.open_call` says.

        Args:
          channel: ``TELCO`` for a call, ``WA`` for WhatsApp.
          remote_address: the telephone number of the other side.
          local_address: the connector's number that calls or writes. The second wire needs it; the
            first knows it.

        Returns:
          The exchange's name for the session.

        Raises:
          WSSSessionExistsError: there is one with this partner already. Its ``session_id`` is the
            name of that.
          WSSSessionError: the exchange refuses; see its subclasses, such as
            `~trio_calls.sessions.WSSQuotaExceededError`.
          WSSConnectionError: there is no connection now, it was lost, or the exchange has not
            answered for 60 s. The session may have been started.
          ValueError: an argument is empty, not printable, longer than 512 characters, or missing.
          TypeError: an argument is no text.

        Cancellation: the session may have been started; `list` tells.
        """
        _check_text("channel", channel)
        _check_text("remote_address", remote_address)
        if local_address is not None:
            _check_text("local_address", local_address)
        elif self._config.wire == "second":
            raise ValueError("local_address must be given: the second wire asks who calls")
        await trio.lowlevel.checkpoint_if_cancelled()
        try:
            created = await self._control.wire.create(
                self._control, channel, remote_address, local_address
            )
        except WireError as error:
            raise _nonsense(error) from None
        if not created.response.is_ok:
            raise refusal_of("to start the session", created.response, self._control.quote)
        if not created.is_new:
            raise WSSSessionExistsError(
                "there is a session with this partner already: its session_id is in this error",
                session_id=created.session_id,
            )
        return created.session_id

    async def _ask(self, method: str, path: str) -> http.Response:
        try:
            if not self._has_http:
                # httpx brings so much along that calls in progress would hear it being imported.
                # Where no thread can be started, they do.
                with suppress(RuntimeError):
                    await trio.to_thread.run_sync(import_module, _HTTP, abandon_on_cancel=True)
            from trio_calls.transport.http import send_request  # noqa: PLC0415  # of an extra
        except ModuleNotFoundError:
            raise ModuleNotFoundError(
                "listing and closing sessions needs httpx: install the extra 'sessions' of "
                "trio-calls"
            ) from None
        self._has_http = True
        try:
            return await send_request(
                method,
                self._config.base_url.rstrip("/") + path,
                headers=client_headers(self._config),
                ssl_context=self._tls.context(),
                open_stream=self._config.open_stream,
                within_seconds=HTTP_SECONDS,
                max_body_bytes=MAX_BODY_BYTES,
            )
        except WebSocketError as error:
            failure = explain_request(error, self._config)
        # Without a context: frames of the libraries hold the headers.
        try:
            raise failure
        finally:
            # The error knows this frame by its traceback, and would be kept in memory by it.
            del failure

    def _refusal(
        self, what: str, response: http.Response, session_id: str | None = None
    ) -> WSSError:
        """Make the error for a refusal: of its code, or where it has none, of its status."""
        try:
            said = decode_body(response.body, HttpRefusal)
        except WireError:
            return explain_control(response.refusal, self._config)
        refusal = Response("", is_ok=False, error_code=said.code, error_content=said.message)
        return refusal_of(what, refusal, self._control.quote, session_id)


def _check_text(name: str, value: object) -> None:
    """Refuse what cannot be on the wire. Never shows it: it is somebody's telephone number."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, not {type(value).__name__}")
    if not (value and len(value) <= MAX_NAME_LENGTH and value.isprintable()):
        raise ValueError(f"{name} must have 1 to {MAX_NAME_LENGTH} printable characters")


def _nonsense(error: WireError) -> WSSConnectionError:
    return WSSConnectionError(f"the exchange's answer makes no sense: {error}")
