"""Requests of the control connection that wait for their responses."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs
import trio

from trio_calls._logging import get_logger
from trio_calls.wire.responses import Response

logger = get_logger("trio_calls.pending_requests")


@attrs.define(eq=False)
class PendingRequest:
    """A request on its way.

    Attributes:
      done: set when the response has come, or cannot come any more.
      response: once it has come.
    """

    done: trio.Event = attrs.field(factory=trio.Event)
    response: Response | None = None


class PendingRequests:
    """Matches responses with the requests that wait for them."""

    def __init__(self) -> None:
        self._pending: dict[str, PendingRequest] = {}
        self._unattended: dict[str, Callable[[Response], None]] = {}

    @contextmanager
    def begin(self, request_id: str) -> Iterator[PendingRequest]:
        """Expect a response inside the block; afterwards it would be ignored."""
        pending = self._pending[request_id] = PendingRequest()
        try:
            yield pending
        finally:
            self._pending.pop(request_id, None)

    def expect(self, on_response: Callable[[Response], None]) -> str:
        """Expect a response that nobody waits for, and return the id of its request.

        Args:
          on_response: called with it, if it comes over the present connection.
        """
        request_id = str(uuid.uuid4())
        self._unattended[request_id] = on_response
        return request_id

    def resolve(self, response: Response) -> None:
        """Hand a response to the request that it answers."""
        on_response = self._unattended.pop(response.request_id, None)
        if on_response is not None:
            on_response(response)
            return
        pending = self._pending.get(response.request_id)
        if pending is None or pending.response is not None:
            logger.debug("a response to no request that waits for one was dropped")
            return
        pending.response = response
        pending.done.set()

    def fail_all(self) -> None:
        """End every wait: the connection is over."""
        self._unattended.clear()
        for pending in self._pending.values():
            pending.done.set()
