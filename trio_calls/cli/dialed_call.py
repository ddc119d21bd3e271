"""One call into a running simulator, as the dialer sees it."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Final, assert_never
from urllib.parse import urlsplit

import attrs
import trio

from trio_calls._quoting import printable, without_secrets
from trio_calls.audio import SAMPLE_BYTES
from trio_calls.audio._recording import Recording
from trio_calls.cli.outcome import Failure
from trio_calls.cli.recorder import Recorder, open_recorder
from trio_calls.transport import (
    HandshakeRefused,
    HostUnreachable,
    WebSocket,
    WebSocketClosed,
    WebSocketError,
    connect_websocket,
)
from trio_calls.wire.codec import WireError, decode_dialing, encode
from trio_calls.wire.dialing import (
    CALLEE,
    CALLER,
    DIALING_PATH,
    Dial,
    DialEnded,
    DialEvent,
    DialHangUp,
    DialPlaced,
    DialProgress,
    DialRefused,
)
from trio_calls.wire.message import UnknownMessage

_CONNECT_SECONDS: Final = 30.0

#: How long a simulator may take to end a call whose caller has hung up.
_ENDING_SECONDS: Final = 30.0

_CHUNK_BYTES: Final = 2**16


@attrs.frozen
class Order:
    """The settings that all calls have in common.

    Attributes:
      url: the address of the simulator.
      api_key: the key that the simulator was started with.
      dial: the message that says who calls whom.
      say: what the caller says, or None.
      callee_say: what the callee says, or None.
      ring_seconds: how long the caller waits for an answer before hanging up.
      talk_seconds: how long after the answer the caller hangs up.
    """

    url: str
    api_key: str = attrs.field(repr=False)
    dial: Dial
    say: Recording | None
    callee_say: Recording | None
    ring_seconds: float
    talk_seconds: float

    def quote(self, words: str) -> str:
        """Make words of the simulator fit for a terminal: it may quote the key."""
        return without_secrets(printable(words), [self.api_key])


@attrs.define
class Result:
    """The result of a call.

    Attributes:
      was_claimed: whether an agent took the call.
      answered_after: the seconds from dialing until the caller talked with somebody, or None if
        the caller never did.
      seconds: how long the call lasted in seconds, ringing included.
      fault: why the call could not be followed to its end, or None.
      recording_fault: why what the caller heard was not recorded to its end, or None.
    """

    was_claimed: bool = False
    answered_after: float | None = None
    seconds: float = 0.0
    fault: str | None = None
    recording_fault: str | None = None

    @property
    def failure(self) -> str | None:
        """Why the call did not go as asked, or None."""
        if self.fault is not None:
            return self.fault
        if not self.was_claimed:
            return f"no agent took it in {self.seconds:.1f} s: is one connected?"
        if self.answered_after is None:
            return f"an agent took it, but did not answer it in {self.seconds:.1f} s"
        return None


async def dial_call(order: Order, record: Path | None = None) -> Result:
    """Place a call and follow it to its end.

    Args:
      order: what to do.
      record: the WAV file to write what the caller hears into, as it is heard; None for none. What
        was in it before is gone, whatever becomes of the call.

    Raises:
      Failure: the simulator is not there, or does not accept the key. No other call can do better.

    Cancellation: the caller hangs up. The recording has what was heard until then.
    """
    result = Result()
    with open_recorder(record) as recorder:
        await _follow_call(order, result, recorder)
    result.recording_fault = recorder.fault
    return result


async def _follow_call(order: Order, result: Result, recorder: Recorder) -> None:
    async with trio.open_nursery() as nursery:
        try:
            websocket = await connect_websocket(
                nursery,
                order.url.rstrip("/") + DIALING_PATH,
                headers={"x-api-key": order.api_key},
                ssl_context=None,
                open_stream=None,
                within_seconds=_CONNECT_SECONDS,
            )
        except WebSocketError as error:
            if isinstance(error, HostUnreachable | HandshakeRefused) and not _passes(error):
                raise Failure(order.quote(_explain(error, order))) from None
            result.fault = order.quote(f"no connection to the simulator: {error}")
            return
        try:
            await _DialedCall(order, result, recorder, websocket).follow()
        except WebSocketClosed:
            result.fault = "the simulator ended the connection"
        except WireError as error:
            result.fault = f"the simulator sent what makes no sense: {error}"
        finally:
            await websocket.aclose()


class _DialedCall:
    """Follows a call. One task both reads and writes, as the simulator never waits for either."""

    def __init__(
        self, order: Order, result: Result, recorder: Recorder, websocket: WebSocket
    ) -> None:
        self._order = order
        self._result = result
        self._recorder = recorder
        self._websocket = websocket
        self._is_placed = False
        self._is_over = False
        self._hang_up_at = trio.current_time() + order.ring_seconds

    async def follow(self) -> None:
        await self._websocket.send(encode(self._order.dial))
        await self._receive_until(lambda: self._hang_up_at)
        if self._is_over:
            return
        await self._websocket.send(encode(DialHangUp()))
        give_up_at = trio.current_time() + _ENDING_SECONDS
        await self._receive_until(lambda: give_up_at)
        if not self._is_over:
            self._result.fault = f"the call was not over {_ENDING_SECONDS:g} s after the hangup"

    async def _receive_until(self, deadline: Callable[[], float]) -> None:
        """Receive until the call is over, or until a deadline that may move meanwhile."""
        while not self._is_over:
            frames = None
            with trio.CancelScope(deadline=deadline()):
                frames = await self._websocket.receive_batch()
            if frames is None:
                return
            for frame in frames:
                await self._receive(frame)

    async def _receive(self, frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            self._record(frame)
            return
        match decode_dialing(frame):
            case DialPlaced(sample_rate=sample_rate) if not self._is_placed:
                self._is_placed = True
                self._recorder.begin(sample_rate)
                await self._say(CALLER, self._order.say, sample_rate)
                await self._say(CALLEE, self._order.callee_say, sample_rate)
            case DialProgress(event=event, seconds=seconds):
                self._follow_progress(event, seconds)
            case DialEnded(seconds=seconds):
                self._result.seconds = seconds
                self._is_over = True
            case DialRefused(reason=reason):
                self._result.fault = f"the simulator refused: {self._order.quote(reason)}"
                self._is_over = True
            case Dial() | DialPlaced() | DialHangUp() | UnknownMessage():
                # Not for a dialer, or from a newer simulator.
                pass
            case message:
                assert_never(message)

    def _record(self, frame: bytes) -> None:
        pcm = frame[1:]
        if not self._is_placed or len(pcm) % SAMPLE_BYTES:
            raise WireError("audio that is not of a call, or not of whole samples")
        self._recorder.add(pcm)

    def _follow_progress(self, event: str, seconds: float) -> None:
        if event == DialEvent.CLAIMED:
            self._result.was_claimed = True
        elif event == DialEvent.CALLER_TALKING:
            self._result.answered_after = seconds
            self._hang_up_at = trio.current_time() + self._order.talk_seconds

    async def _say(self, who: int, speech: Recording | None, sample_rate: int) -> None:
        pcm = b"" if speech is None else speech.to_pcm(sample_rate)
        for start in range(0, len(pcm), _CHUNK_BYTES):
            await self._websocket.send(bytes([who]) + pcm[start : start + _CHUNK_BYTES])


def _passes(error: WebSocketError) -> bool:
    """Return whether a simulator that cannot take this call may still take the next."""
    return (
        isinstance(error, HandshakeRefused) and error.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    )


def _explain(error: HostUnreachable | HandshakeRefused, order: Order) -> str:
    parts = urlsplit(order.url)
    where = f"{parts.hostname}:{parts.port or 80}"
    if isinstance(error, HostUnreachable):
        return f"no connection to {where} ({error}): is `trio-calls simulator` running there?"
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        return f"the simulator at {where} has another key: give the one it was started with"
    return f"{where} is no simulator that can be dialed into ({error})"
