"""What can go wrong between an exchange and its agents, by name."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Final

import attrs
import trio

from trio_calls.simulator.exchange.taps import FrameInterceptor
from trio_calls.simulator.faults.injection import Fault, FaultTarget
from trio_calls.simulator.faults.interceptors import (
    Delay,
    DuplicateResponse,
    LateResponse,
    LostResponse,
    RefusedRequest,
)
from trio_calls.simulator.faults.requests import RequestKind, request_kind
from trio_calls.simulator.faults.triggers import not_negative
from trio_calls.simulator.transcript.transcript import ConnectionKind

#: Frames that no SDK may trip over, on either kind of connection.
MALFORMED_FRAMES: Final[tuple[str | bytes, ...]] = (
    "",
    "{",
    "null",
    '{"type":7}',
    '{"type":"command_response","data":{"command_id":7,"success":"yes"}}',
    '{"type":"buffer_request","data":{"requested_bytes":-960}}',
    '{"type":"call_event","data":[]}',
    '{"type":"response","reqId":null,"ok":1}',
    '{"type":"session.notify","sessionId":' + "[" * 100 + "]" * 100 + "}",
    '{"type":"flow","data":{"drained_ms":-20,"window_ms":60}}',
    '{"type":"config","data":{"frame_ms":0}}',
    '{"type":"call.notify","txnUuid":["x"]}',
    b"",
    b"\x00",
    b"\x00\x01\x02\x03",
    b"\xff\x00\x00",
    # On the second wire: flags that are not used yet, a silence without its length, and extensions
    # that are cut off. On the first, each holds half a sample.
    b"\x00\x7c" + bytes(8),
    b"\x00\x01" + bytes(8),
    b"\x00\x80" + bytes(6) + b"\xff\x00",
)


def cut_media() -> Fault:
    """Break the media connection, without a word."""
    return _Cut("media")


def cut_control() -> Fault:
    """Break the control connection, without a word: the one that has the call, or every one."""
    return _Cut("control")


def restart(*, seconds: float = 3.0) -> Fault:
    """Drop every connection, whosever call was named, and refuse new ones for a while.

    Conferences go on without their agents; callers who wait are offered again; callers who talk
    with an agent alone are hung up.

    Args:
      seconds: for how long connections are refused.
    """
    return _Restart(seconds)


def answer_late(command: str, *, seconds: float) -> Fault:
    """Do the next such command at once, but respond to the agent so many seconds later.

    Args:
      command: as the wire has it: a command of a call such as ``call.connect``, or a request on
        the control connection such as ``wa.msg.out`` or ``session.open``.
      seconds: how late.

    Raises:
      ValueError: there is no such command, or the number of seconds is negative.
    """
    return _AnswerLate(request_kind(command), seconds)


def never_answer(command: str) -> Fault:
    """Do the next such command, but never respond to the agent.

    Raises:
      ValueError: there is no such command.
    """
    return _NeverAnswer(request_kind(command))


def answer_twice(command: str) -> Fault:
    """Do the next such command, and respond to the agent twice.

    Raises:
      ValueError: there is no such command.
    """
    return _AnswerTwice(request_kind(command))


def refuse(command: str, *, error_code: str) -> Fault:
    """Refuse the next such command, without doing it.

    Raises:
      ValueError: there is no such command.
    """
    return _Refuse(request_kind(command), error_code)


def send_malformed(
    frame: str | bytes | None = None, *, connection: ConnectionKind = "media"
) -> Fault:
    """Send a frame that makes no sense.

    Args:
      frame: text or binary; None: one of some that are broken, picked by the simulator's seed.
      connection: which connection it is sent on.
    """
    return _SendMalformed(frame, connection)


def stall(*, seconds: float, connection: ConnectionKind = "media") -> Fault:
    """Neither read nor write for a while. What is to be sent meanwhile is sent after that.

    Pings stay unanswered as soon as two messages wait to be read.

    Args:
      seconds: for how long.
      connection: which connection stalls.
    """
    return _Stall(seconds, connection)


def jitter(*, seconds: float) -> Fault:
    """Delay what goes to the agent by up to so many seconds, at random, from now on.

    Nothing overtakes anything.
    """
    return _Jitter(seconds)


def duplicate_offer() -> Fault:
    """Offer the call once more, as if nobody had claimed it."""
    return _DuplicateOffer()


@attrs.frozen
class _Cut(Fault):
    text = "cut_{0.connection}"
    connection: ConnectionKind

    def apply(self, target: FaultTarget) -> None:
        for tap in target.taps(self.connection):
            tap.drop()


@attrs.frozen
class _Restart(Fault):
    connection = "control"
    text = "restart, {0.seconds:g} s"
    seconds: float = attrs.field(validator=not_negative)

    def apply(self, target: FaultTarget) -> None:
        target.exchange.go_down(self.seconds)


class _Lasting(Fault):
    """A fault that lasts, on connections present and future."""

    def apply(self, target: FaultTarget) -> None:
        # A control connection is that of all sessions.
        session_id = target.session_id if self.connection == "media" else None
        target.exchange.taps.intercept(self.connection, session_id, self.prepare(target))

    @abstractmethod
    def prepare(self, target: FaultTarget) -> Callable[[], FrameInterceptor]:
        """Return a function that makes the interceptor of each connection."""


@attrs.frozen
class _OfRequest(_Lasting):
    """A fault of the next request of a kind, whichever connection it comes on."""

    kind: RequestKind
    connection: ConnectionKind = attrs.field(
        init=False, default=attrs.Factory(lambda self: self.kind.connection, takes_self=True)
    )

    def prepare(self, target: FaultTarget) -> Callable[[], FrameInterceptor]:
        interceptor = self.make_interceptor(target)
        return lambda: interceptor

    @abstractmethod
    def make_interceptor(self, target: FaultTarget) -> FrameInterceptor:
        """Make the interceptor that all connections share."""


@attrs.frozen
class _AnswerLate(_OfRequest):
    text = "answer_late {0.kind.name}, {0.seconds:g} s"
    seconds: float = attrs.field(validator=not_negative)

    def make_interceptor(self, target: FaultTarget) -> FrameInterceptor:
        return LateResponse(self.kind, target.names, self.seconds, target.exchange.nursery)


@attrs.frozen
class _NeverAnswer(_OfRequest):
    text = "never_answer {0.kind.name}"

    def make_interceptor(self, target: FaultTarget) -> FrameInterceptor:
        return LostResponse(self.kind, target.names)


@attrs.frozen
class _AnswerTwice(_OfRequest):
    text = "answer_twice {0.kind.name}"

    def make_interceptor(self, target: FaultTarget) -> FrameInterceptor:
        return DuplicateResponse(self.kind, target.names)


@attrs.frozen
class _Refuse(_OfRequest):
    text = "refuse {0.kind.name}, {0.error_code}"
    error_code: str

    def make_interceptor(self, target: FaultTarget) -> FrameInterceptor:
        return RefusedRequest(self.kind, target.names, self.error_code)


@attrs.frozen
class _SendMalformed(Fault):
    text = "send_malformed"
    frame: str | bytes | None
    connection: ConnectionKind

    def apply(self, target: FaultTarget) -> None:
        frame = target.random.choice(MALFORMED_FRAMES) if self.frame is None else self.frame
        for tap in target.taps(self.connection):
            tap.send_past_interceptors(frame)


@attrs.frozen
class _Stall(Fault):
    text = "stall, {0.seconds:g} s"
    seconds: float = attrs.field(validator=not_negative)
    connection: ConnectionKind

    def apply(self, target: FaultTarget) -> None:
        ends_at = trio.current_time() + self.seconds
        for tap in target.taps(self.connection):
            tap.stop_reading(ends_at)
            tap.intercept(Delay(target.exchange.nursery, lambda: ends_at - trio.current_time()))


@attrs.frozen
class _Jitter(_Lasting):
    text = "jitter, {0.seconds:g} s"
    seconds: float = attrs.field(validator=not_negative)

    def prepare(self, target: FaultTarget) -> Callable[[], FrameInterceptor]:
        def pick() -> float:
            return target.random.uniform(0, self.seconds)

        return lambda: Delay(target.exchange.nursery, pick)


@attrs.frozen
class _DuplicateOffer(Fault):
    connection = "control"
    text = "duplicate_offer"

    def apply(self, target: FaultTarget) -> None:
        target.exchange.offer_twice(target.session_id)
