"""Connections to Redis, which are given up with the first thing that goes wrong.

A client of coredis is used for as long as nothing fails, and for no longer. What it does when
something does makes that the simplest: a command that was cancelled may take effect; a connection
whose making is cancelled is missing in the pool for ever; and an error in the block of a client
comes out of it in a group.

Nothing that coredis says is passed on: the errors of its pipelines quote what was sent, and the
frames of its functions hold the password. `explain` says what is wrong in words of our own.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

import trio

from trio_calls._quoting import Secret
from trio_calls.concurrency.error_groups import first_error, plain_single_error
from trio_calls.errors import WSSConfigError, WSSFleetError
from trio_calls.fleet._errors import FleetPasswordError, FleetUnavailableError

if TYPE_CHECKING:
    from coredis import Redis

#: How long Redis may take for an answer, and for a new connection.
ANSWER_SECONDS: Final = 2.0

#: What a server says whose memory, or disk, is full.
_NO_ROOM: Final = ("OOM ", "MISCONF ")

_SCHEMES: Final = ("redis", "rediss", "unix")
_CODE: Final = re.compile(r"[A-Z]{2,20}(?= )", re.ASCII)


class RedisUrl:
    """Where Redis is, and with which password. Its `repr` shows neither.

    Args:
      url: ``redis://[[NAME]:PASSWORD@]HOST[:PORT][/DATABASE]``; ``rediss://`` with TLS, by which
        the server's name is verified; or ``unix://[[NAME]:PASSWORD@]PATH[?db=DATABASE]``. What is
        special in the password is written as in every URL, such as ``%40``.

    Raises:
      WSSConfigError: it is none.
      ModuleNotFoundError: the extra ``trio-calls[fleet]`` is not installed.
    """

    def __init__(self, url: str) -> None:
        url = self._url = concealed(url)
        check_address(url)
        load_extra()
        self._options = _options_of(url)

    def __repr__(self) -> str:
        return "<RedisUrl>"

    def make_client(self) -> Redis[bytes]:
        """Return a client that is connected to nothing so far."""
        from coredis import Redis  # noqa: PLC0415  # needs the extra
        from coredis.retry import NoRetryPolicy  # noqa: PLC0415

        # What is tried again by itself would be done twice.
        return Redis.from_url(
            self._url,
            decode_components=True,
            retry_policy=NoRetryPolicy(),
            **self._options,
        )


def require_extra() -> None:
    """Raise `ModuleNotFoundError` unless the extra is installed."""
    if importlib.util.find_spec("coredis") is None:
        raise ModuleNotFoundError(
            "a fleet needs coredis, which is not installed: install the extra 'fleet' of trio-calls"
        )


def load_extra() -> None:
    """Load the extra, which takes half a second the first time.

    Raises:
      ModuleNotFoundError: it is not installed.
    """
    require_extra()
    importlib.import_module("coredis")


def concealed(url: object) -> str:
    """Return an address as text that no traceback shows. What is no text is refused later."""
    return Secret(url if isinstance(url, str) else "")


def check_address(url: str) -> None:
    """Raise `WSSConfigError` unless Redis may be at an address, which has to be concealed."""
    if not _is_address(url):
        raise WSSConfigError(
            "the address of Redis is none, such as redis://:PASSWORD@HOST:6379/0; what is special "
            "in a password is written with %, as in every URL"
        )


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # A slash in a password makes the rest of it the port, which the error would quote.
        if parts.scheme not in _SCHEMES or parts.port == 0:
            return False
    except ValueError:
        return False
    return bool(parts.path if parts.scheme == "unix" else parts.hostname)


def _options_of(url: str) -> dict[str, Any]:
    """Return what coredis needs beside a URL."""
    is_encrypted = url.startswith("rediss:")
    return {"ssl_context": _tls(urlsplit(url).query)} if is_encrypted else {}


def _tls(query: str) -> ssl.SSLContext:
    """Make what verifies the server's name, too; coredis does not, unless it is told to."""
    files = {name: values[0] for name, values in parse_qs(query).items()}
    try:
        context = ssl.create_default_context(cafile=files.get("ssl_ca_certs"))
        if "ssl_certfile" in files:
            context.load_cert_chain(files["ssl_certfile"], files.get("ssl_keyfile"))
    except (OSError, ssl.SSLError):
        context = None
    if context is None:
        raise WSSConfigError("a certificate that the address of Redis names cannot be used")
    return context


