"""Many machines: which worker has which call, and what is asked of workers from elsewhere.

It stands on Redis, and beside the calls: nothing here is in the path of audio, and when Redis is
gone the calls go on. Needs the extra ``trio-calls[fleet]``.
"""

from trio_calls._public_names import claim_names
from trio_calls.errors import WSSFleetError
from trio_calls.fleet._directory import Directory, DirectoryStatus, open_directory
from trio_calls.fleet._entries import CallEntry, FleetView, WorkerEntry
from trio_calls.fleet._errors import (
    FleetPasswordError,
    FleetUnavailableError,
    NoSuchCallError,
    NoSuchWorkerError,
    OrderFailedError,
    WorkerSilentError,
)
from trio_calls.fleet._events import CallEvent, CallEventKind
from trio_calls.fleet._fleet import Fleet
from trio_calls.fleet._following import CallEvents

__all__ = [
    "CallEntry",
    "CallEvent",
    "CallEventKind",
    "CallEvents",
    "Directory",
    "DirectoryStatus",
    "Fleet",
    "FleetPasswordError",
    "FleetUnavailableError",
    "FleetView",
    "NoSuchCallError",
    "NoSuchWorkerError",
    "OrderFailedError",
    "WSSFleetError",
    "WorkerEntry",
    "WorkerSilentError",
    "open_directory",
]

claim_names(__name__, globals(), __all__)
