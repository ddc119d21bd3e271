"""The TLS context of a client. It always verifies the exchange."""

from __future__ import annotations

import os
import ssl

from trio_calls._logging import get_logger
from trio_calls.config import ClientConfig
from trio_calls.errors import WSSConfigError, WSSTLSError

logger = get_logger("trio_calls.tls")


class ClientTLS:
    """The TLS of all connections of a client.

    Many client certificates live for hours, and are renewed in their files while an agent runs. So
    each connection is opened with what is in them then.

    Args:
      config: the settings of the client.

    Raises:
      WSSConfigError, WSSTLSError: as `make_ssl_context`.
    """

    def __init__(self, config: ClientConfig) -> None:
        self._config = config
        self._files = _state_of_files(config)
        self._context = make_ssl_context(config)

    def context(self) -> ssl.SSLContext | None:
        """Return the context for a connection that is to be opened, or None if it has no TLS."""
        if self._context is not None and self._config.cert_path is not None:
            self._renew(self._context)
        return self._context

    def _renew(self, context: ssl.SSLContext) -> None:
        files = _state_of_files(self._config)
        if files == self._files:
            return
        self._files = files
        try:
            # Apart first: a context that is given half of a pair has no certificate any more.
            _load_certificate(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), self._config)
            _load_certificate(context, self._config)
        except WSSConfigError as error:
            logger.warning("the client certificate has changed, and the last is kept: %s", error)
        else:
            logger.info("the client certificate has changed")


def _state_of_files(config: ClientConfig) -> list[tuple[int, int, int] | None]:
    """Return what is different after the files of the certificate were written or replaced."""
    return [
        _state_of_file(path) for path in (config.cert_path, config.key_path) if path is not None
    ]


def _state_of_file(path: str | os.PathLike[str]) -> tuple[int, int, int] | None:
    try:
        state = os.stat(path)
    except OSError:
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns


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
