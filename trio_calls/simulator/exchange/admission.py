"""Who is let in to a simulator, as far as the headers of a handshake tell. Pure."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import attrs

from trio_calls.errors import WSSConfigError
from trio_calls.transport import HandshakeRequest, Rejection

#: The numbers of a version; what follows them, such as ``.dev1``, is not compared.
_RELEASE: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})*")

_LOCALHOST: Final = "localhost"


class HostNames:
    """The names under which a server may be called.

    A page on the web cannot read what another host sends it, but it can let its own name point to
    this machine, and then the browser takes the two for the same. Only the ``Host`` of the request
    still tells.

    Args:
      names: host names or addresses; ``localhost`` is always one.

    Raises:
      WSSConfigError: one is neither.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {_LOCALHOST}
        self._has_any_address = False
        for given in names:
            name = _name_of(_bracketed(given))
            if name is None:
                raise WSSConfigError(f"{given!r} is neither a host name nor an address")
            self._names.add(name)

    def add_bound(self, address: str) -> None:
        """Add an address that the server is bound to; the unspecified one is all of them."""
        parsed = ip_address(address)
        self._names.add(str(parsed))
        # An address, unlike a name, cannot be pointed elsewhere by a stranger.
        self._has_any_address |= parsed.is_unspecified

    def has(self, host_header: str) -> bool:
        """Return whether the ``Host`` of a request is one of them; its port does not matter."""
        name = _name_of(host_header)
        if name is None:
            return False
        return name in self._names or (self._has_any_address and _is_address(name))


def _as_browsers_write(origins: Iterable[str]) -> frozenset[str]:
    return frozenset(origin.lower().rstrip("/") for origin in origins)


@attrs.frozen
class Admission:
    """What a handshake must come with.

    Attributes:
      credentials: the headers that are checked, by lower-case name.
      host_names: what ``Host`` must be one of; None: any.
      origins: the web pages that may connect, as browsers name them: ``https://host:port``.
      minimum_sdk_version: what ``x-sdk-version`` must be at least; None: no SDK is too old.

    Raises:
      WSSConfigError: the minimum is no version.
    """

    credentials: Mapping[str, str] = attrs.field(repr=False)
    host_names: HostNames | None = None
    origins: frozenset[str] = attrs.field(default=frozenset(), converter=_as_browsers_write)
    minimum_sdk_version: str | None = None

    def __attrs_post_init__(self) -> None:
        minimum = self.minimum_sdk_version
        if minimum is not None and _release(minimum) is None:
            raise WSSConfigError(f"minimum_sdk_version must be like 1.2.3, not {minimum!r}")

    def refuse_stranger(self, request: HandshakeRequest) -> Rejection | None:
        """Refuse what somebody's browser was talked into, whatever it asks for."""
        if self.host_names and not self.host_names.has(request.headers.get("host", "")):
            return Rejection(
                421,
                "this simulator is not known by the Host of the request: connect to the address "
                "that it serves on, or open it with that name among allowed_hosts (--allow-host)",
            )
        origin = request.headers.get("origin")
        if origin is not None and origin not in self.origins:
            return Rejection(
                403,
                "web pages may not connect: leave Origin out, or open the simulator with it among "
                "allowed_origins (--allow-origin)",
            )
        return None

    def refuse_wrong(self, request: HandshakeRequest, *headers: str) -> Rejection | None:
        """Refuse who does not have the credentials in these headers."""
        for header in headers:
            given = request.headers.get(header, "")
            if not secrets.compare_digest(
                given.encode(errors="replace"), self.credentials[header].encode()
            ):
                return Rejection(401, f"{header} is missing, or not the one of this simulator")
        return None

    def refuse_outdated(self, request: HandshakeRequest) -> Rejection | None:
        """Refuse an SDK that is too old, or does not say how old it is."""
        minimum = self.minimum_sdk_version
        if minimum is None:
            return None
        release = _release(_sdk_version(request))
        if release is not None and release >= (_release(minimum) or []):
            return None
        return Rejection(
            426,
            f"x-sdk-version must be {minimum} or newer, and is "
            + ("missing" if release is None else "older"),
        )


def _sdk_version(request: HandshakeRequest) -> str:
    """Return the version of an SDK, which newer ones say behind their language."""
    client = request.headers.get("x-sdk-client", "").rpartition("/")[2]
    return request.headers.get("x-sdk-version", client)


def _release(version: str) -> list[int] | None:
    match = _RELEASE.match(version)
    if match is None:
        return None
    numbers = [int(digits) for digits in match[0].split(".")]
    while len(numbers) > 1 and not numbers[-1]:  # 1.0 is 1
        numbers.pop()
    return numbers


def _name_of(host: str) -> str | None:
    """Take the name or address out of ``host`` or ``host:port``; None if that is not what it is."""
    try:
        parts = urlsplit(f"//{host}")
        name = parts.hostname if parts.netloc == host and parts.username is None else None
    except ValueError:
        return None
    if not name:
        return None
    try:
        return str(ip_address(name))
    except ValueError:
        return name.removesuffix(".")


def _bracketed(host: str) -> str:
    return f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
