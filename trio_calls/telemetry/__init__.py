"""Eyes on a worker: metrics, health, traces, and which call a log record belongs to.

It listens to what calls and their client tell, and changes nothing about them. Nothing of it is at
work in an application that does not ask for it.
"""

from trio_calls._public_names import claim_names
from trio_calls.telemetry._call_ids import CallIdFilter, add_call_id, get_call_id
from trio_calls.telemetry._monitor import Monitor, open_monitor
from trio_calls.telemetry._tracing import trace_calls

__all__ = [
    "CallIdFilter",
    "Monitor",
    "add_call_id",
    "get_call_id",
    "open_monitor",
    "trace_calls",
]

claim_names(__name__, globals(), __all__)
