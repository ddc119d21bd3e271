"""Listening: who speaks, where an utterance begins and ends, what interrupts the agent.

What is pure is below: detectors tell how likely it is that somebody speaks, `Endpointing` says what
an utterance is. It knows no Trio and does no I/O. What waits is above it. Nothing here knows how a
call is offered, nor what is on the wire.
"""

from trio_calls._public_names import claim_names
from trio_calls.voice._detector import Detector, FunctionDetector
from trio_calls.voice._endpointing import Endpointing, EndReason
from trio_calls.voice._errors import DetectorError
from trio_calls.voice._level import LevelDetector

__all__ = [
    "Detector",
    "DetectorError",
    "EndReason",
    "Endpointing",
    "FunctionDetector",
    "LevelDetector",
]

claim_names(__name__, globals(), __all__)
