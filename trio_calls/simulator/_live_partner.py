"""Conversations in the hand of somebody who writes and reads live."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from trio_calls.simulator._open import Simulator
from trio_calls.simulator._partner import Partner, PartnerMessage


@contextmanager
def follow_partners(simulator: Simulator, follower: Callable[[Partner], None]) -> Iterator[None]:
    """Call a function with each partner of whom there is news, for the duration of the block.

    Args:
      simulator: whose partners.
      follower: called when a conversation begins, when somebody has written, and when an SDK has
        claimed it, read in it, or lost it, or it is over. It must not wait.
    """
    followers = simulator._partners.followers
    followers.append(follower)
    try:
        yield
    finally:
        followers.remove(follower)


def messages_from(partner: Partner, start: int) -> list[PartnerMessage]:
    """Return what both sides have written, without the first `start` messages."""
    return partner._messages[start:]


def is_read(partner: Partner) -> bool:
    """Return whether an SDK has the conversation now, or was given all that was written in it."""
    return partner._session.is_read


def count_waiting(partner: Partner) -> int:
    """Return how many of the partner's messages no SDK was given yet."""
    return partner._session.waiting
