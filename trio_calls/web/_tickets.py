"""Addresses that lead to the page once, for where others can read them. Pure."""

from __future__ import annotations

import secrets


class Tickets:
    """Tickets that were issued, and not used yet.

    The arguments of a process are no secret: whoever is logged in can list them. So the browser is
    not started with the page's address, which is good for as long as the page is served.
    """

    def __init__(self) -> None:
        self._unused: set[str] = set()

    def issue(self) -> str:
        """Make a ticket."""
        ticket = secrets.token_urlsafe(16)
        self._unused.add(ticket)
        return ticket

    def redeem(self, ticket: str) -> bool:
        """Return whether a ticket is good. It is not any more, then."""
        if ticket not in self._unused:
            return False
        self._unused.remove(ticket)
        return True
