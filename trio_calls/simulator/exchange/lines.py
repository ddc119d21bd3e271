"""Where the frames of a connection pass: each is noted, and faults can get at it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Final

import trio

from trio_calls.simulator.transcript.transcript import ConnectionKind, Direction
from trio_calls.simulator.transcript.transcript_log import ConnectionLog, TranscriptLog

#: Goes out after the last frame: the connection is closed then.
GOODBYE: Final = None

#: What goes out: a frame, or the goodbye.
Outgoing = str | bytes | None


class Interference:
    """Stands between the exchange and a connection. This one lets everything pass."""

    def outgoing(self, frame: Outgoing, pass_on: Callable[[Outgoing], None]) -> None:
        """Pass a frame on, now or later; or another one, or none."""
        pass_on(frame)

    def incoming(self, frame: str | bytes, line: Line) -> bool:
        """Tell whether the exchange may have a frame; if not, it is as if it had never come."""
        return True


class Line:
    """One connection, as far as frames are concerned.

    Attributes:
      kind: of connection.
      session_id: the call of a media connection; None for a control connection.
      connection_id: of a control connection; None for a media connection.
    """

    def __init__(
        self,
        log: TranscriptLog,
        kind: ConnectionKind,
        *,
        session_id: str | None = None,
        connection_id: str | None = None,
    ) -> None:
        self.kind: ConnectionKind = kind
        self.session_id = session_id
        self.connection_id = connection_id
        self._log = ConnectionLog(log, kind, session_id)
        self._interferences: list[Interference] = []
        self._emit: Callable[[Outgoing], None] = lambda _: None
        self._drop: Callable[[], None] = lambda: None
        self._reads_again_at = -math.inf
        self._is_over = False

    def attach(self, emit: Callable[[Outgoing], None], drop: Callable[[], None]) -> None:
        """Say where frames go out, and how the connection is dropped."""
        self._emit = emit
        self._drop = drop

    def opened(self) -> None:
        """Note that the connection stands."""
        self._log.event("opened")

    def closed(self) -> None:
        """Note that the connection is over."""
        self._is_over = True
        self._log.event("closed")

    def interfere(self, interference: Interference) -> None:
        """Put something between the exchange and the connection, from here on."""
        self._interferences.append(interference)

    def send(self, frame: Outgoing) -> None:
        """Send a frame, past what interferes with it."""
        self._pass_on(frame, 0)

    def receive(self, frame: str | bytes) -> bool:
        """Note a frame that came, and tell whether the exchange may have it."""
        self._log.frame(Direction.FROM_AGENT, frame)
        return not self._is_over and all(
            interference.incoming(frame, self) for interference in self._interferences
        )

    def send_past_faults(self, frame: Outgoing) -> None:
        """Note a frame, and send it, unless the connection is over."""
        if self._is_over:
            return
        if frame is GOODBYE:
            self._is_over = True
        else:
            self._log.frame(Direction.TO_AGENT, frame)
        self._emit(frame)

    def drop(self) -> None:
        """End the connection at once, as if its cable were cut."""
        self._is_over = True
        self._drop()

    def stop_reading(self, until: float) -> None:
        """Read nothing until then, in Trio's time."""
        self._reads_again_at = max(self._reads_again_at, until)

    async def wait_reading(self) -> None:
        """Wait while nothing may be read. No checkpoint if that is not so."""
        if self._reads_again_at > trio.current_time():
            await trio.sleep_until(self._reads_again_at)

    def _pass_on(self, frame: Outgoing, position: int) -> None:
        if position == len(self._interferences):
            self.send_past_faults(frame)
        else:
            self._interferences[position].outgoing(
                frame, lambda passed: self._pass_on(passed, position + 1)
            )


class Lines:
    """The connections of an exchange that stand, and what interferes with those to come."""

    def __init__(self, log: TranscriptLog) -> None:
        self._log = log
        # In the order in which they were opened; the values mean nothing.
        self._open: dict[Line, None] = {}
        self._standing: list[tuple[ConnectionKind, str | None, Callable[[], Interference]]] = []

    def open_control(self, connection_id: str) -> Line:
        """Begin a control connection."""
        return self._opened(Line(self._log, "control", connection_id=connection_id))

    def open_media(self, session_id: str) -> Line:
        """Begin the media connection of a call."""
        return self._opened(Line(self._log, "media", session_id=session_id))

    def close(self, line: Line) -> None:
        """Forget a connection that is over."""
        self._open.pop(line, None)

    def control(self, connection_id: str | None) -> list[Line]:
        """Find a control connection, or all with None."""
        return [
            line
            for line in self._open
            if line.kind == "control" and connection_id in {None, line.connection_id}
        ]

    def media(self, session_id: str | None) -> list[Line]:
        """Find the media connection of a call, or all with None."""
        return list(self._matching("media", session_id))

    def interfere(
        self,
        kind: ConnectionKind,
        session_id: str | None,
        make_interference: Callable[[], Interference],
    ) -> None:
        """Interfere with the connections of a call, or of all with None: present and future."""
        self._standing.append((kind, session_id, make_interference))
        for line in self._matching(kind, session_id):
            line.interfere(make_interference())

    def _opened(self, line: Line) -> Line:
        self._open[line] = None
        for kind, session_id, make_interference in self._standing:
            if line.kind == kind and session_id in {None, line.session_id}:
                line.interfere(make_interference())
        return line

    def _matching(self, kind: ConnectionKind, session_id: str | None) -> Iterator[Line]:
        for line in self._open:
            if line.kind == kind and session_id in {None, line.session_id}:
                yield line
