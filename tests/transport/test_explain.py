"""Errors of the transport, in the words of whoever has to do something about them."""

import re
from collections.abc import Callable

import pytest

from trio_calls import (
    ClientConfig,
    WSSAuthenticationError,
    WSSConnectionError,
    WSSTLSError,
    WSSUnavailableError,
    WSSUnreachableError,
    WSSVersionError,
)
from trio_calls.transport import (
    HandshakeRefused,
    HostUnreachable,
    ServerUnverified,
    TLSFailed,
    WebSocketError,
)
from trio_calls.transport._interface import PlainRequestAnswered
from trio_calls.transport.explain import explain_check, explain_control, explain_media

pytestmark = pytest.mark.pure


def sandbox(
    base_url: str = "ws://exchange", api_key: str = "the-key", connector_uuid: str = "the-uuid"
) -> ClientConfig:
    return ClientConfig.sandbox(api_key=api_key, connector_uuid=connector_uuid, base_url=base_url)


PRODUCTION = ClientConfig.production(cert_path="cert.pem", key_path="key.pem")


CASES: list[tuple[WebSocketError, type[WSSConnectionError], str]] = [
    (HostUnreachable("refused"), WSSUnreachableError, "WSS_BASE_URL"),
    (TLSFailed("expired"), WSSTLSError, "WSS_BASE_URL"),
    (TLSFailed("expired"), WSSTLSError, "ssl_context="),
    (TLSFailed("expired"), WSSTLSError, "WSS_CERT_PATH"),
    (ServerUnverified("self-signed"), WSSTLSError, "WSS_BASE_URL"),
    (WebSocketError("nonsense"), WSSConnectionError, "WSS_BASE_URL"),
    (HandshakeRefused(401, ""), WSSAuthenticationError, "WSS_API_KEY"),
    (HandshakeRefused(403, ""), WSSAuthenticationError, "WSS_CONNECTOR_UUID"),
    (HandshakeRefused(426, ""), WSSVersionError, "install a newer version"),
    (HandshakeRefused(429, ""), WSSUnavailableError, "later"),
    (HandshakeRefused(503, ""), WSSUnavailableError, "later"),
    (HandshakeRefused(302, ""), WSSConnectionError, "redirects are not followed"),
    (HandshakeRefused(418, ""), WSSConnectionError, "WSS_BASE_URL"),
]


@pytest.mark.parametrize(("error", "error_class", "advice"), CASES)
def test_every_error_has_its_class_and_its_advice(
    error: WebSocketError, error_class: type[WSSConnectionError], advice: str
) -> None:
    explained = explain_control(error, sandbox())
    assert type(explained) is error_class
    assert advice in str(explained)


def subclasses(error_class: type[Exception]) -> set[type[Exception]]:
    """All kinds of an error, with itself."""
    return {error_class}.union(*map(subclasses, error_class.__subclasses__()))


def test_no_error_of_either_side_is_left_out() -> None:
    # The last is a server's affair: no client asks itself for no WebSocket.
    kinds = subclasses(WebSocketError) - {PlainRequestAnswered}
    assert {type(error) for error, _, _ in CASES} == kinds
    assert {error_class for _, error_class, _ in CASES} == subclasses(WSSConnectionError)


@pytest.mark.parametrize("status", [401, 403])
def test_who_has_a_certificate_is_not_told_to_find_a_key(status: int) -> None:
    explained = str(explain_control(HandshakeRefused(status, ""), PRODUCTION))
    assert "WSS_CERT_PATH and WSS_KEY_PATH" in explained
    assert "WSS_API_KEY" not in explained


def test_status_reason_and_time_of_a_refusal_are_kept() -> None:
    explained = explain_control(HandshakeRefused(503, "maintenance", 60), sandbox())
    assert explained.status_code == 503
    assert explained.retry_after == 60
    assert "HTTP 503: maintenance" in str(explained)


@pytest.mark.parametrize(
    ("base_url", "where"),
    [
        ("ws://exchange", "exchange:80"),
        ("wss://exchange", "exchange:443"),
        ("ws://exchange:8080/path", "exchange:8080"),
    ],
)
@pytest.mark.parametrize(
    "error",
    [
        HostUnreachable("refused"),
        TLSFailed("expired"),
        WebSocketError("no"),
        HandshakeRefused(404, ""),
    ],
)
def test_host_and_port_are_named(base_url: str, where: str, error: WebSocketError) -> None:
    assert re.search(rf"\b{where}\b", str(explain_control(error, sandbox(base_url))))


@pytest.mark.parametrize(
    ("error", "finding", "advice"),
    [
        (
            HostUnreachable("refused"),
            "no connection to exchange port 443 (refused)",
            "is the exchange running there, and does a firewall let this out?",
        ),
        (
            ServerUnverified("self-signed"),
            "exchange cannot be verified (self-signed)",
            "check the host in WSS_BASE_URL, this machine's clock, and its certificate authorities",
        ),
        (
            TLSFailed("WRONG_VERSION_NUMBER"),
            "no TLS with exchange (WRONG_VERSION_NUMBER)",
            "does that port speak wss://?",
        ),
        (
            WebSocketError("the connection broke"),
            "no TLS with exchange (the connection broke)",
            "does that port speak wss://?",
        ),
    ],
)
def test_a_failed_check_says_what_to_look_at_here(
    error: WebSocketError, finding: str, advice: str
) -> None:
    assert explain_check(error, sandbox("wss://exchange")) == f"{finding}: {advice}"


EXPLAINED: dict[str, Callable[[WebSocketError, ClientConfig], str]] = {
    "control": lambda error, config: str(explain_control(error, config)),
    "media": lambda error, config: str(explain_media(error, config, "the-token")),
    "check": explain_check,
}


@pytest.mark.parametrize("asker", EXPLAINED)
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key the-key, uuid the-uuid", "key ***, uuid ***"),
        ("the-keythe-key", "******"),
        ("nothing secret", "nothing secret"),
        ("cut off: the-ke", "cut off: ***"),
        ("cut off: the-uui", "cut off: ***"),
        ("ends with the", "ends with the"),
    ],
)
def test_secrets_are_blotted_out(asker: str, text: str, shown: str) -> None:
    assert shown in EXPLAINED[asker](WebSocketError(text), sandbox())


def test_the_token_of_a_call_is_blotted_out_too() -> None:
    error = HandshakeRefused(401, "what is the-token?")
    assert str(explain_media(error, PRODUCTION, "the-token")).endswith("HTTP 401: what is ***?")


@pytest.mark.parametrize(
    ("api_key", "connector_uuid"), [("secret", "secret-and-more"), ("secret-and-more", "secret")]
)
def test_a_secret_that_holds_the_other_is_blotted_out_whole(
    api_key: str, connector_uuid: str
) -> None:
    config = sandbox(api_key=api_key, connector_uuid=connector_uuid)
    explained = explain_control(HandshakeRefused(401, "a secret-and-more, b secret!"), config)
    assert "a ***, b ***!" in str(explained)


def test_without_an_api_key_nothing_has_to_be_blotted_out() -> None:
    explained = explain_control(HandshakeRefused(401, "anything"), PRODUCTION)
    assert str(explained).endswith("(HTTP 401: anything)")
