"""What waits to be read, and its bounds."""

from __future__ import annotations

import pytest

from trio_calls.client.conversation_values import IncomingMessage
from trio_calls.client.unread_messages import (
    MAX_UNREAD_CHARACTERS,
    MAX_UNREAD_MESSAGES,
    Backlog,
    UnreadMessages,
)

pytestmark = pytest.mark.pure


def message(text: str) -> IncomingMessage:
    return IncomingMessage("1", {"text": text})


def test_the_oldest_is_taken_first() -> None:
    unread = UnreadMessages(Backlog())
    assert not unread
    for text in "abc":
        assert unread.add(message(text))
    assert len(unread) == 3
    assert [unread.take() for _ in range(3)] == [message(text) for text in "abc"]
    assert not unread
    assert unread.dropped == 0


def test_a_conversation_has_a_bound_and_what_waits_stays() -> None:
    unread = UnreadMessages(Backlog())
    assert all(unread.add(message(str(number))) for number in range(MAX_UNREAD_MESSAGES))
    assert not unread.add(message("too much"))
    assert not unread.add(message("too much"))
    assert unread.dropped == 2
    assert unread.take() == message("0")
    assert unread.add(message("fits again"))


def test_all_conversations_together_have_one_as_well() -> None:
    backlog = Backlog()
    one, other = UnreadMessages(backlog), UnreadMessages(backlog)
    long = message("x" * (MAX_UNREAD_CHARACTERS // 2))
    assert one.add(long)
    assert not other.add(long)
    assert other.add(message("short"))
    one.take()
    assert other.add(long)
    assert (one.dropped, other.dropped) == (0, 1)


def test_what_is_dropped_makes_room() -> None:
    backlog = Backlog()
    unread = UnreadMessages(backlog)
    for text in "abc":
        unread.add(message(text))
    assert unread.drop_all() == 3
    assert (len(unread), unread.dropped, backlog.characters) == (0, 3, 0)
    assert unread.drop_all() == 0


def test_what_was_written_is_in_no_repr() -> None:
    unread = UnreadMessages(Backlog())
    unread.add(message("private"))
    assert "private" not in repr(unread) + repr(message("private"))
