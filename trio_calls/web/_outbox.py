"""What waits to be sent to a tab. Nothing here waits for the tab but whoever writes to it."""

from __future__ import annotations

from collections import deque
from typing import Final

from trio_calls.concurrency.wakeup import Wakeup

#: Texts that may wait for a tab. One that leaves more unread is given up.
MAX_TEXTS: Final = 1000

#: Frames of audio that may wait, so that a slow tab hears what was said just now.
MAX_FRAMES: Final = 10


class Outbox:
    """A bounded queue: of audio the latest is kept, and text goes first.

    Attributes:
      dropped_frames: how many frames of audio a slow tab has missed.
      is_overrun: whether more texts waited than a tab may leave unread.
    """

    def __init__(self) -> None:
        self.dropped_frames: int = 0
        self.is_overrun: bool = False
        self._texts: deque[str] = deque()
        self._frames: deque[bytes] = deque()
        self._news = Wakeup()

    def put_text(self, text: str) -> None:
        """Queue a text."""
        if len(self._texts) >= MAX_TEXTS:
            self.is_overrun = True
            return
        self._texts.append(text)
        self._news.wake()

    def put_audio(self, frame: bytes) -> None:
        """Queue a frame of audio; the oldest one goes where there are too many."""
        if len(self._frames) >= MAX_FRAMES:
            self._frames.popleft()
            self.dropped_frames += 1
        self._frames.append(frame)
        self._news.wake()

    async def get(self) -> str | bytes:
        """Wait for the next to send, and take it. For one task.

        Cancellation: nothing is lost.
        """
        while not self._texts and not self._frames:
            await self._news.wait()
        return self._texts.popleft() if self._texts else self._frames.popleft()
