"""The agents that are measured, and the two jobs that each of them does.

``echo``: it says what it hears, and listens all the while for somebody who talks over it. Nobody
does, so nothing is to be lost. ``talk``: it says a sentence, is interrupted, and says the next.

To measure another one, write a module and name it here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import attrs

Job = Literal["echo", "talk"]


@attrs.frozen
class VoiceAgent:
    """How to run an agent.

    Attributes:
      module: run with ``python -m``; a URL or a port and the job are its first arguments.
      arguments: what comes after these.
      is_raw: whether it takes calls as WebSockets of raw audio, on a port.
      can_be_interrupted: whether it does both jobs, or only echoes.
      needs: the names that `trio_calls.voice` has to have for it.
      records: whether it records both sides, into a folder that is its last argument.
    """

    module: str
    arguments: tuple[str, ...]
    is_raw: bool = False
    can_be_interrupted: bool = True
    needs: tuple[str, ...] = ()
    records: bool = False


def _by_hand(detector: str) -> VoiceAgent:
    return VoiceAgent("benchmarks.voice.by_hand_agent", (detector,), needs=(detector,))


def _layer(detector: str, *, records: bool = False) -> VoiceAgent:
    return VoiceAgent(
        "benchmarks.voice.layer_agent",
        (detector,),
        needs=(detector, "open_voice"),
        records=records,
    )


def _pipecat(*arguments: str, can_be_interrupted: bool = True) -> VoiceAgent:
    return VoiceAgent(
        "benchmarks.voice.pipecat_agent",
        arguments,
        is_raw=True,
        can_be_interrupted=can_be_interrupted,
    )


VOICE_AGENTS: Final[Mapping[str, VoiceAgent]] = {
    "pipecat-transport": _pipecat("transport", can_be_interrupted=False),
    "pipecat-turn": _pipecat("turn"),
    "pipecat-turn-64ms": _pipecat("turn", "0.064"),
    "echo-alone": VoiceAgent("benchmarks.voice.by_hand_agent", ("none",), can_be_interrupted=False),
    "by-hand-level": _by_hand("LevelDetector"),
    "by-hand-webrtc": _by_hand("WebRtcDetector"),
    "by-hand-silero": _by_hand("SileroDetector"),
    "by-hand-silero-batch": _by_hand("SileroBatch"),
    "voice-level": _layer("LevelDetector"),
    "voice-webrtc": _layer("WebRtcDetector"),
    "voice-silero": _layer("SileroBatch"),
    "voice-webrtc-recorded": _layer("WebRtcDetector", records=True),
    "voice-silero-recorded": _layer("SileroBatch", records=True),
}
