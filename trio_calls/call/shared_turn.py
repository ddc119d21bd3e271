"""Where hearing a frame and answering it let other tasks run once, and not twice."""

from __future__ import annotations

import attrs


@attrs.define
class SharedTurn:
    """One schedule point for two awaits.

    With Trio an await lets others run, so that no loop keeps them waiting. A handler that hears a
    frame and answers it would do so twice a frame. So listening notes that it has, and the next
    sending counts that for its own, and takes the note away.

    No loop gets round Trio that way: each time that sending lets nobody run, listening has, and
    where nobody listens, sending does every time.

    Attributes:
      is_given: whether listening has let others run since audio was last sent.
    """

    is_given: bool = False
