"""What sits between an exchange and a connection while a fault lasts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection

import trio

from trio_calls.simulator.exchange.taps import CLOSE, FrameInterceptor, Outgoing, Tap
from trio_calls.simulator.faults.requests import RequestKind

PassOn = Callable[[Outgoing], None]


class Delay(FrameInterceptor):
    """Holds back everything that goes out, in its order.

    Args:
      nursery: where the frames wait.
      seconds: returns for how long to hold back the present frame.
    """

    def __init__(self, nursery: trio.Nursery, seconds: Callable[[], float]) -> None:
        self._nursery = nursery
        self._seconds = seconds
        self._waiting: deque[tuple[float, Outgoing, PassOn]] = deque()
        self._last_due = 0.0

    def outgoing(self, frame: Outgoing, pass_on: PassOn) -> None:
        """Pass a frame on when it is due, and those before it are through."""
        now = trio.current_time()
        self._last_due = max(self._last_due, now + self._seconds())
        if not self._waiting and self._last_due <= now:
            pass_on(frame)
            return
        self._waiting.append((self._last_due, frame, pass_on))
        if len(self._waiting) == 1:
            self._nursery.start_soon(self._release)

    async def _release(self) -> None:
        while self._waiting:
            due, frame, pass_on = self._waiting[0]
            await trio.sleep_until(due)
            self._waiting.popleft()
            pass_on(frame)


class _OneRequest(FrameInterceptor):
    """Watches for the next request of a kind, once, and then for its response.

    Args:
      kind: of request.
      names: the session that it must be about, on the control connection, or its call; None: any.
    """

    def __init__(self, kind: RequestKind, names: Collection[str] | None = None) -> None:
        self._kind = kind
        self._names = names
        self._request_id: str | None = None

    def incoming(self, frame: str | bytes, tap: Tap) -> bool:
        """Remember the request."""
        if self._request_id is not None:
            return True
        self._request_id = self._kind.request_id(frame, self._names)
        return self._request_id is None or self.request_came(self._request_id, tap)

    def request_came(self, request_id: str, tap: Tap) -> bool:
        """Return whether the exchange may have the request."""
        return True

    def outgoing(self, frame: Outgoing, pass_on: PassOn) -> None:
        """Pass on everything but the response."""
        if self._request_id is not None and self._kind.answered_id(frame) == self._request_id:
            self.respond(frame, pass_on)
        else:
            pass_on(frame)

    def respond(self, response: Outgoing, pass_on: PassOn) -> None:
        """Pass on the response, in one way or another."""
        pass_on(response)


class RefusedRequest(_OneRequest):
    """Answers a request with an error; the exchange never hears of it."""

    def __init__(self, kind: RequestKind, names: Collection[str] | None, error_code: str) -> None:
        super().__init__(kind, names)
        self._error_code = error_code

    def request_came(self, request_id: str, tap: Tap) -> bool:
        """Refuse the request."""
        tap.send_past_interceptors(self._kind.refusal(request_id, self._error_code))
        return False


class LostResponse(_OneRequest):
    """Passes a request on, and loses its response."""

    def respond(self, response: Outgoing, pass_on: PassOn) -> None:
        """Drop the response."""


class DuplicateResponse(_OneRequest):
    """Passes a request on, and its response twice."""

    def respond(self, response: Outgoing, pass_on: PassOn) -> None:
        """Pass the response on, twice."""
        pass_on(response)
        pass_on(response)


class LateResponse(_OneRequest):
    """Passes a request on, and its response late; `CLOSE` waits for the response."""

    def __init__(
        self,
        kind: RequestKind,
        names: Collection[str] | None,
        seconds: float,
        nursery: trio.Nursery,
    ) -> None:
        super().__init__(kind, names)
        self._delay = Delay(nursery, lambda: seconds)
        self._is_late = False

    def outgoing(self, frame: Outgoing, pass_on: PassOn) -> None:
        """Hold back the response, and a `CLOSE` until it has gone out."""
        if frame is CLOSE and self._is_late:
            self._delay.outgoing(frame, pass_on)
        else:
            super().outgoing(frame, pass_on)

    def respond(self, response: Outgoing, pass_on: PassOn) -> None:
        """Pass the response on later."""
        self._is_late = True

        def send(frame: Outgoing) -> None:
            self._is_late = False
            pass_on(frame)

        self._delay.outgoing(response, send)
