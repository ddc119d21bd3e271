"""One call into a running simulator, as the dialer sees it."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Final, assert_never
from urllib.parse import urlsplit

import trio

from trio_calls.audio import SAMPLE_BYTES
from trio_calls.cli.dial_order import Order, Result
from trio_calls.cli.dial_view import DialView
from trio_calls.cli.outcome import Failure
from trio_calls.cli.patience import Patience
from trio_calls.cli.recorder import Recorder, open_recorder
from trio_calls.transport import (
    HandshakeRefused,
    HostUnreachable,
    WebSocket,
    WebSocketClosed,
    WebSocketError,
    connect_websocket,
)
from trio_calls.wire.codec import WireError, encode
from trio_calls.wire.dialing import (
    CALLEE,
    CALLER,
    DIALING_PATH,
    Dial,
    DialEnded,
    DialEvent,
    DialHangUp,
    DialLine,
    DialPlaced,
    DialProgress,
    DialRefused,
    DialSay,
    DialStatus,
    decode_dialing,
)
from trio_calls.wire.message import UnknownMessage

_CONNECT_SECONDS: Final = 30.0

#: How long a simulator may take to end a call whose caller has hung up.
_ENDING_SECONDS: Final = 30.0

_CHUNK_BYTES: Final = 2**16


async def dial_call(
    order: Order, record: Path | None = None, view: DialView | None = None
) -> Result:
    """Place a call and follow it to its end.

    Args:
      order: what to do.
      record: the WAV file to write what the caller hears into, as it is heard; None for none. What
        was in it before is gone, whatever becomes of the call.
      view: is told what happens meanwhile, if there is one.

    Raises:
      Failure: the simulator is not there, or does not accept the key. No other call can do better.

    Cancellation: the caller hangs up. The recording has what was heard until then.
    """
    result = Result()
    with open_recorder(record) as recorder:
        await _follow_call(order, result, recorder, view)
    result.recording_fault = recorder.fault
    return result


async def _follow_call(
    order: Order, result: Result, recorder: Recorder, view: DialView | None
) -> None:
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
            await _DialedCall(order, result, recorder, websocket, view).follow()
        except WebSocketClosed:
            result.fault = "the simulator ended the connection"
        except WireError as error:
            result.fault = f"the simulator sent what makes no sense: {error}"
        finally:
            await websocket.aclose()


class _DialedCall:
    """Follows a call. One task both reads and writes, as the simulator never waits for either."""

    def __init__(
        self,
        order: Order,
        result: Result,
        recorder: Recorder,
        websocket: WebSocket,
        view: DialView | None,
    ) -> None:
        self._order = order
        self._result = result
        self._recorder = recorder
        self._websocket = websocket
        self._is_placed = False
        self._is_over = False
        self._view = view
        self._patience = Patience(
            trio.current_time(), order.ring_seconds, order.talk_seconds, order.lines
        )

    async def follow(self) -> None:
        await self._websocket.send(encode(self._order.dial))
        await self._receive_until(lambda: self._patience.ends_at)
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
                await self._say(sample_rate)
            case DialProgress(event=event, seconds=seconds):
                self._follow_progress(event, seconds)
            case DialLine(number=number, was_said=was_said, seconds=seconds):
                self._follow_line(number, was_said, seconds)
            case DialStatus() as status:
                if self._view is not None:
                    self._view.update(status)
            case DialEnded(seconds=seconds):
                self._result.seconds = seconds
                self._is_over = True
                if self._view is not None:
                    self._view.tell("the call is over", seconds)
            case DialRefused(reason=reason):
                self._result.fault = f"the simulator refused: {self._order.quote(reason)}"
                self._is_over = True
            case Dial() | DialPlaced() | DialSay() | DialHangUp() | UnknownMessage():
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
            self._patience.answered(trio.current_time())
        if self._view is not None:
            self._view.happened(event, seconds)

    def _follow_line(self, number: int, was_said: bool, seconds: float) -> None:
        now = trio.current_time()
        if was_said:
            self._result.lines_said += 1
            self._patience.has_said(number, now)
        else:
            self._patience.begins(number, now)
        if self._view is not None and number <= len(self._order.lines):
            name = self._order.lines[number - 1].speech.name
            has = "has said" if was_said else "says"
            self._view.tell(f"the caller {has} {name}", seconds)

    async def _say(self, sample_rate: int) -> None:
        """Send what caller and callee are to say."""
        for line in self._order.lines:
            pcm = line.speech.to_pcm(sample_rate)
            say = DialSay(len(pcm), line.wait_seconds, line.for_silence)
            await self._websocket.send(encode(say))
            await self._send_audio(CALLER, pcm)
        if self._order.callee_say is not None:
            await self._send_audio(CALLEE, self._order.callee_say.to_pcm(sample_rate))

    async def _send_audio(self, who: int, pcm: bytes) -> None:
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
        return (
            f"no connection to {where} ({error}): is `trio-calls simulator` running there? --url "
            "says where"
        )
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        return f"the simulator at {where} has another key: give the one it was started with"
    return f"{where} is no simulator that can be dialed into ({error})"