@asynccontextmanager
async def open_connection(url: RedisUrl) -> AsyncIterator[Redis[bytes]]:
    """Let the block talk with Redis, each time inside of `answering`. The first time connects.

    Cancellation: what was sent may be done all the same.
    """
    with plain_single_error():
        async with url.make_client() as client:
            yield client


@asynccontextmanager
async def answering(within_seconds: float = ANSWER_SECONDS) -> AsyncIterator[None]:
    """Set the deadline for what Redis is asked in the block.

    Raises:
      WSSFleetError: it is over, Redis cannot be reached, or refuses; in words that tell no secret.
    """
    failure: WSSFleetError | None = None
    with trio.move_on_after(within_seconds) as scope:
        try:
            yield
        except Exception as error:
            # coredis makes one of a cancellation: see findings/coredis-cancelled-connecting.sh.
            failure = explain(trio.TooSlowError() if scope.cancel_called else error)
            if failure is None:
                raise
    if scope.cancelled_caught:
        failure = explain(trio.TooSlowError())
    if failure is not None:
        # Not if it was a cancellation.
        await trio.lowlevel.checkpoint_if_cancelled()
        try:
            raise failure
        finally:
            # The block is still being left by the error of coredis, which quotes what was sent.
            failure.__context__ = None


def explain(error: Exception) -> WSSFleetError | None:
    """Return what went wrong with Redis, in our own words; None if it was something else."""
    from coredis import exceptions  # noqa: PLC0415  # needs the extra

    if isinstance(error, ExceptionGroup):
        error = first_error(error)
    if isinstance(error, WSSFleetError):
        return error
    if isinstance(error, exceptions.AuthenticationError):
        return FleetPasswordError("Redis does not accept the name and password of its address")
    if _is_of_tls(error):
        return FleetUnavailableError("the certificate of Redis cannot be verified, or TLS fails")
    words = {
        exceptions.AuthorizationError: "Redis does not allow this user what a fleet needs",
        exceptions.ReadOnlyError: "Redis is a replica now, and takes nothing",
        exceptions.BusyLoadingError: "Redis is still reading its data",
        exceptions.WrongTypeError: "Redis has something else under a name of ours",
        exceptions.ResponseError: _words_of_refusal(str(error)),
        # Its own, and what its connections raise.
        exceptions.RedisError: "Redis cannot be reached",
        TimeoutError: "Redis does not answer",
        trio.TooSlowError: "Redis does not answer",
        OSError: "Redis cannot be reached",
    }
    for kind, sentence in words.items():
        if isinstance(error, kind):
            return FleetUnavailableError(sentence)
    return None


def _is_of_tls(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__
    return error is not None


def _words_of_refusal(text: str) -> str:
    if text.startswith(_NO_ROOM):
        return "Redis is full"
    # The code tells nothing of what was sent, and the rest may.
    code = _CODE.match(text)
    return f"Redis refuses: {code[0]}" if code else "Redis refuses"


def refuses_one_command(error: Exception) -> bool:
    """Return whether Redis has answered that it does not do this, and is as good as before.

    A replica, and one that wants another password, does nothing that is asked of it here.
    """
    from coredis import exceptions  # noqa: PLC0415  # needs the extra

    if isinstance(error, ExceptionGroup):
        error = first_error(error)
    is_of_all = isinstance(error, exceptions.AuthenticationError | exceptions.ReadOnlyError)
    return isinstance(error, exceptions.ResponseError) and not is_of_all


def is_full(error: object) -> bool:
    """Return whether Redis takes nothing more, as its memory or its disk is full."""
    return isinstance(error, Exception) and str(error).startswith(_NO_ROOM)


def is_of_wrong_type(error: object) -> bool:
    """Return whether there is something else under a name than was asked for."""
    from coredis import exceptions  # noqa: PLC0415  # needs the extra

    return isinstance(error, exceptions.WrongTypeError)
