"""Giving the tasks that something has woken their turn."""

from __future__ import annotations

import trio


async def let_others_act() -> None:
    """Run the tasks that a frame has woken, before the next frame is looked at.

    Trio runs the tasks that are ready in passes, each in a random order: after the first checkpoint
    this task may be ahead of the others in the same pass, after the second it is not.

    Cancellation: not noticed here, but by whatever is awaited next.
    """
    await trio.lowlevel.cancel_shielded_checkpoint()
    await trio.lowlevel.cancel_shielded_checkpoint()
