"""The names under which the directory is kept in Redis.

::

    trio-calls:fleet:workers           a set: the ids of all workers, of some that are gone, too
    trio-calls:fleet:worker:WORKER     a hash with an expiry: the worker, and each of its calls
    trio-calls:fleet:events:CALL       a stream: what has happened to a call, the newest of it
    trio-calls:fleet:orders:WORKER     a stream: what the worker is asked to do
    trio-calls:fleet:sound:ORDER       what is to be whispered
    trio-calls:fleet:answers:ORDER     a stream: what the worker says of it

All but the first end by themselves.
"""

from __future__ import annotations

import re
from typing import Final

_PREFIX: Final = "trio-calls:fleet"

#: The ids of the workers. One whose hash is gone is forgotten by whoever looks.
WORKERS: Final = f"{_PREFIX}:workers"

#: The fields of a worker's hash. Those of calls have this before the call's id.
WORKER_FIELD: Final = "worker"
CALL_FIELD: Final = "call:"

#: A field that is there while every call is. What it holds does not matter.
WHOLE_FIELD: Final = "whole"

_WORKER_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,128}", re.ASCII)


def is_worker_id(text: str) -> bool:
    """Return whether a text may name a worker: letters, digits, dots and dashes."""
    return _WORKER_ID.fullmatch(text) is not None


def worker_key(worker_id: str) -> str:
    """Return the name of a worker's hash."""
    return f"{_PREFIX}:worker:{worker_id}"


def events_key(call_id: str) -> str:
    """Return the name of a call's stream of events."""
    return f"{_PREFIX}:events:{call_id}"


def orders_key(worker_id: str) -> str:
    """Return the name of the stream of what a worker is asked to do."""
    return f"{_PREFIX}:orders:{worker_id}"


def sound_key(order_id: str) -> str:
    """Return the name of what an order wants whispered."""
    return f"{_PREFIX}:sound:{order_id}"


def answers_key(order_id: str) -> str:
    """Return the name of the stream of the answers to an order."""
    return f"{_PREFIX}:answers:{order_id}"
