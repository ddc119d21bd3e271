"""Certificates for the exchange, from an authority made up for one run."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

import trustme

from benchmarks.exchange.exchange import HOST

_FILE: Final = "authority.pem"


class Certificates:
    """An authority, and the exchange's certificate.

    Args:
      directory: where the authority's own certificate is written, for agents to trust.

    Attributes:
      authority: its path. Every client verifies with it if SSL_CERT_FILE names it.
    """

    def __init__(self, directory: Path) -> None:
        authority = trustme.CA()
        self.authority = directory / _FILE
        authority.cert_pem.write_to_path(str(self.authority))
        self._certificate = authority.issue_cert(HOST)

    def server_context(self) -> ssl.SSLContext:
        """Make a context for the exchange."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._certificate.configure_cert(context)
        return context
