"""What ``trio-calls dial`` is asked to do, and what has become of each call."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Final

import attrs

from trio_calls._quoting import printable, without_secrets
from trio_calls.cli.conversation import Speech, SpokenLine
from trio_calls.wire.dialing import Dial

#: Of `trio-calls simulator`, if nothing else is said there.
SIMULATOR_URL: Final = "ws://127.0.0.1:8080"
SIMULATOR_KEY: Final = "simulated-key"


def dial_command(url: str, api_key: str) -> str:
    """Return the command that rings the agents of a simulator. Its key is no secret."""
    words = ["trio-calls", "dial"]
    if url != SIMULATOR_URL:
        words += ["--url", url]
    if api_key != SIMULATOR_KEY:
        words += ["--api-key", api_key]
    return shlex.join(words)


@attrs.frozen
class Order:
    """The settings that all calls have in common.

    Attributes:
      url: the address of the simulator.
      api_key: the key that the simulator was started with.
      dial: the message that says who calls whom.
      lines: what the caller says.
      callee_say: what the callee says, or None.
      ring_seconds: how long the caller waits for an answer before hanging up.
      talk_seconds: how long after the answer the caller hangs up; None: see `Patience`.
    """

    url: str
    api_key: str = attrs.field(repr=False)
    dial: Dial
    lines: Sequence[SpokenLine]
    callee_say: Speech | None
    ring_seconds: float
    talk_seconds: float | None

    def quote(self, words: str) -> str:
        """Make words of the simulator fit for a terminal: it may quote the key."""
        return without_secrets(printable(words), [self.api_key])


@attrs.define
class Result:
    """The result of a call.

    Attributes:
      was_claimed: whether an agent took the call.
      answered_after: the seconds from dialing until the caller talked with somebody, or None if
        the caller never did.
      seconds: how long the call lasted in seconds, ringing included.
      lines_said: how many lines the caller has said to their ends.
      fault: why the call could not be followed to its end, or None.
      recording_fault: why what the caller heard was not recorded to its end, or None.
    """

    was_claimed: bool = False
    answered_after: float | None = None
    seconds: float = 0.0
    lines_said: int = 0
    fault: str | None = None
    recording_fault: str | None = None

    @property
    def failure(self) -> str | None:
        """Why the call did not go as asked, or None."""
        if self.fault is not None:
            return self.fault
        if not self.was_claimed:
            return f"no agent took it in {self.seconds:.1f} s: is one connected?"
        if self.answered_after is None:
            return f"an agent took it, but did not answer it in {self.seconds:.1f} s"
        return None
