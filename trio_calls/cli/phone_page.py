"""A page of phones: on which address, with which certificate, and how people come to it.

Needs the extra ``trio-calls[phone]``. Whoever imports this has asked `require_phone` before.
"""

from __future__ import annotations

import os
import socket
import ssl
import sys
import webbrowser
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import ip_address
from typing import Final

import attrs
import trio

from trio_calls.cli.outcome import Failure, sentence_of
from trio_calls.simulator import Simulator
from trio_calls.web._page import PhonePage, open_phone_page
from trio_calls.web._qr_code import qr_code
from trio_calls.web._tls import load_certificate, make_certificate

#: Reserved for documentation: nothing is ever sent there.
_SOMEWHERE_ELSE: Final = ("192.0.2.1", 9)


@attrs.frozen
class PageSettings:
    """What was asked for on the command line.

    Attributes:
      host: the address to serve on.
      port: the TCP port; 0: a free one.
      makes_certificate: whether to serve by HTTPS, with a certificate that is made for it.
      certificate: the files of a certificate and of its key, to serve by HTTPS; or None.
      opens_browser: whether to open the page.
    """

    host: str = "127.0.0.1"
    port: int = 0
    makes_certificate: bool = False
    certificate: tuple[str, str] | None = None
    opens_browser: bool = True


@asynccontextmanager
async def serve_page(
    simulator: Simulator, settings: PageSettings, *, agent: str | None = None
) -> AsyncIterator[PhonePage]:
    """Serve phones for a simulator for the duration of the block, and say where.

    Args:
      simulator: where their calls are placed.
      settings: how to serve.
      agent: the name of the agent that takes the calls.

    Raises:
      Failure: the port, or the certificate, is not to be had.
    """
    address = reachable_address(settings.host)
    tls = _certificate(settings, address)
    async with AsyncExitStack() as stack:
        opening = open_phone_page(
            simulator, host=settings.host, port=settings.port, tls=tls, agent=agent
        )
        try:
            page = await stack.enter_async_context(opening)
        except OSError as error:
            raise Failure(
                f"cannot serve the phone on {settings.host} port {settings.port}: "
                f"{sentence_of(error)}"
            ) from None
        url = page.url(address)
        _introduce(url, is_for_others=not is_this_machine(settings.host))
        if settings.opens_browser and _has_display():
            once = page.url_for_once(address)
            await trio.to_thread.run_sync(webbrowser.open, once, abandon_on_cancel=True)
        yield page


def is_this_machine(host: str) -> bool:
    """Return whether only this machine reaches what is served on a host."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def reachable_address(host: str) -> str:
    """Return under which address others reach what is served on a host."""
    try:
        parsed = ip_address(host)
    except ValueError:
        return host
    if not parsed.is_unspecified:
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            # Sends nothing: the system picks the address from which it would.
            asking.connect(_SOMEWHERE_ELSE)
            address: str = asking.getsockname()[0]
        except OSError:
            return "127.0.0.1"
    return address


def _certificate(settings: PageSettings, address: str) -> ssl.SSLContext | None:
    if settings.certificate is not None:
        cert_path, key_path = settings.certificate
        try:
            return load_certificate(cert_path, key_path)
        except OSError as error:
            raise Failure(
                f"cannot serve with {cert_path} and {key_path}: {sentence_of(error)}"
            ) from None
    if not settings.makes_certificate:
        return None
    names = {address, socket.gethostname(), "localhost", "127.0.0.1"}
    made = make_certificate(sorted(names))
    print(
        "Browsers warn of the certificate: it was made just now, and nobody vouches for it. Its\n"
        f"SHA-256 fingerprint is\n\n  {made.fingerprint}\n"
    )
    return made.context


def _introduce(url: str, *, is_for_others: bool) -> None:
    print(f"The phone is on\n\n  {url}\n")
    if is_for_others:
        print(qr_code(url))
    print(
        "Press Call there. A second tab with the same address is the one that is called.\n"
        "End this with Control-C.\n",
        flush=True,
    )


def _has_display() -> bool:
    """Return whether a browser would come up in a window, rather than in this terminal."""
    if sys.platform in {"darwin", "win32"}:
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
