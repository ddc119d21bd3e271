"""Where hearing a frame and answering it are one checkpoint, and not two."""

from __future__ import annotations

import attrs


@attrs.define
class CheckpointCredit:
    """One schedule point for two awaits.

    With Trio an await lets others run, so that no loop keeps them waiting. A handler that hears a
    frame and answers it would do so twice a frame. So listening leaves a credit, and the next
    sending spends it in place of letting others run again.

    No loop gets round Trio that way: each time that sending lets nobody run, listening has, and
    where nobody listens, sending does every time.

    Attributes:
      is_available: whether listening has let others run since audio was last sent.
    """

    is_available: bool = False
