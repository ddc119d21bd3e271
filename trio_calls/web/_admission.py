"""Who may have the page, and who may connect to it, as far as headers and the token tell. Pure."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import attrs

from trio_calls.simulator.exchange.admission import HostNames
from trio_calls.web._tickets import Tickets


@attrs.frozen
class PageAdmission:
    """What a request must come with.

    Attributes:
      token: what the address of the page holds.
      host_names: what ``Host`` must be one of.
      tickets: with one of them the address of the page is told.
    """

    token: str = attrs.field(repr=False)
    host_names: HostNames
    tickets: Tickets = attrs.field(factory=Tickets, repr=False)

    def knows_host(self, headers: Mapping[str, str]) -> bool:
        """Return whether a request is for this server, under a name that is known to lead here."""
        return self.host_names.has(headers.get("host", ""))

    def has_token(self, query: Mapping[str, str]) -> bool:
        """Return whether a request comes from somebody who was given the address."""
        given = query.get("token", "").encode(errors="replace")
        return secrets.compare_digest(given, self.token.encode())

    def is_own_page(self, headers: Mapping[str, str], scheme: str) -> bool:
        """Return whether it is a page of this server that wants to connect, and no other site's.

        Args:
          headers: those of the request.
          scheme: the scheme of this server's pages.
        """
        return headers.get("origin", "").lower() == f"{scheme}://{headers.get('host', '')}".lower()
