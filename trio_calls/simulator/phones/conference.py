"""Who hears whom, and what that sounds like. Pure: frames in, frames out."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from trio_calls.audio import mix, to_pcm, to_samples
from trio_calls.state import AgentMode, IdentityEnum


class Party(IdentityEnum):
    """Someone in a call."""

    CALLER = "caller"
    CALLEE = "callee"
    AGENT = "agent"


#: Who hears the agent, by its mode. None is a call without a callee, which has no modes yet.
#: Everybody else is heard by everybody, always.
AGENT_IS_HEARD_BY: Final[Mapping[AgentMode | None, frozenset[Party]]] = MappingProxyType(
    {
        None: frozenset({Party.CALLER}),
        AgentMode.BARGE: frozenset({Party.CALLER, Party.CALLEE}),
        AgentMode.WHISPER: frozenset({Party.CALLEE}),
        AgentMode.SPY: frozenset(),
    }
)


def hears(listener: Party, speaker: Party, mode: AgentMode | None) -> bool:
    """Return whether one party hears another. Nobody hears themselves."""
    if listener is speaker:
        return False
    return speaker is not Party.AGENT or listener in AGENT_IS_HEARD_BY[mode]


def mix_conference(
    voices: Mapping[Party, bytes | None], mode: AgentMode | None, silence: bytes
) -> dict[Party, bytes]:
    """Mix what each party hears.

    Args:
      voices: a frame of each party that is in the call, or None where it is silent; all frames
        have the length of `silence`.
      mode: the agent's, or None while there is no conference.
      silence: a silent frame.

    Returns:
      A frame for each party in `voices`: sums of 16-bit samples, saturated.
    """
    return {
        listener: _mix_frames(
            [
                frame
                for speaker, frame in voices.items()
                if frame is not None and hears(listener, speaker, mode)
            ],
            silence,
        )
        for listener in voices
    }


def _mix_frames(frames: list[bytes], silence: bytes) -> bytes:
    if not frames:
        return silence
    if len(frames) == 1:
        return frames[0]
    return to_pcm(mix(*map(to_samples, frames)))
