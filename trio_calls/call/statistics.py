"""What a call has carried: numbers to log, or to watch."""

from __future__ import annotations

import attrs


@attrs.frozen
class CallStatistics:
    """A snapshot of what a call has carried so far.

    Attributes:
      received_frames: audio frames that came, on all channels.
      received_bytes: bytes of PCM in them.
      dropped_frames: frames dropped because a reader was slow or absent, summed over the readers.
      sent_bytes: bytes of the agent's audio that the exchange has pulled, or that were cleared.
      queued_bytes: bytes of the agent's audio that wait in the queue.
      unheard_bytes: bytes of the agent's audio that nobody heard, as the call was over: they still
        waited then, or were said afterwards.
      credit_bytes: bytes that the exchange has asked for and not got.
      invalid_messages: frames dropped because they made no sense.
    """

    received_frames: int
    received_bytes: int
    dropped_frames: int
    sent_bytes: int
    queued_bytes: int
    unheard_bytes: int
    credit_bytes: int
    invalid_messages: int
