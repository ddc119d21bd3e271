"""Which handshakes a simulator lets in, by their headers."""

from __future__ import annotations

import pytest

from trio_calls.errors import WSSConfigError
from trio_calls.simulator.exchange.admission import Admission, HostNames
from trio_calls.transport import HandshakeRequest

pytestmark = pytest.mark.pure


def names(*given: str, bound: str = "127.0.0.1") -> HostNames:
    host_names = HostNames(given)
    host_names.add_bound(bound)
    return host_names


def status(admission: Admission, **headers: str) -> int | None:
    request = HandshakeRequest("/", {key.replace("_", "-"): headers[key] for key in headers})
    rejection = admission.refuse_stranger(request) or admission.refuse_outdated(request)
    return None if rejection is None else rejection.status_code


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8080",
        "localhost",
        "LOCALHOST:1",
        "localhost.",
        "my-mac",
        "MY-MAC:80",
    ],
)
def test_a_server_is_known_by_its_address_and_given_names(host: str) -> None:
    assert names("my-mac").has(host)


@pytest.mark.parametrize(
    "host",
    [
        *["", ":8080", "evil.example", "evil.example:8080", "127.0.0.1.evil.example", "127.0.0.2"],
        *["localhost.evil.example", "notlocalhost", "me@localhost", "localhost/", "localhost#x"],
        *["[::1]", "[::1", "127.0.0.1\\@evil", "local\thost", "192.168.1.5:8080", "\xff", "[x]"],
    ],
)
def test_other_names_are_somebody_elses(host: str) -> None:
    assert not names("my-mac").has(host)


@pytest.mark.parametrize("host", ["[::1]", "[::1]:8080", "[0:0:0:0:0:0:0:1]", "localhost:8080"])
def test_an_address_may_be_written_in_several_ways(host: str) -> None:
    assert names("::1", bound="::1").has(host)
    assert names("[::1]:8080").has(host)


@pytest.mark.parametrize("bound", ["0.0.0.0", "::"])
def test_on_all_addresses_every_address_is_right_but_no_name(bound: str) -> None:
    everywhere = names(bound, "desk.example", bound=bound)
    for host in ("192.168.1.5:8080", "[fe80::1]:8080", "127.0.0.1", "localhost", "desk.example"):
        assert everywhere.has(host)
    assert not everywhere.has("evil.example:8080")


@pytest.mark.parametrize("name", ["", "http://desk", "a/b", "me@desk", "[::1"])
def test_what_is_no_name_is_an_error_at_once(name: str) -> None:
    with pytest.raises(WSSConfigError, match="neither a host name nor an address"):
        HostNames([name])


def test_pages_of_the_web_are_refused_unless_they_were_named() -> None:
    admission = Admission({}, origins=["http://localhost:3000/", "https://Desk.Example"])
    assert status(admission) is None
    assert status(admission, origin="http://localhost:3000") is None
    assert status(admission, origin="https://desk.example") is None
    for origin in ("", "null", "http://localhost", "http://localhost:8080", "http://evil.example"):
        assert status(admission, origin=origin) == 403


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.2", None),
        ("1.2.0", None),
        ("1.10.0", None),
        ("2", None),
        ("1.2.0.dev3+linux", None),
        ("1.1.9", 426),
        ("1", 426),
        ("0.99.99", 426),
        ("", 426),
        ("new", 426),
        ("9" * 100_000, None),
    ],
)
def test_sdks_must_be_new_enough(version: str, expected: int | None) -> None:
    assert status(Admission({}, minimum_sdk_version="1.2.0"), x_sdk_version=version) == expected


def test_a_refused_sdk_is_told_what_is_wanted() -> None:
    admission = Admission({}, minimum_sdk_version="1.2")
    for headers, reason in (({}, "missing"), ({"x-sdk-version": "1.1"}, "older")):
        rejection = admission.refuse_outdated(HandshakeRequest("/", headers))
        assert rejection is not None
        assert rejection.reason == f"x-sdk-version must be 1.2 or newer, and is {reason}"


def test_without_a_minimum_no_sdk_is_too_old() -> None:
    assert status(Admission({})) is None


def test_a_minimum_that_is_no_version_is_an_error_at_once() -> None:
    with pytest.raises(WSSConfigError, match=r"minimum_sdk_version must be like 1\.2\.3"):
        Admission({}, minimum_sdk_version="newest")


def test_no_repr_shows_the_key() -> None:
    assert "secret" not in repr(Admission({"x-api-key": "secret"}))
