"""The address of Redis: what is none, and that its password is nowhere to be seen."""

from __future__ import annotations

import ssl
import traceback
from pathlib import Path

import pytest
import trio
from coredis import exceptions

from trio_calls.errors import WSSConfigError
from trio_calls.fleet import Fleet, FleetPasswordError, FleetUnavailableError
from trio_calls.fleet._connection import RedisUrl, answering, explain

pytestmark = pytest.mark.pure

PASSWORD = "the-password-of-redis"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:6379",
        f"http://:{PASSWORD}@127.0.0.1",
        f"redis://:{PASSWORD}@",
        # The rest of it would be the port, which an error would quote.
        f"redis://:x/{PASSWORD}@127.0.0.1",
        f"redis://127.0.0.1:{PASSWORD}",
        "redis://127.0.0.1:99999",
        "redis://127.0.0.1:0",
        "unix://",
        None,
        b"redis://127.0.0.1",
    ],
)
def test_what_is_no_address_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(WSSConfigError, match="address of Redis") as caught:
        RedisUrl(url)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))
    for frame, _ in traceback.walk_tb(caught.tb.tb_next):
        assert PASSWORD not in repr(frame.f_locals)


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{PASSWORD}@127.0.0.1",
        f"redis://name:{PASSWORD}@[::1]:7000/3",
        f"rediss://:{PASSWORD}@redis.example",
        f"unix://:{PASSWORD}@/run/redis.sock?db=1",
    ],
)
def test_a_password_is_in_no_repr(url: str) -> None:
    address = RedisUrl(url)
    assert PASSWORD not in f"{address!r} {address.make_client()!r} {Fleet(url)!r}"


def test_a_password_is_written_as_in_every_url() -> None:
    client = RedisUrl("redis://us%65r:p%40ss%2F@127.0.0.1:7000/3").make_client()
    options = client.connection_pool.connection_kwargs
    assert (options["username"], options["password"], options["db"]) == ("user", "p@ss/", 3)


def test_the_name_of_a_server_with_tls_is_verified() -> None:
    client = RedisUrl("rediss://redis.example").make_client()
    context = client.connection_pool.connection_kwargs["ssl_context"]
    assert isinstance(context, ssl.SSLContext)
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_a_certificate_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(WSSConfigError, match="certificate"):
        RedisUrl(f"rediss://redis.example?ssl_ca_certs={tmp_path / 'none.pem'}")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (exceptions.AuthorizationError("user x"), "Redis does not allow this user"),
        (exceptions.ReadOnlyError("x"), "Redis is a replica now"),
        (exceptions.BusyLoadingError("x"), "Redis is still reading"),
        (exceptions.ResponseError("OOM command not allowed"), "Redis is full"),
        (exceptions.ResponseError("NOREPLICAS Not enough"), "Redis refuses: NOREPLICAS"),
        (exceptions.ResponseError("Command # 1 (SET secret)"), "Redis refuses"),
        (exceptions.ConnectionError("x"), "Redis cannot be reached"),
        (TimeoutError("x"), "Redis does not answer"),
        (trio.TooSlowError(), "Redis does not answer"),
        (ConnectionResetError("x"), "Redis cannot be reached"),
        (ExceptionGroup("", [exceptions.ConnectionError("x")]), "Redis cannot be reached"),
    ],
)
def test_errors_are_told_in_our_words(error: Exception, words: str) -> None:
    explained = explain(error)
    assert isinstance(explained, FleetUnavailableError)
    assert str(explained).startswith(words)
    assert "secret" not in str(explained)


def test_a_wrong_password_is_an_error_of_its_own() -> None:
    assert isinstance(explain(exceptions.AuthenticationFailureError("x")), FleetPasswordError)


async def test_what_has_nothing_to_do_with_redis_is_left_alone() -> None:
    assert explain(KeyError("a")) is None
    with pytest.raises(KeyError):
        async with answering():
            raise KeyError("a")


async def test_what_coredis_says_is_not_even_the_context() -> None:
    with pytest.raises(FleetUnavailableError) as caught:
        async with answering():
            raise exceptions.ResponseError(f"ERR unknown command 'AUTH' {PASSWORD}")
    assert caught.value.__context__ is None
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), "5", True])
def test_a_time_that_makes_no_sense_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="within_seconds"):
        Fleet("redis://127.0.0.1", within_seconds=seconds)
