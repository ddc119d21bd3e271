"""Listing and closing sessions over HTTP, as an exchange sees it that shares no code with us."""

from __future__ import annotations

import json
import logging
import ssl
import sys
import threading
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme

from tests.support.peers.exchange import API_KEY, CONNECTOR_UUID, SILENCE, FakeExchange, http
from tests.support.transports import on_one_transport
from tests.support.wires import on_the_first_wire
from trio_calls import (
    WSSAuthenticationError,
    WSSConnectionError,
    WSSTLSError,
    WSSUnavailableError,
    WSSUnreachableError,
    WSSVersionError,
    open_call_client,
)
from trio_calls.client.session_errors import SESSION_ERRORS
from trio_calls.sessions import (
    SessionClosure,
    SessionInfo,
    WSSForbiddenError,
    WSSSessionError,
)

pytestmark = [on_one_transport, on_the_first_wire]

ITEM = {
    "id": "s-1",
    "channel": "WA",
    "initiator": "CONNECTOR",
    "state": "OPEN",
    "remoteAddress": "+6591110000",
    "localAddress": "+6562220000",
    "openedAt": 1767225600,
    "closedAt": None,
}
NUMBER = "65 91/1"


def found(*items: dict[str, Any]) -> bytes:
    return http(200, json.dumps({"items": items}))


def take_apart(request: bytes) -> tuple[str, Message]:
    """The first line of a request, and its headers."""
    line, _, rest = request.partition(b"\r\n")
    head, end, body = rest.partition(b"\r\n\r\n")
    assert end
    assert body == b""
    return line.decode(), BytesParser().parsebytes(head)


async def test_open_sessions_are_asked_for_and_listed(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, _, _):
        exchange.answers.append(found(ITEM, {**ITEM, "id": "s-2", "closedAt": 1767225601.5}))
        first, second = await client.sessions.list()
    assert first == SessionInfo(
        "s-1", "WA", "CONNECTOR", "OPEN", "+6591110000", "+6562220000", 1767225600, None
    )
    assert (second.session_id, second.closed_at) == ("s-2", 1767225601.5)
    line, headers = take_apart(exchange.asked[0])
    assert line == "GET /public/v1/sessions?state=OPEN HTTP/1.1"
    assert headers["host"] == "exchange"
    assert (headers["x-api-key"], headers["x-connector-uuid"]) == (API_KEY, CONNECTOR_UUID)
    assert headers["x-sdk-version"] == exchange.requests[0][1]["x-sdk-version"]
    assert headers["accept-encoding"] is None


async def test_filters_are_sent_as_they_are_encoded(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, _, _):
        exchange.answers.append(found())
        assert await client.sessions.list("WA", NUMBER) == []
    line, _ = take_apart(exchange.asked[0])
    wanted = "channel=WA&remoteAddress=65+91%2F1&state=OPEN"
    assert line == f"GET /public/v1/sessions?{wanted} HTTP/1.1"


async def test_what_is_new_is_ignored_and_what_is_missing_empty(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, _, _):
        exchange.answers.append(found({"mood": {"good": True}}, {"id": None, "openedAt": None}))
        assert await client.sessions.list() == [SessionInfo(), SessionInfo()]


async def test_a_session_is_closed(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, _, _):
        answer = {"closedAt": 1767225600, "reason": "SDK_REQUEST", "by": "us"}
        exchange.answers.append(http(200, json.dumps(answer)))
        closure = await client.sessions.close("s 1/2?#ü")
    assert closure == SessionClosure(1767225600, "SDK_REQUEST")
    line, headers = take_apart(exchange.asked[0])
    assert line == "POST /public/v1/sessions/s%201%2F2%3F%23%C3%BC/close HTTP/1.1"
    assert headers["content-length"] == "0"
    assert headers["x-api-key"] == API_KEY


@pytest.mark.parametrize("body", ['{"code":"SESSION_NOT_FOUND","message":"no"}', "", "gone"])
async def test_one_that_is_not_found_was_closed_before(exchange: FakeExchange, body: str) -> None:
    async with exchange.open_client() as (client, _, _):
        exchange.answers.append(http(404, body))
        assert await client.sessions.close("s-1") == SessionClosure(None, "")


@pytest.mark.parametrize("body", ["{}", '{"closedAt":1}', '{"reason":"x"}', '{"closedAt":"1"}'])
async def test_a_closing_without_its_facts_is_an_error(exchange: FakeExchange, body: str) -> None:
    async with exchange.open_client() as (client, _, _):
        exchange.answers.append(http(200, body))
        with pytest.raises(WSSConnectionError, match="makes no sense"):
            await client.sessions.close("s-1")


