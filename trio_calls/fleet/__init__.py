"""Many machines: which worker has which call, and what is asked of workers from elsewhere.

It stands on Redis, and beside the calls: nothing here is in the path of audio, and when Redis is
gone the calls go on. Needs the extra ``trio-calls[fleet]``.
"""

from trio_calls._public_names import claim_names
from trio_calls.errors import WSSDispatchKeyError, WSSFleetError
from trio_calls.fleet._directory import Directory, DirectoryStatus, open_directory
from trio_calls.fleet._dispatcher import Dispatcher, open_dispatcher
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
from trio_calls.fleet._from_redis import serve_from_redis
from trio_calls.fleet._sealing import new_dispatch_key

__all__ = [
    "CallEntry",
    "CallEvent",
    "CallEventKind",
    "CallEvents",
    "Directory",
    "DirectoryStatus",
    "Dispatcher",
    "Fleet",
    "FleetPasswordError",
    "FleetUnavailableError",
    "FleetView",
    "NoSuchCallError",
    "NoSuchWorkerError",
    "OrderFailedError",
    "WSSDispatchKeyError",
    "WSSFleetError",
    "WorkerEntry",
    "WorkerSilentError",
    "new_dispatch_key",
    "open_directory",
    "open_dispatcher",
    "serve_from_redis",
]

claim_names(__name__, globals(), __all__)
