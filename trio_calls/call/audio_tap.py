"""Listening in on a call's media connection, in both directions: what recordings are made of."""

from __future__ import annotations

from typing import Protocol


class AudioTap(Protocol):
    """Whoever is told of each message of audio as it passes. Nothing here may wait or raise."""

    def received(self, channel: int, pcm: bytes) -> None:
        """Take a frame that has come in."""
        ...

    def sent(self, pcm: bytes) -> None:
        """Take audio of the agent's that the exchange has asked for, and that goes out now."""
        ...

    def dropped(self) -> None:
        """Note that the exchange is told to drop what it has not played of the agent's."""
        ...
