"""Speech over a call: saying, hearing, taking turns, being interrupted.

It stands on `ActiveCall`, which it leaves as it is: an application that only routes calls has no
need of it.
"""

from trio_calls._public_names import claim_names
from trio_calls.voice._backdrop import BackdropScope
from trio_calls.voice._conversation import SpeechModel, converse
from trio_calls.voice._detector import Detector, FunctionDetector
from trio_calls.voice._end_of_turn import EndOfTurn
from trio_calls.voice._endpointing import Endpointing, EndReason
from trio_calls.voice._errors import (
    DetectorError,
    EmptySpeechError,
    ListenerTooSlowError,
    ModelError,
    RecordingError,
    TimelineError,
    VoiceError,
)
from trio_calls.voice._interruptible import InterruptionScope
from trio_calls.voice._level import LevelDetector
from trio_calls.voice._outcome import SpeechEnding, SpeechOutcome
from trio_calls.voice._silero import SileroDetector
from trio_calls.voice._silero_batch import SileroBatch
from trio_calls.voice._smart_turn import SmartTurn
from trio_calls.voice._source import SpeechPiece
from trio_calls.voice._speech import Speech
from trio_calls.voice._speech_events import (
    SpeechEnd,
    SpeechEvent,
    SpeechEvents,
    SpeechFrame,
    SpeechStart,
)
from trio_calls.voice._utterances import Utterance, Utterances
from trio_calls.voice._voice import Voice, open_voice
from trio_calls.voice._webrtc import WebRtcDetector
from trio_calls.voice.recording._recording import Recording
from trio_calls.voice.timeline.reactions import ReactionTime
from trio_calls.voice.timeline.timeline import VoiceStatistics

__all__ = [
    "BackdropScope",
    "Detector",
    "DetectorError",
    "EmptySpeechError",
    "EndOfTurn",
    "EndReason",
    "Endpointing",
    "FunctionDetector",
    "InterruptionScope",
    "LevelDetector",
    "ListenerTooSlowError",
    "ModelError",
    "ReactionTime",
    "Recording",
    "RecordingError",
    "SileroBatch",
    "SileroDetector",
    "SmartTurn",
    "Speech",
    "SpeechEnd",
    "SpeechEnding",
    "SpeechEvent",
    "SpeechEvents",
    "SpeechFrame",
    "SpeechModel",
    "SpeechOutcome",
    "SpeechPiece",
    "SpeechStart",
    "TimelineError",
    "Utterance",
    "Utterances",
    "Voice",
    "VoiceError",
    "VoiceStatistics",
    "WebRtcDetector",
    "converse",
    "open_voice",
]

claim_names(__name__, globals(), __all__)
