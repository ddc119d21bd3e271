"""The TLS context of a client. It always verifies the exchange."""

from __future__ import annotations

import ssl

from trio_calls.config import ClientConfig
from trio_calls.errors import WSSConfigError, WSSTLSError


def make_ssl_context(config: ClientConfig) -> ssl.SSLContext | None:
    """Make the context for all TLS connections of a client, or return None if it has none.

    A context of the application's own is used as it is, with the client certificate added.

    Raises:
      WSSConfigError: the certificate or its key cannot be used, or `ssl_context` verifies nothing.
      WSSTLSError: this machine's authorities cannot be loaded.
    """
    if not config.base_url.startswith("wss://"):
        return None
    try:
        context = config.ssl_context or ssl.create_default_context()
    except OSError as error:
        raise WSSTLSError(f"TLS cannot be set up on this machine: {_reason(error)}") from None
    if context.verify_mode is not ssl.CERT_REQUIRED or not context.check_hostname:
        raise WSSConfigError(
            "ssl_context does not verify the exchange: use ssl.create_default_context(), "
            "with cafile= for an authority of your own"
        )
    if config.cert_path is not None:
        _load_certificate(context, config)
    return context


def _load_certificate(context: ssl.SSLContext, config: ClientConfig) -> None:
    assert config.cert_path is not None
    try:
        context.load_cert_chain(config.cert_path, config.key_path, password=_no_password)
    except OSError as error:
        raise WSSConfigError(
            "the client certificate cannot be used: WSS_CERT_PATH and WSS_KEY_PATH (cert_path, "
            f"key_path) must name a PEM certificate and its unencrypted key ({_reason(error)})"
        ) from None


def _no_password() -> str:
    # Without this, OpenSSL would stop the whole program to ask at the terminal.
    return ""


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "not PEM"
    return error.strerror or type(error).__name__
