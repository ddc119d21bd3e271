"""Sessions as the second wire lists them, page by page, in the terms of the first. Pure."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from trio_calls.wire.codec import WireError
from trio_calls.wire.first.session_list import OPEN, SESSIONS_PATH, SessionInfo
from trio_calls.wire.second import session_list as second
from trio_calls.wire.second.codec import decode_session_page

#: So many pages are read at the most: 20,000 sessions.
MAX_PAGES: Final = 100

_MS_PER_SECOND: Final = 1000


class SessionPages:
    """Reads one page after the other.

    Args:
      channel: of those that are wanted; None: of all.
      remote_address: as above.

    Attributes:
      path: of the next page; None when all are read.
      sessions: what is wanted of those that were read.
    """

    def __init__(self, channel: str | None, remote_address: str | None) -> None:
        self.path: str | None = _path(0)
        self.sessions: list[SessionInfo] = []
        self._channel = channel
        self._remote_address = remote_address
        self._pages = 0
        self._read = 0

    def read(self, body: bytes) -> None:
        """Read a page.

        Raises:
          WireError: it makes no sense, or there is no end to them.
        """
        page = decode_session_page(body)
        self._pages += 1
        self._read += len(page.items)
        for session in page.items:
            self._add(session)
        is_last = page.next_cursor is None or not page.items
        if not is_last and self._pages == MAX_PAGES:
            raise WireError("the list of sessions has no end")
        self.path = None if is_last else _path(self._read)

    def _add(self, session: second.SessionInfo) -> None:
        wanted = [
            (party.network, party.value)
            for party in session.participants
            if self._channel in {None, party.network}
            and self._remote_address in {None, party.value}
        ]
        is_anybody = self._channel is None and self._remote_address is None
        if not wanted and not is_anybody:
            return
        channel, remote_address = wanted[0] if wanted else ("", "")
        opened_at = session.created_at
        self.sessions.append(
            SessionInfo(
                session.session_id,
                channel=channel,
                state=OPEN,
                remote_address=remote_address,
                local_address=session.subscriber,
                opened_at=None if opened_at is None else opened_at / _MS_PER_SECOND,
            )
        )


def _path(offset: int) -> str:
    return f"{SESSIONS_PATH}?{urlencode({'offset': offset, 'limit': second.MAX_PAGE})}"
