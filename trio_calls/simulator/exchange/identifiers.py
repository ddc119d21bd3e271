"""What the exchange makes up: ids, tokens and dates. The same seed makes up the same."""

from __future__ import annotations

import random
import time
import uuid
from typing import Final

import trio

#: 2026-01-01 00:00 UTC, when every exchange in process is opened.
IN_PROCESS_EPOCH: Final = 1_767_225_600.0


class Identifiers:
    """Makes up ids, tokens and dates.

    Args:
      seed: seeds all of them.
      opened_at: the present date, in seconds since 1970; it goes on with Trio's time.
    """

    def __init__(self, seed: int, opened_at: float) -> None:
        # Each kind has a generator of its own: connections come in an order that is Trio's to
        # pick, and must not change which ids the calls get.
        self._calls = random.Random(f"calls {seed}")
        self._connections = random.Random(f"connections {seed}")
        self._tokens = random.Random(f"tokens {seed}")
        self._messages = random.Random(f"messages {seed}")
        self._date_offset = opened_at - trio.current_time()

    def call_id(self) -> str:
        """Make the id of a call or a session."""
        return _uuid4(self._calls)

    def connection_id(self) -> str:
        """Make the id of a control connection."""
        return _uuid4(self._connections)

    def message_session_id(self) -> str:
        """Make the id of a session in which people write."""
        return _uuid4(self._messages)

    def message_id(self) -> str:
        """Make the provider's id of a message."""
        return f"wamid.{self._messages.getrandbits(96):024X}"

    def token(self) -> str:
        """Make a token. It guards nothing that is worth guessing it."""
        return f"{self._tokens.getrandbits(256):064x}"

    def unix_seconds(self) -> int:
        """Return the date, in seconds since 1970."""
        return int(self.date())

    def date(self) -> float:
        """Return the date, in seconds since 1970, and their fraction."""
        return trio.current_time() + self._date_offset


def present_date(*, is_in_process: bool) -> float:
    """Return the present date, in seconds since 1970.

    In process, where time may be virtual, it is always the same.
    """
    return IN_PROCESS_EPOCH if is_in_process else time.time()


def _uuid4(generator: random.Random) -> str:
    return str(uuid.UUID(int=generator.getrandbits(128), version=4))