@pytest.mark.parametrize(("code", "kind"), SESSION_ERRORS.items())
async def test_each_code_is_an_error_of_its_class(
    exchange: FakeExchange, code: str, kind: type[WSSSessionError]
) -> None:
    async with exchange.open_client() as (client, _, _):
        exchange.answers.extend([http(400, json.dumps({"code": code, "message": "why"}))] * 2)
        with pytest.raises(WSSSessionError, match=rf"to list sessions \({code}\): why") as listing:
            await client.sessions.list()
        with pytest.raises(WSSSessionError) as closing:
            await client.sessions.close("s-1")
    assert type(listing.value) is type(closing.value) is kind
    assert listing.value.error_message == "why"
    assert (listing.value.session_id, closing.value.session_id) == (None, "s-1")


async def test_a_new_code_is_an_error_without_a_class(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, _, _):
        exchange.answers.append(http(500, '{"code":"SOMETHING_NEW"}'))
        with pytest.raises(WSSSessionError) as caught:
            await client.sessions.list()
    assert type(caught.value) is WSSSessionError
    assert (caught.value.error_code, caught.value.error_message) == ("SOMETHING_NEW", None)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, WSSAuthenticationError),
        (403, WSSAuthenticationError),
        (404, WSSConnectionError),
        (426, WSSVersionError),
        (429, WSSUnavailableError),
        (502, WSSConnectionError),
        (503, WSSUnavailableError),
        (204, WSSConnectionError),
    ],
)
async def test_without_a_code_the_status_tells(
    exchange: FakeExchange, status: int, kind: type[WSSConnectionError]
) -> None:
    async with exchange.open_client() as (client, _, _):
        exchange.answers.append(http(status, "<html>no</html>", Retry_After="3"))
        with pytest.raises(WSSConnectionError) as caught:
            await client.sessions.list()
    assert type(caught.value) is kind
    assert caught.value.status_code == status
    assert caught.value.retry_after == 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(exchange: FakeExchange, status: int) -> None:
    async with exchange.open_client() as (client, _, _):
        exchange.answers.append(http(status, "", Location="http://elsewhere/public/v1/sessions"))
        with pytest.raises(WSSConnectionError, match="redirects are not followed"):
            await client.sessions.list()
    assert [attempt.host for attempt in exchange.attempts] == ["exchange", "exchange"]


async def test_words_of_a_refusal_are_quoted(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, _, _):
        refusal = {"code": "FORBIDDEN", "message": f"not\nwith {API_KEY}"}
        exchange.answers.append(http(403, json.dumps(refusal)))
        with pytest.raises(WSSForbiddenError) as caught:
            await client.sessions.list()
    assert caught.value.error_message == "notwith ***"


