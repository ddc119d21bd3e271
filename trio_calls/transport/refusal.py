"""Turns what the transport could not do into an error with a sentence on what to do."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from trio_calls.config import ClientConfig
from trio_calls.errors import (
    WSSAuthenticationError,
    WSSConnectionError,
    WSSTLSError,
    WSSUnavailableError,
    WSSUnreachableError,
    WSSVersionError,
)
from trio_calls.transport import HandshakeRefused, HostUnreachable, TLSFailed, WebSocketError

_REFUSALS: Final[dict[int, tuple[type[WSSConnectionError], str]]] = {
    401: (WSSAuthenticationError, "the exchange does not know these credentials"),
    403: (WSSAuthenticationError, "the exchange does not allow these credentials"),
    426: (WSSVersionError, "this trio_calls is too old: run `pip install --upgrade trio-calls`"),
    429: (WSSUnavailableError, "the exchange takes no connections just now: try again later"),
    503: (WSSUnavailableError, "the exchange takes no connections just now: try again later"),
}

_BLOT: Final = "***"

#: So much of a secret's beginning tells nothing, and may well be part of something else.
_HARMLESS_LENGTH: Final = 3


def explain_refusal(error: WebSocketError, config: ClientConfig) -> WSSConnectionError:
    """Say what went wrong with the control connection, and what to do about it."""
    parts = urlsplit(config.base_url)
    where = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'wss' else 80)}"
    match error:
        case HostUnreachable():
            return WSSUnreachableError(
                f"no connection to {where} ({error}): is the exchange running there, and is "
                "WSS_BASE_URL right?"
            )
        case TLSFailed():
            return WSSTLSError(
                f"no TLS connection to {where}: {error}; check the host in WSS_BASE_URL, give an "
                "authority of your own as ssl_context=, and check WSS_CERT_PATH for mutual TLS"
            )
        case HandshakeRefused():
            return _explain_status(error, config, where)
        case _:
            return WSSConnectionError(
                f"no WebSocket at {where}: {error}; is WSS_BASE_URL the address of an exchange?"
            )


def _explain_status(
    refusal: HandshakeRefused, config: ClientConfig, where: str
) -> WSSConnectionError:
    kind, advice = _REFUSALS.get(
        refusal.status_code,
        (
            WSSConnectionError,
            f"{where} is no exchange that trio_calls can talk to: "
            "check WSS_BASE_URL (redirects are not followed)",
        ),
    )
    if kind is WSSAuthenticationError:
        advice += f": check {_credential_variables(config)}"
    return kind(
        f"{advice} ({without_secrets(str(refusal), config)})",
        status_code=refusal.status_code,
        retry_after=refusal.retry_after,
    )


def _credential_variables(config: ClientConfig) -> str:
    if config.api_key is not None:
        return "WSS_API_KEY and WSS_CONNECTOR_UUID"
    return "WSS_CERT_PATH and WSS_KEY_PATH"


def without_secrets(text: str, config: ClientConfig, token: str | None = None) -> str:
    """Blot out the credentials that an exchange may have quoted back at us."""
    secrets = filter(None, (config.api_key, config.connector_uuid, token))
    for secret in sorted(secrets, key=len, reverse=True):  # one may hold the other
        text = _without_cut_off(text.replace(secret, _BLOT), secret)
    return text


def _without_cut_off(text: str, secret: str) -> str:
    """Blot out a secret of which only the beginning is left: long reasons are cut off."""
    for length in range(len(secret) - 1, _HARMLESS_LENGTH, -1):
        if text.endswith(secret[:length]):
            return text[:-length] + _BLOT
    return text


def explain_loss(config: ClientConfig, *, stood: bool) -> WSSConnectionError:
    """Make the error for a connection that has ended.

    Args:
      config: with which it was opened.
      stood: whether the setup was done.
    """
    if stood:
        return WSSConnectionError("the connection to the exchange was lost")
    return WSSConnectionError(
        "the exchange ended the connection during the setup: does it support a sample rate of "
        f"{config.sample_rate} Hz (WSS_SAMPLE_RATE)?"
    )
