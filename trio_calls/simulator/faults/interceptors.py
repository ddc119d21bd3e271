"""What sits between an exchange and a connection while a fault lasts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import trio

from trio_calls.simulator.exchange.taps import CLOSE, FrameInterceptor, Outgoing, Tap
from trio_calls.state import Command
from trio_calls.wire.codec import WireError, decode_media, encode
from trio_calls.wire.media import CommandRequest, CommandResponse

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


class _OneCommand(FrameInterceptor):
    """Watches for the next command of a kind, once, and then for its response."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._command_id: str | None = None

    def incoming(self, frame: str | bytes, tap: Tap) -> bool:
        """Remember the command."""
        request = _read(frame)
        if (
            self._command_id is not None
            or not isinstance(request, CommandRequest)
            or request.command != self._command.value
        ):
            return True
        self._command_id = request.command_id
        return self.command_came(request.command_id, tap)

    def command_came(self, command_id: str, tap: Tap) -> bool:
        """Return whether the exchange may have the command."""
        return True

    def outgoing(self, frame: Outgoing, pass_on: PassOn) -> None:
        """Pass on everything but the response."""
        response = None if self._command_id is None or frame is CLOSE else _read(frame)
        if isinstance(response, CommandResponse) and response.command_id == self._command_id:
            self.respond(frame, pass_on)
        else:
            pass_on(frame)

    def respond(self, response: Outgoing, pass_on: PassOn) -> None:
        """Pass on the response, in one way or another."""
        pass_on(response)


class RefusedCommand(_OneCommand):
    """Answers a command with an error; the exchange never hears of it."""

    def __init__(self, command: Command, error_code: str) -> None:
        super().__init__(command)
        self._error_code = error_code

    def command_came(self, command_id: str, tap: Tap) -> bool:
        """Refuse the command."""
        refusal = CommandResponse(
            command_id,
            success=False,
            error_code=self._error_code,
            error_message="refused by a fault of the simulator",
        )
        tap.send_past_interceptors(encode(refusal))
        return False


class LostResponse(_OneCommand):
    """Passes a command on, and loses its response."""

    def respond(self, response: Outgoing, pass_on: PassOn) -> None:
        """Drop the response."""


class DuplicateResponse(_OneCommand):
    """Passes a command on, and its response twice."""

    def respond(self, response: Outgoing, pass_on: PassOn) -> None:
        """Pass the response on, twice."""
        pass_on(response)
        pass_on(response)


class LateResponse(_OneCommand):
    """Passes a command on, and its response late; `CLOSE` waits for the response."""

    def __init__(self, command: Command, seconds: float, nursery: trio.Nursery) -> None:
        super().__init__(command)
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


def _read(frame: str | bytes | None) -> object:
    if not isinstance(frame, str):
        return None
    try:
        return decode_media(frame)
    except WireError:
        return None
