"""Why there is no connection, as a sentence on what to do about it.

::

    WebSocketError ──► explain_control ──► WSSConnectionError and its kinds
                   ──► explain_media   ──► WSSMediaError
                   ──► explain_request ──► WSSConnectionError of an HTTP request
                   ──► explain_check   ──► a line of ``trio-calls check``
    WebSocketClosed ─► explain_loss    ──► WSSConnectionError
                   ──► without_secrets ──► WSSMediaError of the call, whose ending makes it

What the transport raises says what went wrong. Only here is it known who asked, and so what can be
done: look at a setting, at this machine, or at the exchange. An exchange that refuses a handshake
may quote our credentials back at us, and so may one that closes a connection. So what it says has
its secrets blotted out in all of these, and is shown to nobody before.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from trio_calls._quoting import printable
from trio_calls._quoting import without_secrets as blotted
from trio_calls.config import ClientConfig, variable_of
from trio_calls.errors import (
    WSSAuthenticationError,
    WSSConnectionError,
    WSSMediaError,
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
    WebSocketClosed,
    WebSocketError,
    port_of,
)

_REFUSALS: Final[dict[int, tuple[type[WSSConnectionError], str]]] = {
    401: (WSSAuthenticationError, "the exchange does not know these credentials"),
    403: (WSSAuthenticationError, "the exchange does not allow these credentials"),
    426: (WSSVersionError, "this trio_calls is too old: install a newer version"),
    429: (WSSUnavailableError, "the exchange takes no connections just now: try again later"),
    503: (WSSUnavailableError, "the exchange takes no connections just now: try again later"),
}


def explain_control(error: WebSocketError, config: ClientConfig) -> WSSConnectionError:
    """Make the error for a control connection that could not be opened."""
    host, port = _address(config)
    where, variable = f"{host}:{port}", variable_of(config, "base_url")
    reason = _without_secrets(str(error), config)
    match error:
        case HostUnreachable():
            return WSSUnreachableError(
                f"no connection to {where} ({reason}): is the exchange running there, and is "
                f"{variable} right?"
            )
        case TLSFailed():
            return WSSTLSError(
                f"no TLS connection to {where}: {reason}; check the host in {variable}, give an "
                "authority of your own as ssl_context=, and check WSS_CERT_PATH for mutual TLS"
            )
        case HandshakeRefused(status_code=status_code, retry_after=retry_after):
            kind, advice = _explain_status(status_code, config, where)
            return kind(f"{advice} ({reason})", status_code=status_code, retry_after=retry_after)
        case _:
            return WSSConnectionError(
                f"no WebSocket at {where}: {reason}; is {variable} the address of an exchange?"
            )


def explain_request(error: WebSocketError, config: ClientConfig) -> WSSConnectionError:
    """Make the error for an HTTP request without an answer, or with one that makes no sense."""
    if isinstance(error, HostUnreachable | TLSFailed):
        return explain_control(error, config)
    host, port = _address(config)
    reason = _without_secrets(str(error), config)
    return WSSConnectionError(f"no answer to an HTTP request from {host}:{port}: {reason}")


def _explain_status(
    status_code: int, config: ClientConfig, where: str
) -> tuple[type[WSSConnectionError], str]:
    kind, advice = _REFUSALS.get(
        status_code,
        (
            WSSConnectionError,
            f"{where} is no exchange that trio_calls can talk to: "
            f"check {variable_of(config, 'base_url')} (redirects are not followed)",
        ),
    )
    if kind is WSSAuthenticationError:
        advice += f": check {credential_variables(config)}"
    return kind, advice


def credential_variables(config: ClientConfig) -> str:
    """Name the two variables that say who we are."""
    names = ("api_key", "connector_uuid") if config.api_key else ("cert_path", "key_path")
    return " and ".join(variable_of(config, name) for name in names)


def explain_loss(
    closed: WebSocketClosed, config: ClientConfig, *, connected: bool
) -> WSSConnectionError:
    """Make the error for a control connection that the exchange has ended.

    Args:
      closed: how it ended.
      config: the settings with which the connection was opened.
      connected: whether the exchange had finished the setup.
    """
    words = without_secrets(closed, config).words
    if not connected:
        return WSSConnectionError(
            f"the exchange ended the connection during the setup{words and f' ({words})'}: does it "
            f"support a sample rate of {config.sample_rate} Hz (WSS_SAMPLE_RATE)?"
        )
    if words:
        return WSSConnectionError(f"the exchange has closed the connection ({words})")
    return WSSConnectionError("the connection to the exchange was lost")


def explain_media(error: WebSocketError, config: ClientConfig, token: str) -> WSSMediaError:
    """Make the error for a call's media connection that could not be opened.

    Its address and its token come from the exchange, so there is no setting to look at.
    """
    reason = _without_secrets(str(error), config, token)
    return WSSMediaError(f"the media connection could not be opened: {reason}")


def without_secrets(
    closed: WebSocketClosed, config: ClientConfig, token: str | None = None
) -> WebSocketClosed:
    """Return the end of a connection with our credentials blotted out of its reason."""
    return WebSocketClosed(closed.code, _without_secrets(closed.reason, config, token))


def quote(words: str, config: ClientConfig, token: str | None = None) -> str:
    """Make words of the exchange fit for logs and errors: it may quote our credentials."""
    return _without_secrets(printable(words), config, token)


def explain_check(error: WebSocketError, config: ClientConfig) -> str:
    """Return what ``trio-calls check`` says of a step that failed below the WebSocket.

    Whoever runs it sits at the machine, so it is this machine that can be looked at.
    """
    host, port = _address(config)
    reason = _without_secrets(error.reason if isinstance(error, TLSFailed) else str(error), config)
    match error:
        case HostUnreachable():
            return (
                f"no connection to {host} port {port} ({reason}): is the exchange running there, "
                "and does a firewall let this out?"
            )
        case ServerUnverified():
            return (
                f"{host} cannot be verified ({reason}): check the host in "
                f"{variable_of(config, 'base_url')}, this machine's clock, and its certificate "
                "authorities"
            )
        case _:
            return f"no TLS with {host} ({reason}): does that port speak wss://?"


def _address(config: ClientConfig) -> tuple[str | None, int]:
    parts = urlsplit(config.base_url)
    return parts.hostname, port_of(parts)


def _without_secrets(text: str, config: ClientConfig, token: str | None = None) -> str:
    return blotted(text, (config.api_key, config.connector_uuid, token))
