"""In which sessions this process has its calls, so that later calls need no further ones."""

from __future__ import annotations

import uuid
from collections import Counter
from typing import Final

from trio_calls.wire.second.control import MAX_PARTICIPANTS
from trio_calls.wire.second.conversation_names import Parties

#: So many pairs are remembered, those that had a call last. The exchange forgets a session in which
#: nothing has happened for 30 minutes.
MAX_PAIRS: Final = 20_000


class CallSessions:
    """Gives each pair of parties a session's name, and keeps it for their next call.

    Strangers share a session only where the exchange makes no further one.
    """

    def __init__(self) -> None:
        # In the order in which they were needed last.
        self._names: dict[Parties, str] = {}
        # How many pairs have a name.
        self._shares: Counter[str] = Counter()

    def name_of(self, parties: Parties) -> str:
        """Return the name of the session that two parties have, a new one if they have none."""
        return self._keep(parties, self._drop(parties) or str(uuid.uuid4()))

    def rename(self, parties: Parties) -> str:
        """Return a new name for two parties, whose session is of no use to them any more."""
        self._drop(parties)
        return self._keep(parties, str(uuid.uuid4()))

    def share(self, parties: Parties) -> str | None:
        """Return the name of a session of the same subscriber that has room for a further party.

        From then on it is that of these two as well. None if there is none.
        """
        self._drop(parties)
        for other in reversed(self._names):
            name = self._names[other]
            if other.subscriber == parties.subscriber and self._shares[name] < MAX_PARTICIPANTS:
                return self._keep(parties, name)
        return None

    def _keep(self, parties: Parties, name: str) -> str:
        if len(self._names) == MAX_PAIRS:
            self._drop(next(iter(self._names)))
        self._names[parties] = name
        self._shares[name] += 1
        return name

    def _drop(self, parties: Parties) -> str | None:
        name = self._names.pop(parties, None)
        if name is not None:
            self._shares[name] -= 1
            if not self._shares[name]:
                del self._shares[name]
        return name
