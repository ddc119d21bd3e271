"""With which headers an SDK says what it is."""

from __future__ import annotations

from typing import Final

from trio_calls._version import __version__
from trio_calls.config import ClientConfig

#: The program that opens a connection. An exchange may log it, and decides nothing by it.
USER_AGENT: Final = f"trio_calls/{__version__}"


def sdk_headers(config: ClientConfig) -> dict[str, str]:
    """Return the headers that every request to an exchange has.

    The version of the wire is what an exchange goes by: it refuses one that is too old.
    """
    headers = {"User-Agent": USER_AGENT, "x-sdk-version": config.wire_version}
    if config.wire == "second":
        # It is to replace the other, which older exchanges look at.
        headers["x-sdk-client"] = f"python/{config.wire_version}"
    return headers