async def test_no_log_shows_a_number(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with exchange.open_client() as (client, _, _):
        exchange.answers.append(http(200, '{"items":[]}', X_Quoted=f"+6591110000 {API_KEY}"))
        await client.sessions.list(remote_address="+6591110000")
        exchange.answers.append(http(302, Location="/public/v1/sessions?remoteAddress=6591110000"))
        with pytest.raises(WSSConnectionError) as caught:
            await client.sessions.list(remote_address="+6591110000")
        assert "6591110000" not in f"{client.sessions!r} {caught.value!r}"
    assert "sessions" not in caplog.text
    assert "6591110000" not in caplog.text


async def test_nothing_comes_for_30_s(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, _, _):
        exchange.answers.append(SILENCE)
        started_at = trio.current_time()
        with pytest.raises(WSSConnectionError, match="exchange:80: no answer within 30 s"):
            await client.sessions.list()
        assert trio.current_time() - started_at == 30


async def test_what_comes_too_slowly_is_given_up(exchange: FakeExchange) -> None:
    async def trickle(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        for byte in found(ITEM):
            await stream.send_all(bytes([byte]))
            await trio.sleep(5)

    async with exchange.open_client() as (client, _, _):
        exchange.answers.append(trickle)
        started_at = trio.current_time()
        with pytest.raises(WSSConnectionError, match="no answer within 30 s"):
            await client.sessions.list()
        assert trio.current_time() - started_at == 30


async def test_cancellation_drops_the_connection(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, control, _):
        exchange.answers.append(SILENCE)
        with trio.move_on_after(1) as scope:
            await client.sessions.list()
        assert scope.cancelled_caught
        assert trio.current_time() == 1
        with pytest.raises(trio.ClosedResourceError):
            await exchange.sdk_ends[-1].send_all(b"x")
        # The control connection is not concerned.
        await control.ring("s")


async def test_where_nobody_listens_it_says_so(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, _, _):
        exchange.answers.append(ConnectionRefusedError("refused"))
        with pytest.raises(WSSUnreachableError, match="no connection to exchange:80"):
            await client.sessions.list()


async def test_the_exchange_is_verified_as_for_websockets(exchange: FakeExchange) -> None:
    authority, other = trustme.CA(), trustme.CA()
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    exchange.ssl_context = _server_context(authority)
    config = exchange.config(base_url="wss://exchange", ssl_context=trusting)
    async with open_call_client(config) as client:
        exchange.answers.append(found(ITEM))
        assert len(await client.sessions.list()) == 1
        exchange.ssl_context = _server_context(other)
        with pytest.raises(WSSTLSError, match="does not verify"):
            await client.sessions.list()
    assert [attempt.port for attempt in exchange.attempts] == [443, 443, 443]


async def test_a_certificate_is_given_in_place_of_a_key(
    exchange: FakeExchange, tmp_path: Path
) -> None:
    authority = trustme.CA()
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    exchange.ssl_context = _server_context(authority)
    exchange.ssl_context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(exchange.ssl_context)
    ours = authority.issue_cert("agent")
    ours.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    ours.private_key_pem.write_to_path(tmp_path / "key.pem")
    config = exchange.config(
        api_key=None,
        connector_uuid=None,
        cert_path=tmp_path / "cert.pem",
        key_path=tmp_path / "key.pem",
        base_url="wss://exchange",
        ssl_context=trusting,
    )
    async with open_call_client(config) as client:
        exchange.answers.append(found(ITEM))
        assert len(await client.sessions.list()) == 1
    _, headers = take_apart(exchange.asked[0])
    assert headers["x-api-key"] is headers["x-connector-uuid"] is None


def _server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("exchange").configure_cert(context)
    return context


@pytest.mark.parametrize("wanted", ["", "a\nb", "x" * 513, "\ud800"])
async def test_what_makes_no_sense_is_not_asked(exchange: FakeExchange, wanted: str) -> None:
    async with exchange.open_client() as (client, _, _):
        for ask in (
            lambda: client.sessions.list(wanted),
            lambda: client.sessions.list(remote_address=wanted),
            lambda: client.sessions.close(wanted),
            lambda: client.sessions.create("TELCO", wanted),
        ):
            with pytest.raises(ValueError, match="1 to 512 printable characters") as caught:
                await ask()
            assert not wanted or wanted not in str(caught.value)
    assert len(exchange.attempts) == 1


async def test_ids_that_lead_elsewhere_are_not_asked_for(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, _, _):
        for session_id in (".", ".."):
            with pytest.raises(ValueError, match="other addresses"):
                await client.sessions.close(session_id)
        with pytest.raises(TypeError, match="session_id must be text, not int"):
            await client.sessions.close(7)  # type: ignore[arg-type]
    assert len(exchange.attempts) == 1


@pytest.mark.parametrize("missing", ["httpx", "httpcore"])
async def test_without_the_extra_an_error_names_it(
    exchange: FakeExchange, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, "trio_calls.transport.http", raising=False)
    async with exchange.open_client() as (client, _, _):
        with pytest.raises(ModuleNotFoundError, match="install the extra 'sessions'"):
            await client.sessions.list()


async def test_where_no_thread_can_be_started(
    exchange: FakeExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*args: object, **kwargs: object) -> None:
        await trio.lowlevel.checkpoint()
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(trio.to_thread, "run_sync", refuse)
    async with exchange.open_client() as (client, _, _):
        exchange.answers.append(found(ITEM))
        assert len(await client.sessions.list()) == 1


async def test_nobody_waits_for_the_import(
    exchange: FakeExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope, released = trio.CancelScope(), threading.Event()

    def import_slowly(name: str) -> None:
        trio.from_thread.run_sync(scope.cancel)
        released.wait(60)

    monkeypatch.setattr("trio_calls.client.sessions.import_module", import_slowly)
    async with exchange.open_client() as (client, _, _):
        with scope:
            await client.sessions.list()
        released.set()
        assert scope.cancelled_caught
        assert len(exchange.attempts) == 1
