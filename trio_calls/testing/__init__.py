"""Testing voice agents: calls to place, and assertions about who heard what.

Importing this needs no pytest. The fixtures `simulator`, `loopback_simulator` and `wav` come with
the pytest plugin, which the extra ``trio-calls[testing]`` makes ready to use.
"""

from trio_calls._public_names import claim_names
from trio_calls.testing._agents import run_agent
from trio_calls.testing._assertions import (
    heard,
    heard_nothing,
    hears,
    hears_nothing,
    never_heard,
)
from trio_calls.testing._interruptions import interrupted, talks_over
from trio_calls.testing._matching import SpeechMatch
from trio_calls.testing._speech import Speech, WavLoader
from trio_calls.testing._task_drawing import draw_tasks
from trio_calls.testing._task_tree import CodeLine, ScopeNode, TaskNode, task_tree
from trio_calls.testing._timelines import said
from trio_calls.testing._virtual_time import run_in_virtual_time
from trio_calls.voice.timeline.records import Said

__all__ = [
    "CodeLine",
    "Said",
    "ScopeNode",
    "Speech",
    "SpeechMatch",
    "TaskNode",
    "WavLoader",
    "draw_tasks",
    "heard",
    "heard_nothing",
    "hears",
    "hears_nothing",
    "interrupted",
    "never_heard",
    "run_agent",
    "run_in_virtual_time",
    "said",
    "talks_over",
    "task_tree",
]

claim_names(__name__, globals(), __all__)
