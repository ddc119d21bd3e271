"""Telling those who come from another framework that this one runs in Trio."""

from __future__ import annotations

import trio


def require_trio() -> None:
    """Raise `RuntimeError` outside Trio, where all that follows would fail in words of its own."""
    try:
        trio.lowlevel.current_task()
    except RuntimeError:
        raise RuntimeError(
            "trio_calls runs in Trio: start it with trio.run() or trio_calls.run(), and not with "
            "asyncio.run(), nor in a test that another plugin than pytest-trio runs"
        ) from None
