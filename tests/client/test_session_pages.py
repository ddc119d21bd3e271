"""Sessions on the second wire, listed page by page."""

import pytest

from trio_calls.client import session_pages
from trio_calls.client.session_pages import SessionPages
from trio_calls.sessions import SessionInfo
from trio_calls.wire.codec import WireError
from trio_calls.wire.second.codec import encode_session_page
from trio_calls.wire.second.control import Address
from trio_calls.wire.second.session_list import SessionInfo as Listed
from trio_calls.wire.second.session_list import SessionPage

pytestmark = pytest.mark.pure


def listed(name: str, *parties: tuple[str, str]) -> Listed:
    return Listed(name, "+65 6222", tuple(Address(*party) for party in parties), 1500, 2500)


def page(*sessions: Listed, more: bool = False) -> bytes:
    return encode_session_page(SessionPage(sessions, "somewhere" if more else None))


def test_every_page_is_read() -> None:
    pages = SessionPages(None, None)
    paths = [pages.path]
    pages.read(page(listed("a", ("TELCO", "1")), listed("b"), more=True))
    paths.append(pages.path)
    pages.read(page(listed("c", ("WA", "3"))))
    paths.append(pages.path)
    assert paths == [
        "/public/v1/sessions?offset=0&limit=200",
        "/public/v1/sessions?offset=2&limit=200",
        None,
    ]
    assert [session.session_id for session in pages.sessions] == ["a", "b", "c"]
    assert pages.sessions[0] == SessionInfo(
        "a",
        channel="TELCO",
        state="OPEN",
        remote_address="1",
        local_address="+65 6222",
        opened_at=1.5,
    )


@pytest.mark.parametrize(
    ("channel", "remote_address", "names"),
    [("WA", None, ["b", "d"]), (None, "2", ["b", "c", "d"]), ("TELCO", "2", ["c", "d"])],
)
def test_only_what_was_asked_for_is_listed(
    channel: str | None, remote_address: str | None, names: list[str]
) -> None:
    pages = SessionPages(channel, remote_address)
    both = listed("d", ("WA", "2"), ("TELCO", "2"))
    pages.read(page(listed("a"), listed("b", ("WA", "2")), listed("c", ("TELCO", "2")), both))
    assert [session.session_id for session in pages.sessions] == names
    if channel is not None:
        assert {session.channel for session in pages.sessions} == {channel}


def test_a_list_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_pages, "MAX_PAGES", 2)
    pages = SessionPages(None, None)
    pages.read(page(listed("a"), more=True))
    with pytest.raises(WireError, match="no end"):
        pages.read(page(listed("b"), more=True))


def test_a_page_of_nothing_is_the_last() -> None:
    pages = SessionPages(None, None)
    pages.read(page(more=True))
    assert pages.path is None
