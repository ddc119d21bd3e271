"""What the agent reports of its calls."""

from __future__ import annotations

from typing import Any, Final, Literal

import attrs
import cattrs

from trio_calls.audio import noise

SAMPLE_RATE: Final = 24000

#: Bytes of 20 ms.
FRAME: Final = 960

#: No two utterances of a run have the same seed, so none sounds like another.
_SEEDS_A_CALL: Final = 100

Confirmation = Literal["sent", "leaving"]


def voice(call_number: int, part: int, seconds: float) -> bytes:
    """Return audio that is the same for the same call and part, and unlike any other."""
    return noise(seconds, SAMPLE_RATE, call_number * _SEEDS_A_CALL + part, amplitude=0.2)


@attrs.define
class Utterance:
    """Something that the agent has said.

    Attributes:
      part: with which `voice` makes it anew.
      seconds: its length.
      confirmed_by: ``sent`` if the SDK said that it has gone out; ``leaving`` if the SDK left the
        call, which promises that unless the call has ended in another way before; or None.
      was_cut_short: whether the agent stopped talking, or left without waiting any longer for the
        exchange to pull the rest.
      unsent_bytes: what of it was still queued then.
    """

    part: int
    seconds: float
    confirmed_by: Confirmation | None = None
    was_cut_short: bool = False
    unsent_bytes: int = 0


@attrs.define
class Record:
    """One scope of a call, as its handler saw it.

    Attributes:
      call_number: of the load's call.
      has_listened: whether it came so far.
      frames_heard: the checksum of each chunk of audio that was read, in order.
      utterances: in order.
      errors: the classes of the SDK's errors that its commands came to.
      crash: any other error.
    """

    call_number: int
    has_listened: bool = False
    frames_heard: list[int] = attrs.field(factory=list)
    utterances: list[Utterance] = attrs.field(factory=list)
    errors: list[str] = attrs.field(factory=list)
    crash: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON that goes through a pipe."""
        return attrs.asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Record:
        """Read a record from JSON that came through a pipe."""
        return cattrs.structure(document, cls)
