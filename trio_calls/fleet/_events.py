"""What has happened to a call, as its worker tells it to whoever follows."""

from __future__ import annotations

from typing import Final

import attrs

from trio_calls._quoting import printable
from trio_calls.endings import Ending
from trio_calls.errors import WSSCallCommandError
from trio_calls.fleet._json import (
    MAX_TEXT,
    count_of,
    member_of,
    optional_member_of,
    optional_text_of,
    read_object,
    write_object,
)
from trio_calls.state import AgentMode, CallState, Command, IdentityEnum

_MS: Final = 1000


class CallEventKind(IdentityEnum):
    """What an event is about."""

    OPENED = "opened"
    """The worker has got the call, or has begun to tell of it."""

    STATE = "state"
    """The call has come into another state."""

    MODE = "mode"
    """Others hear the agent from now on."""

    FAILED = "failed"
    """A command has failed; ``detail`` says which, and the exchange's code for the reason."""

    ENDED = "ended"
    """The call is over for this worker's agent; ``detail`` says how. Nothing follows, unless it was
    handed over to another worker."""

    WORKER_GONE = "worker gone"
    """The worker has left the fleet, or is dead: what becomes of the call is not known. It is the
    last event."""


#: After these nothing is to be told.
LAST: Final = frozenset({CallEventKind.ENDED, CallEventKind.WORKER_GONE})


@attrs.frozen(kw_only=True)
class CallEvent:
    """Something that has happened to a call. Got from `Fleet.follow`.

    Attributes:
      kind: what it is.
      number: counts what a worker tells of a call, from 0 on. One that is missing was lost.
      seconds: when it was, counted from when the worker has got the call.
      state: the state that the call was in then.
      mode: who heard the agent then; None unless CONNECTED.
      detail: more, in words.
      worker_id: the worker that tells it.
    """

    kind: CallEventKind
    number: int
    seconds: float
    state: CallState
    mode: AgentMode | None
    detail: str = ""
    worker_id: str = ""

    def encode(self) -> bytes:
        """Return it as JSON, without the worker, which is written beside it."""
        return write_object(
            {
                "kind": self.kind.name,
                "number": self.number,
                "ms": round(self.seconds * _MS),
                "state": self.state.name,
                "mode": self.mode and self.mode.name,
                "detail": self.detail or None,
            }
        )

    @classmethod
    def decode(cls, data: bytes, worker_id: str = "") -> CallEvent:
        """Read what `encode` has written.

        Raises:
          ValueError: it is none.
        """
        values = read_object(data)
        return cls(
            kind=member_of(values, "kind", CallEventKind),
            number=count_of(values, "number"),
            seconds=count_of(values, "ms") / _MS,
            state=member_of(values, "state", CallState),
            mode=optional_member_of(values, "mode", AgentMode),
            detail=printable(optional_text_of(values, "detail") or ""),
            worker_id=worker_id,
        )


def words_of_ending(ending: Ending | None) -> str:
    """Return how a call has ended, in words. What the exchange has written is not among them."""
    return "" if ending is None else str(attrs.evolve(ending, detail=""))


def words_of_failure(command: Command, error: BaseException) -> str:
    """Return which command has failed, and with which code of the exchange's."""
    if isinstance(error, WSSCallCommandError):
        code = printable(error.error_code, MAX_TEXT // 2)
        return f"{command.value}: {code}" if code else command.value
    return f"{command.value}: {type(error).__name__}"
