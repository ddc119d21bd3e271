"""The first connection: what can go wrong with it, each as a plain error that says what to do."""

import logging
import re
import socket
import traceback
from collections.abc import Awaitable, Callable

import attrs
import pytest
import trio

from tests.support.peers.exchange import (
    API_KEY,
    CONNECTOR_UUID,
    SILENCE,
    Answer,
    FakeExchange,
    http,
)
from trio_calls import (
    ActiveCall,
    ClientConfig,
    WSSAuthenticationError,
    WSSConnectionError,
    WSSUnavailableError,
    WSSUnreachableError,
    WSSVersionError,
    open_call_client,
    serve_calls,
)


def handle(call: ActiveCall) -> None:
    pytest.fail("no call can come")


async def open_and_leave(config: ClientConfig) -> None:
    async with open_call_client(config):
        pytest.fail("it never stood")


async def serve(config: ClientConfig) -> None:
    await serve_calls(handle, config)


connecting = pytest.mark.parametrize("connect", [open_and_leave, serve])

Connect = Callable[[ClientConfig], Awaitable[None]]


@attrs.frozen
class Failure:
    """What becomes of a connection, and what is raised for it."""

    answer: Answer
    error_class: type[WSSConnectionError]
    status_code: int | None
    advice: str


CREDENTIALS = "WSS_API_KEY and WSS_CONNECTOR_UUID"
REDIRECT = "redirects are not followed"

FAILURES = [
    Failure(ConnectionRefusedError("refused"), WSSUnreachableError, None, "WSS_BASE_URL"),
    Failure(OSError("no route"), WSSUnreachableError, None, "is the exchange running"),
    Failure(socket.gaierror(-2, "no such name"), WSSUnreachableError, None, "WSS_BASE_URL"),
    Failure(http(401, "unknown key"), WSSAuthenticationError, 401, CREDENTIALS),
    Failure(http(403, "forbidden"), WSSAuthenticationError, 403, CREDENTIALS),
    Failure(http(426, "too old"), WSSVersionError, 426, "install a newer version"),
    Failure(http(429, "slow down"), WSSUnavailableError, 429, "try again later"),
    Failure(http(503, "maintenance"), WSSUnavailableError, 503, "try again later"),
    Failure(http(301, Location="ws://elsewhere/"), WSSConnectionError, 301, REDIRECT),
    Failure(http(302, Location="ws://elsewhere/"), WSSConnectionError, 302, REDIRECT),
    Failure(http(307, Location="ws://elsewhere/"), WSSConnectionError, 307, REDIRECT),
    Failure(http(200, "a web page"), WSSConnectionError, 200, "WSS_BASE_URL"),
    Failure(http(404, "not here"), WSSConnectionError, 404, "WSS_BASE_URL"),
    Failure(http(500, "broken"), WSSConnectionError, 500, "WSS_BASE_URL"),
    Failure(b"SSH-2.0-OpenSSH\r\n\r\n", WSSConnectionError, None, "WSS_BASE_URL"),
    Failure(b"", WSSConnectionError, None, "WSS_BASE_URL"),
    Failure(SILENCE, WSSConnectionError, None, "no answer within 10 s"),
]


@connecting
@pytest.mark.parametrize("failure", FAILURES)
async def test_each_failure_has_its_own_plain_error_with_advice(
    exchange: FakeExchange, connect: Connect, failure: Failure
) -> None:
    exchange.answers.append(failure.answer)
    with pytest.raises(WSSConnectionError, match=re.escape(failure.advice)) as caught:
        await connect(exchange.config())
    assert type(caught.value) is failure.error_class
    assert caught.value.status_code == failure.status_code
    assert trio.current_time() == (10 if failure.answer is SILENCE else 0)
    assert [attempt.host for attempt in exchange.attempts] == ["exchange"]


@pytest.mark.parametrize("answer", [http(401, "the key has expired"), http(503, "until noon")])
async def test_the_reason_that_the_exchange_gives_is_told(
    exchange: FakeExchange, answer: bytes
) -> None:
    exchange.answers.append(answer)
    reason = answer.decode().rpartition("\r\n")[2]
    with pytest.raises(WSSConnectionError, match=reason):
        await open_and_leave(exchange.config())


async def test_when_to_come_back_is_told(exchange: FakeExchange) -> None:
    exchange.answers.append(http(503, Retry_After="17"))
    with pytest.raises(WSSUnavailableError) as caught:
        await open_and_leave(exchange.config())
    assert caught.value.retry_after == 17


@pytest.mark.parametrize(
    "body",
    [
        f"no such key: {API_KEY}",
        f"{CONNECTOR_UUID} has no key {API_KEY}, {API_KEY}",
        f"key={API_KEY[:5]}\0{API_KEY[5:]}",
        # The end of a long reason is cut off, perhaps in the middle of the key.
        *("x" * (200 - cut) + API_KEY for cut in range(8, len(API_KEY) + 1, 4)),
    ],
)
@pytest.mark.parametrize("status", [401, 403, 404, 426, 503])
async def test_credentials_that_the_exchange_quotes_never_show(
    exchange: FakeExchange, status: int, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    config = exchange.config()
    exchange.answers.append(http(status, body))
    with pytest.raises(WSSConnectionError) as caught:
        await open_and_leave(config)
    error = caught.value
    shown = "".join(traceback.format_exception(error)) + repr(error) + str(error.args)
    for secret in (API_KEY, CONNECTOR_UUID):
        assert secret[:6] not in shown + repr(config) + caplog.text


async def test_credentials_quoted_while_reconnecting_are_not_logged(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with open_call_client(exchange.config()) as client:
        exchange.answers.append(http(503, f"{API_KEY} {CONNECTOR_UUID}"))
        await (await exchange.control()).cut()
        await exchange.control()
        assert API_KEY not in repr(client)
        assert CONNECTOR_UUID not in repr(client)
    assert "HTTP 503" in caplog.text
    assert API_KEY not in caplog.text
    assert CONNECTOR_UUID not in caplog.text


@pytest.mark.parametrize("stage", ["stream", "handshake", "setup"])
@pytest.mark.parametrize("serving", [False, True])
async def test_connecting_can_be_cancelled_at_once(
    exchange: FakeExchange, stage: str, serving: bool
) -> None:
    match stage:
        case "stream":
            exchange.delay = 9
        case "handshake":
            exchange.answers.append(SILENCE)
        case "setup":
            exchange.finishes_setup = False
    with trio.move_on_after(3) as scope:
        await (serve if serving else open_and_leave)(exchange.config())
    assert scope.cancelled_caught
    # On a connection that stands, the goodbye is said; everything else is dropped.
    assert trio.current_time() == 3
