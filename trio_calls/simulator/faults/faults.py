"""What can go wrong between an exchange and its agents, by name."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Final

import attrs
import trio

from trio_calls.simulator.exchange.lines import Interference
from trio_calls.simulator.faults.injection import Fault, Scene
from trio_calls.simulator.faults.interferences import (
    Delay,
    LateAnswer,
    NoAnswer,
    RefusedCommand,
    TwofoldAnswer,
)
from trio_calls.simulator.transcript.transcript import ConnectionKind
from trio_calls.state import Command

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
    b"",
    b"\x00",
    b"\x00\x01\x02\x03",
    b"\xff\x00\x00",
)


def cut_media() -> Fault:
    """The media connection breaks, without a word."""
    return _Cut("media")


def cut_control() -> Fault:
    """The control connection breaks, without a word: the one that has the call, or every one."""
    return _Cut("control")


def restart(*, seconds: float = 3.0) -> Fault:
    """The exchange drops every connection, whosever call was named, and refuses new ones.

    Conferences go on without their agents; callers who wait are offered again; callers who talk
    with an agent alone are hung up.

    Args:
      seconds: for how long connections are refused.
    """
    return _Restart(seconds)


def answer_late(command: str, *, seconds: float) -> Fault:
    """The next such command is done at once, but the agent hears of it so many seconds later.

    Args:
      command: as the wire has it, such as ``call.connect``.
      seconds: how late.

    Raises:
      ValueError: there is no such command, or the number of seconds is negative.
    """
    return _AnswerLate(Command(command), seconds)


def never_answer(command: str) -> Fault:
    """The next such command is done, but the agent is not told.

    Raises:
      ValueError: there is no such command.
    """
    return _NeverAnswer(Command(command))


def answer_twice(command: str) -> Fault:
    """The next such command is done, and the agent is told twice.

    Raises:
      ValueError: there is no such command.
    """
    return _AnswerTwice(Command(command))


def refuse(command: str, *, error_code: str) -> Fault:
    """The next such command is not done; the agent is told so.

    Raises:
      ValueError: there is no such command.
    """
    return _Refuse(Command(command), error_code)


def send_malformed(
    frame: str | bytes | None = None, *, connection: ConnectionKind = "media"
) -> Fault:
    """The exchange sends a frame that makes no sense.

    Args:
      frame: text or binary; None: one of `MALFORMED_FRAMES`, picked by the simulator's seed.
      connection: which is sent it.
    """
    return _SendMalformed(frame, connection)


def stall(*, seconds: float, connection: ConnectionKind = "media") -> Fault:
    """The exchange neither reads nor writes for a while; what it has to say is said after that.

    Pings stay unanswered as soon as two messages wait to be read.

    Args:
      seconds: for how long.
      connection: on which.
    """
    return _Stall(seconds, connection)


def jitter(*, seconds: float) -> Fault:
    """From here on the network takes up to so long, at random, for what goes to the agent.

    Nothing overtakes anything.
    """
    return _Jitter(seconds)


def duplicate_offer() -> Fault:
    """The call is offered once more, as if nobody had claimed it."""
    return _DuplicateOffer()


@attrs.frozen
class _Cut(Fault):
    text = "cut_{0.connection}"
    connection: ConnectionKind

    def strike(self, scene: Scene) -> None:
        for line in scene.lines(self.connection):
            line.drop()


@attrs.frozen
class _Restart(Fault):
    connection = "control"
    text = "restart, {0.seconds:g} s"
    seconds: float = attrs.field(validator=attrs.validators.ge(0))

    def strike(self, scene: Scene) -> None:
        scene.exchange.go_down(self.seconds)


class _Standing(Fault):
    """A fault that lasts."""

    def strike(self, scene: Scene) -> None:
        scene.exchange.lines.interfere(self.connection, scene.session_id, self.prepare(scene))

    @abstractmethod
    def prepare(self, scene: Scene) -> Callable[[], Interference]:
        """Make what makes one interference for each connection."""


@attrs.frozen
class _AnswerLate(_Standing):
    text = "answer_late {0.command.value}, {0.seconds:g} s"
    command: Command
    seconds: float = attrs.field(validator=attrs.validators.ge(0))

    def prepare(self, scene: Scene) -> Callable[[], Interference]:
        late = LateAnswer(self.command, self.seconds, scene.exchange.nursery)
        return lambda: late


@attrs.frozen
class _NeverAnswer(_Standing):
    text = "never_answer {0.command.value}"
    command: Command

    def prepare(self, scene: Scene) -> Callable[[], Interference]:
        none = NoAnswer(self.command)
        return lambda: none


@attrs.frozen
class _AnswerTwice(_Standing):
    text = "answer_twice {0.command.value}"
    command: Command

    def prepare(self, scene: Scene) -> Callable[[], Interference]:
        twofold = TwofoldAnswer(self.command)
        return lambda: twofold


@attrs.frozen
class _Refuse(_Standing):
    text = "refuse {0.command.value}, {0.error_code}"
    command: Command
    error_code: str

    def prepare(self, scene: Scene) -> Callable[[], Interference]:
        refused = RefusedCommand(self.command, self.error_code)
        return lambda: refused


@attrs.frozen
class _SendMalformed(Fault):
    text = "send_malformed"
    frame: str | bytes | None
    connection: ConnectionKind

    def strike(self, scene: Scene) -> None:
        frame = scene.random.choice(MALFORMED_FRAMES) if self.frame is None else self.frame
        for line in scene.lines(self.connection):
            line.send_past_faults(frame)


@attrs.frozen
class _Stall(Fault):
    text = "stall, {0.seconds:g} s"
    seconds: float = attrs.field(validator=attrs.validators.ge(0))
    connection: ConnectionKind

    def strike(self, scene: Scene) -> None:
        ends_at = trio.current_time() + self.seconds
        for line in scene.lines(self.connection):
            line.stop_reading(ends_at)
            line.interfere(Delay(scene.exchange.nursery, lambda: ends_at - trio.current_time()))


@attrs.frozen
class _Jitter(_Standing):
    text = "jitter, {0.seconds:g} s"
    seconds: float = attrs.field(validator=attrs.validators.ge(0))

    def prepare(self, scene: Scene) -> Callable[[], Interference]:
        def pick() -> float:
            return scene.random.uniform(0, self.seconds)

        return lambda: Delay(scene.exchange.nursery, pick)


@attrs.frozen
class _DuplicateOffer(Fault):
    connection = "control"
    text = "duplicate_offer"

    def strike(self, scene: Scene) -> None:
        scene.exchange.offer_twice(scene.session_id)
