"""Testing voice agents: calls to place, and assertions about who heard what.

Importing this needs no pytest. The fixtures `simulator`, `loopback_simulator` and `wav` come with
the pytest plugin, which the extra ``trio-calls[testing]`` makes ready to use.
"""

from trio_calls.testing.agents import run_agent
from trio_calls.testing.assertions import (
    heard,
    heard_nothing,
    hears,
    hears_nothing,
    never_heard,
)
from trio_calls.testing.matching import SpeechMatch
from trio_calls.testing.speech import Speech, WavLoader
from trio_calls.testing.virtual_time import run_in_virtual_time

__all__ = [
    "Speech",
    "SpeechMatch",
    "WavLoader",
    "heard",
    "heard_nothing",
    "hears",
    "hears_nothing",
    "never_heard",
    "run_agent",
    "run_in_virtual_time",
]
