"""A tap on each connection: every frame passes it, is noted there, and can be intercepted."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import trio

from trio_calls.simulator.transcript.frame_text import FrameText
from trio_calls.simulator.transcript.transcript import ConnectionKind, Direction
from trio_calls.simulator.transcript.transcript_log import ConnectionLog, TranscriptLog

#: Goes out after the last frame: the connection is closed then.
CLOSE: Final = None

#: What goes out: a frame, or `CLOSE`.
Outgoing = str | bytes | None


class FrameInterceptor:
    """Sits between the exchange and a connection. This one passes everything on."""

    def outgoing(self, frame: Outgoing, pass_on: Callable[[Outgoing], None]) -> None:
        """Pass a frame on, now or later; or another one, or none."""
        pass_on(frame)

    def incoming(self, frame: str | bytes, tap: Tap) -> bool:
        """Return whether the exchange may have a frame; if not, it is as if it had never come."""
        return True


class Tap:
    """One connection, as far as frames are concerned.

    Attributes:
      kind: the kind of connection.
      session_id: the call of a media connection; None for a control connection.
      connection_id: the id of a control connection; None for a media connection.
    """

    def __init__(
        self,
        log: TranscriptLog,
        kind: ConnectionKind,
        *,
        session_id: str | None = None,
        connection_id: str | None = None,
        sample_rate: int | None = None,
    ) -> None:
        self.kind: ConnectionKind = kind
        self.session_id = session_id
        self.connection_id = connection_id
        self._log = ConnectionLog(log, kind, session_id, sample_rate)
        self._interceptors: list[FrameInterceptor] = []
        self._emit: Callable[[Outgoing], None] = lambda _: None
        self._drop: Callable[[], None] = lambda: None
        self._reads_again_at = -math.inf
        self._is_over = False

    @property
    def is_over(self) -> bool:
        """Whether nothing goes out any more: it was closed, dropped, or has broken."""
        return self._is_over

    def attach(self, emit: Callable[[Outgoing], None], drop: Callable[[], None]) -> None:
        """Set the functions that send a frame and that drop the connection."""
        self._emit = emit
        self._drop = drop

    def describe_with(self, describe: Callable[[str | bytes], FrameText]) -> None:
        """Describe frames in another way than those of the first wire, from now on."""
        self._log.describe = describe

    def opened(self) -> None:
        """Note that the connection is open."""
        self._log.event("opened")

    def closed(self) -> None:
        """Note that the connection is over."""
        self._is_over = True
        self._log.event("closed")

    def intercept(self, interceptor: FrameInterceptor) -> None:
        """Pass all frames through an interceptor from now on, after those that are there."""
        self._interceptors.append(interceptor)

    def send(self, frame: Outgoing) -> None:
        """Send a frame through the interceptors."""
        self._pass_on(frame, 0)

    def receive(self, frame: str | bytes) -> bool:
        """Note a frame that came, and return whether the exchange may have it."""
        self._log.frame(Direction.FROM_AGENT, frame)
        return not self._is_over and all(
            interceptor.incoming(frame, self) for interceptor in self._interceptors
        )

    def send_past_interceptors(self, frame: Outgoing) -> None:
        """Note a frame, and send it, unless the connection is over."""
        if self._is_over:
            return
        if frame is CLOSE:
            self._is_over = True
        else:
            self._log.frame(Direction.TO_AGENT, frame)
        self._emit(frame)

    def drop(self) -> None:
        """End the connection at once, as if its cable were cut."""
        self._is_over = True
        self._drop()

    def stop_reading(self, until: float) -> None:
        """Read nothing until that time, by `trio.current_time`."""
        self._reads_again_at = max(self._reads_again_at, until)

    async def wait_reading(self) -> None:
        """Wait until frames may be read. No checkpoint if they may be already."""
        if self._reads_again_at > trio.current_time():
            await trio.sleep_until(self._reads_again_at)

    def _pass_on(self, frame: Outgoing, position: int) -> None:
        if position == len(self._interceptors):
            self.send_past_interceptors(frame)
        else:
            self._interceptors[position].outgoing(
                frame, lambda passed: self._pass_on(passed, position + 1)
            )


class Taps:
    """The taps of an exchange's open connections, and the interceptors of those to come."""

    def __init__(self, log: TranscriptLog) -> None:
        self._log = log
        # In the order in which they were opened; the values mean nothing.
        self._open: dict[Tap, None] = {}
        self._for_new: list[tuple[ConnectionKind, str | None, Callable[[], FrameInterceptor]]] = []

    def open_control(self, connection_id: str) -> Tap:
        """Make the tap of a new control connection."""
        return self._opened(Tap(self._log, "control", connection_id=connection_id))

    def open_media(self, session_id: str, sample_rate: int) -> Tap:
        """Make the tap of a call's new media connection, whose audio has this sample rate."""
        return self._opened(Tap(self._log, "media", session_id=session_id, sample_rate=sample_rate))

    def close(self, tap: Tap) -> None:
        """Forget the tap of a connection that is over."""
        self._open.pop(tap, None)

    def control(self, connection_id: str | None) -> list[Tap]:
        """Return the tap of a control connection, or of all with None."""
        return [
            tap
            for tap in self._open
            if tap.kind == "control" and connection_id in {None, tap.connection_id}
        ]

    def media(self, session_id: str | None) -> list[Tap]:
        """Return the tap of a call's media connection, or of all with None."""
        return [tap for tap in self._open if _concerns(tap, "media", session_id)]

    def intercept(
        self,
        kind: ConnectionKind,
        session_id: str | None,
        make_interceptor: Callable[[], FrameInterceptor],
    ) -> None:
        """Intercept the frames of a call, or of all with None, on present and future connections.

        Args:
          kind: The kind of connection.
          session_id: The call, or None for all.
          make_interceptor: called for each of the connections.
        """
        self._for_new.append((kind, session_id, make_interceptor))
        for tap in self._open:
            if _concerns(tap, kind, session_id):
                tap.intercept(make_interceptor())

    def _opened(self, tap: Tap) -> Tap:
        self._open[tap] = None
        for kind, session_id, make_interceptor in self._for_new:
            if _concerns(tap, kind, session_id):
                tap.intercept(make_interceptor())
        return tap


def _concerns(tap: Tap, kind: ConnectionKind, session_id: str | None) -> bool:
    return tap.kind == kind and session_id in {None, tap.session_id}
