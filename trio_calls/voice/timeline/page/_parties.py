"""Who is on which lane, and what each is called. Pure."""

from __future__ import annotations

from typing import Final

import attrs

from trio_calls.voice.timeline.blotting import BLOT
from trio_calls.voice.timeline.page._story import Story

_CALLER: Final = 1
_CALLEE: Final = 2
#: Everybody but the agent, mixed: until the callee is there, that is the caller.
_MIXED: Final = 0

#: A recording of more channels has one for each leg.
_MIXED_CHANNELS: Final = 2


@attrs.frozen
class Party:
    """Somebody who has a lane.

    Attributes:
      key: names it in the style sheet.
      name: what it is called.
      number: the telephone number, if there is one to show.
    """

    key: str
    name: str
    number: str | None = None


def _shown(number: str | None) -> str | None:
    return None if number == BLOT else number


AGENT: Final = Party("agent", "Agent")


class Parties:
    """Who takes part in a call.

    Args:
      story: what happened in it.
      legs: how many channels its recording has beside the agent's; 0 without a recording.
    """

    def __init__(self, story: Story, legs: int) -> None:
        channels = {heard.channel for heard in story.heard}
        channels |= {interruption.channel for interruption in story.interruptions}
        highest = max({*channels, legs if legs > 1 else 0})
        self._is_isolated = highest > _MIXED
        self._connected_at = next(
            (change.at for change in story.states if change.state == "CONNECTED"), None
        )
        self._caller_number = _shown(story.call.caller_number)
        self._callee_number = _shown(story.call.callee_number)
        self.legs = [self._leg(channel) for channel in range(1, max(highest, 1) + 1)]

    def of(self, channel: int) -> Party:
        """Return whose lane shows what a channel carries."""
        return self.legs[max(channel, 1) - 1]

    def speaker(self, channel: int, at: float) -> str:
        """Return what to call who spoke on a channel at a time."""
        if channel == _MIXED and self._is_mixed_at(at):
            return "Caller or callee"
        return self.of(channel).name if channel else "Caller"

    def _leg(self, channel: int) -> Party:
        if channel == _CALLER:
            is_mixed = not self._is_isolated and self._connected_at is not None
            name = "Caller and callee" if is_mixed else "Caller"
            return Party("caller", name, None if is_mixed else self._caller_number)
        if channel == _CALLEE:
            return Party("callee", "Callee", self._callee_number)
        return Party("callee", f"Channel {channel}")

    def _is_mixed_at(self, at: float) -> bool:
        return self._connected_at is not None and at >= self._connected_at
