"""The certificate that the page is served with."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterable

import attrs
import trustme


@attrs.frozen
class MadeCertificate:
    """A certificate that was made just now, which no browser trusts before somebody says so.

    Attributes:
      context: what to serve with.
      fingerprint: its SHA-256, as browsers show it.
    """

    context: ssl.SSLContext
    fingerprint: str


def make_certificate(names: Iterable[str]) -> MadeCertificate:
    """Make a certificate for names and addresses of this machine. Its key is kept nowhere."""
    certificate = trustme.CA().issue_cert(*names)
    context = _server_context()
    certificate.configure_cert(context)
    der = ssl.PEM_cert_to_DER_cert(certificate.cert_chain_pems[0].bytes().decode())
    return MadeCertificate(context, hashlib.sha256(der).digest().hex(":").upper())


def load_certificate(cert_path: str, key_path: str) -> ssl.SSLContext:
    """Load a certificate and its key from files of PEM.

    Raises:
      OSError: they cannot be read, or do not belong together (`ssl.SSLError` is one).
    """
    context = _server_context()
    # Without an answer, OpenSSL would ask for a password on the terminal.
    context.load_cert_chain(cert_path, key_path, password="")
    return context


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
