"""Which session is with whom, on a wire that names none."""

import pytest

from trio_calls.wire.second import conversation_names
from trio_calls.wire.second.control import MessageIn
from trio_calls.wire.second.conversation_names import ConversationNames, Parties

pytestmark = pytest.mark.pure

CONTENT = {"type": "text"}


def message(number: int, participant: str = "6591110000") -> MessageIn:
    return MessageIn(f"message {number}", "6562220000", participant, "WA", CONTENT)


def test_a_message_that_comes_twice_is_read_once() -> None:
    names = ConversationNames()
    first = names.written(message(1))
    assert first is not None
    assert (first.sender, first.content) == ("6591110000", CONTENT)
    assert names.written(message(1)) is None
    again = names.written(message(2))
    assert again is not None
    assert again.session_id == first.session_id


def test_each_partner_has_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ConversationNames()
    written = [names.written(message(number, f"{number}")) for number in range(3)]
    assert len({each.session_id for each in written if each is not None}) == 3
    for number, each in enumerate(written):
        assert each is not None
        assert each.offer is not None
        assert each.offer.offers_conversation
        assert names.find(each.session_id) == Parties("WA", "6562220000", f"{number}")


def test_only_so_much_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation_names, "MAX_CONVERSATIONS", 2)
    monkeypatch.setattr(conversation_names, "MAX_SEEN_MESSAGES", 2)
    names = ConversationNames()
    first = names.name_of(Parties("WA", "us", "first"))
    kept = names.name_of(Parties("WA", "us", "kept"))
    assert names.name_of(Parties("WA", "us", "first")) == first
    names.name_of(Parties("WA", "us", "newest"))
    assert names.find(kept) is None
    assert names.find(first) == Parties("WA", "us", "first")
    for number in range(3):
        assert names.written(message(number)) is not None
    assert names.written(message(0)) is not None
    assert names.written(message(2)) is None
