"""Who is on which lane, and what each is called. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from trio_calls.voice.timeline.blotting import BLOT
from trio_calls.voice.timeline.page._sound import Sound
from trio_calls.voice.timeline.page._story import Story

_CALLER: Final = 1
_CALLEE: Final = 2
#: Everybody but the agent, mixed: until the callee is there, that is the caller.
_MIXED: Final = 0

#: How long before an interruption whoever it was is heard, in seconds.
_BEFORE: Final = 1.0


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
    number: str | None = attrs.field(default=None, repr=False)


AGENT: Final = Party("agent", "Agent")
_SOMEBODY: Final = Party("somebody", "Caller or callee")


class Parties:
    """Who takes part in a call.

    Args:
      story: what happened in it.
      sounds: its recordings. Those of more than two channels have one for each leg.

    Attributes:
      legs: everybody but the agent, by channel from 1; all of them in one where nothing tells them
        apart.
    """

    def __init__(self, story: Story, sounds: Sequence[Sound]) -> None:
        channels = [heard.channel for heard in story.heard]
        channels += [interruption.channel for interruption in story.interruptions]
        recorded = [len(sound.peaks) - 1 for sound in sounds if len(sound.peaks) - 1 > 1]
        highest = max([0, *channels, *recorded])
        self._connected_at = next(
            (change.at for change in story.states if change.state == "CONNECTED"), None
        )
        self._sounds = [sound for sound in sounds if len(sound.peaks) - 1 == highest]
        if highest <= 1:
            self.legs = [self._only_leg(story, is_mixed=highest == _MIXED)]
        else:
            self.legs = [_leg(story, channel) for channel in range(1, highest + 1)]

    def speakers(self, channel: int, start: float, end: float) -> list[Party]:
        """Return who may have spoken on a channel at a time: several where nothing tells."""
        if channel != _MIXED:
            return [self.legs[channel - 1]]
        if self._connected_at is None or end <= self._connected_at or len(self.legs) == 1:
            return self.legs[:1]
        loudness = [self._loudness(leg, start, end) for leg in range(len(self.legs))]
        loudest = max(loudness)
        if not loudest:
            return self.legs
        return [self.legs[loudness.index(loudest)]]

    def speaker(self, channel: int, start: float, end: float) -> Party:
        """Return what to call whoever spoke on a channel at a time."""
        speakers = self.speakers(channel, start, end)
        if len(speakers) > 1:
            return _SOMEBODY
        if channel == _MIXED and len(self.legs) == 1:
            # The lane is called after both; which of them it was, time may tell.
            is_known = self._connected_at is None or end <= self._connected_at
            return attrs.evolve(speakers[0], name="Caller" if is_known else _SOMEBODY.name)
        return speakers[0]

    def interrupter(self, channel: int, at: float) -> Party:
        """Return what to call whoever interrupted the agent at a time."""
        return self.speaker(channel, at - _BEFORE, at)

    def interrupters(self, channel: int, at: float) -> list[Party]:
        """Return who may have interrupted the agent at a time."""
        return self.speakers(channel, at - _BEFORE, at)

    def _loudness(self, leg: int, start: float, end: float) -> float:
        """Return how much of a leg is in the recordings of a time."""
        return sum(sound.loudness(leg, start, end) for sound in self._sounds)

    def _only_leg(self, story: Story, *, is_mixed: bool) -> Party:
        if is_mixed and self._connected_at is not None:
            return Party("caller", "Caller and callee")
        return _leg(story, _CALLER)


def _leg(story: Story, channel: int) -> Party:
    if channel == _CALLER:
        return Party("caller", "Caller", _shown(story.call.caller_number))
    if channel == _CALLEE:
        return Party("callee", "Callee", _shown(story.call.callee_number))
    return Party("callee", f"Channel {channel}")


def _shown(number: str | None) -> str | None:
    return None if number == BLOT else number
