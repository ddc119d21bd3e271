"""What goes wrong between the machines of a fleet. No call suffers from it."""

from __future__ import annotations

from trio_calls.errors import WSSFleetError


class FleetUnavailableError(WSSFleetError):
    """Redis cannot be reached, does not answer in time, or does not do what it is asked."""


class FleetPasswordError(WSSFleetError):
    """Redis does not accept the name and the password that it was given."""


class NoSuchCallError(WSSFleetError):
    """No worker of the fleet has such a call, or it is over."""


class NoSuchWorkerError(WSSFleetError):
    """The fleet has no such worker, or it is gone."""


class WorkerSilentError(WSSFleetError):
    """A worker has not answered in time. It may do what it was asked for all the same."""


class OrderFailedError(WSSFleetError):
    """A worker could not do what it was asked for. The message says why."""
