"""Eyes on a worker: metrics and health.

It listens to what calls and their client tell, and changes nothing about them. Nothing of it is at
work in an application that does not ask for it.
"""

from trio_calls._public_names import claim_names
from trio_calls.telemetry._monitor import Monitor, open_monitor

__all__ = [
    "Monitor",
    "open_monitor",
]

claim_names(__name__, globals(), __all__)
