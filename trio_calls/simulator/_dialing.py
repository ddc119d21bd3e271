"""Calls that are placed from outside the simulator's process, a connection each."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, assert_never

import attrs
import trio

from trio_calls._logging import get_logger
from trio_calls.audio import SAMPLE_BYTES
from trio_calls.simulator._dialed_lines import DialedLines
from trio_calls.simulator._placed_calls import PlacedCalls
from trio_calls.simulator._simulated_call import (
    SimulatedCall,
    drop_recordings,
    gone_from,
    record_caller,
    take_recording,
)
from trio_calls.simulator.phones.conference import Party
from trio_calls.simulator.phones.leg import PhoneHungUp
from trio_calls.simulator.phones.phone import Phone, Pickup, answers, declines, never_answers
from trio_calls.transport import WebSocket, WebSocketClosed
from trio_calls.wire.codec import WireError, encode
from trio_calls.wire.dialing import (
    CALLEE,
    CALLER,
    SILENCE_DBFS,
    Dial,
    DialEnded,
    DialEvent,
    DialHangUp,
    DialingMessage,
    DialLine,
    DialPlaced,
    DialProgress,
    DialRefused,
    DialSay,
    DialStatus,
    PickupKind,
    decode_dialing,
)

logger = get_logger("trio_calls.simulator.dialing")

_RECORDING_CHUNK_BYTES: Final = 2**16

#: How often a dialer is sent what its caller has heard, in seconds.
_RECORDING_SECONDS: Final = 0.2

#: How often a dialer is told of state, mode and levels, in seconds.
_STATUS_SECONDS: Final = 0.25

#: Seconds within which a dialer must have placed its call.
_DIAL_SECONDS: Final = 10.0

#: How much of a recording waits for a dialer that does not read, the latest, in seconds.
MAX_WAITING_SECONDS: Final = 60.0

#: How much the two telephones may be given to say, in bytes: more than 10 minutes at 24 kHz.
MAX_SPEECH_BYTES: Final = 2**25

_GONE: Final = {
    Party.AGENT: DialEvent.AGENT_LEFT,
    Party.CALLER: DialEvent.CALLER_HUNG_UP,
    Party.CALLEE: DialEvent.CALLEE_HUNG_UP,
}


class DialerConnection:
    """Places one call, passes on what its telephones are to say, and reports what happens to it.

    A call whose dialer is gone ends: the caller hangs up. Then nobody can ask for its recordings
    any more, and they are dropped, so that a simulator can run for days.

    Args:
      calls: places the call.
      sample_rate: the sample rate of all audio, in Hz.
    """

    def __init__(self, calls: PlacedCalls, sample_rate: int) -> None:
        self._calls = calls
        self._sample_rate = sample_rate
        # No bound is needed: a connection is sent a few events for each line, and of its recording
        # one piece at a time.
        self._outbox, self._to_write = trio.open_memory_channel[str | bytes](math.inf)
        self._call: SimulatedCall | None = None
        self._placed_at = -math.inf
        self._speech_bytes = 0
        self._lines = DialedLines()
        self._answer_told = trio.Event()
        self._is_refused = False
        self._wants_status = False
        self._nursery: trio.Nursery
        self._before_dial: trio.CancelScope

    async def run(self, websocket: WebSocket) -> None:
        """Serve until either side closes the connection. Cancellation drops it at once."""
        with trio.move_on_after(_DIAL_SECONDS) as self._before_dial:
            try:
                async with trio.open_nursery() as self._nursery:
                    self._nursery.start_soon(self._write, websocket)
                    await self._read(websocket)
                    self._nursery.cancel_scope.cancel()
            finally:
                await websocket.aclose()

    def lost(self) -> None:
        """Hang up: the connection is gone, or never came to be."""
        if self._call is not None:
            self._call.caller.hang_up()
            drop_recordings(self._call)

    async def _read(self, websocket: WebSocket) -> None:
        # The end of the connection ends the reading.
        with suppress(WebSocketClosed):
            while True:
                for frame in await websocket.receive_batch():
                    self._receive(frame)

    async def _write(self, websocket: WebSocket) -> None:
        # A connection that is over is the reader's to notice.
        with suppress(WebSocketClosed):
            async for message in self._to_write:
                await websocket.send(message)
            await websocket.aclose()

    def _receive(self, frame: str | bytes) -> None:
        if self._is_refused:
            return
        try:
            if isinstance(frame, bytes):
                self._receive_audio(frame)
            else:
                self._receive_text(frame)
        except WireError as error:
            self._refuse(str(error))

    def _receive_text(self, frame: str) -> None:
        match decode_dialing(frame):
            case Dial() as dial if self._call is None:
                self._place(dial)
            case DialSay() as say if self._call is not None:
                self._lines.begin(say)
            case DialHangUp() if self._call is not None:
                self._call.caller.hang_up()
            case _:
                raise WireError("this message makes no sense here")

    def _receive_audio(self, frame: bytes) -> None:
        if self._call is None:
            raise WireError("audio came before a call was placed")
        phones = {CALLER: self._call.caller, CALLEE: self._call.callee}
        phone = phones.get(frame[0]) if frame else None
        if phone is None:
            raise WireError("audio is neither the caller's nor the callee's")
        self._speech_bytes += len(frame)
        if self._speech_bytes > MAX_SPEECH_BYTES:
            raise WireError(f"the telephones of a call say {MAX_SPEECH_BYTES} bytes at the most")
        if phone is self._call.caller and self._lines.want_audio:
            self._lines.add(frame[1:])
        else:
            _say(phone, frame[1:])

    def _place(self, dial: Dial) -> None:
        self._before_dial.deadline = math.inf
        pickup = pickup_of(PickupKind(dial.pickup), dial.pickup_seconds)
        self._call = self._calls.place(caller=dial.caller, callee=dial.callee, pickup=pickup)
        if dial.wants_recording:
            record_caller(self._call, MAX_WAITING_SECONDS)
        self._wants_status = dial.wants_status
        self._placed_at = trio.current_time()
        self._send(DialPlaced(self._call.call_id, self._sample_rate))
        self._nursery.start_soon(self._report, self._call, dial)
        self._nursery.start_soon(self._say_lines, self._call.caller)

    async def _say_lines(self, caller: Phone) -> None:
        # That somebody has answered comes before what is said to them.
        await self._answer_told.wait()
        await self._lines.say(caller, self._sample_rate, self._tell_line)

    def _tell_line(self, number: int, *, was_said: bool) -> None:
        self._send(DialLine(number, was_said, self._seconds))

    async def _report(self, call: SimulatedCall, dial: Dial) -> None:
        async with trio.open_nursery() as waiting:
            waiting.start_soon(self._announce, DialEvent.CLAIMED, call.wait_claimed)
            waiting.start_soon(self._announce, DialEvent.CALLER_TALKING, call.caller.wait_talking)
            waiting.start_soon(self._announce, DialEvent.CALLEE_TALKING, call.callee.wait_talking)
            waiting.start_soon(self._announce_who_goes, call)
            if dial.wants_status:
                waiting.start_soon(self._tell_status, call)
            if dial.wants_recording:
                waiting.start_soon(self._pass_on_recording, call)
        await call.wait_ended()
        self._send(DialEnded(self._seconds))

    async def _announce(self, event: DialEvent, wait: Callable[[], Awaitable[None]]) -> None:
        try:
            await wait()
        except PhoneHungUp:
            return
        self._tell_event(event)
        if event is DialEvent.CALLER_TALKING:
            self._answer_told.set()

    async def _announce_who_goes(self, call: SimulatedCall) -> None:
        told = 0
        for wait in (call.wait_agent_left, call.wait_ended):
            await wait()
            gone = gone_from(call)
            for party in gone[told:]:
                self._tell_event(_GONE[party])
            told = len(gone)

    def _tell_event(self, event: DialEvent) -> None:
        if self._wants_status and self._call is not None:
            # The state to which this has led.
            self._send(_status(self._call, self._seconds))
        self._send(DialProgress(event, self._seconds))

    async def _tell_status(self, call: SimulatedCall) -> None:
        is_over = False
        while not is_over:
            is_over = call.ended
            if is_over or not self._outbox.statistics().current_buffer_used:
                self._send(_status(call, self._seconds))
            with trio.move_on_after(_STATUS_SECONDS):
                await call.wait_ended()

    async def _pass_on_recording(self, call: SimulatedCall) -> None:
        """Send what the caller hears as it is heard, so that a dialer may end at any moment."""
        is_over = False
        while not is_over:
            with trio.move_on_after(_RECORDING_SECONDS):
                await call.wait_ended()
            is_over = call.ended
            if is_over or not self._outbox.statistics().current_buffer_used:
                self._send_recording(take_recording(call))

    def _send_recording(self, pcm: bytes) -> None:
        if self._is_refused:
            return
        for start in range(0, len(pcm), _RECORDING_CHUNK_BYTES):
            chunk = pcm[start : start + _RECORDING_CHUNK_BYTES]
            self._outbox.send_nowait(bytes([CALLER]) + chunk)

    @property
    def _seconds(self) -> float:
        return trio.current_time() - self._placed_at

    def _send(self, message: DialingMessage) -> None:
        if not self._is_refused:
            self._outbox.send_nowait(encode(message))

    def _refuse(self, reason: str) -> None:
        logger.warning("a dialer was refused: %s", reason)
        self._send(DialRefused(reason))
        self._is_refused = True
        self._outbox.close()


def _status(call: SimulatedCall, seconds: float) -> DialStatus:
    mode = call.agent_mode
    levels = (
        None if level is None else max(level, SILENCE_DBFS)
        for level in attrs.astuple(call.levels())
    )
    return DialStatus(seconds, call.agent_states[-1].name, mode and mode.name, *levels)


def pickup_of(kind: PickupKind, seconds: float) -> Pickup:
    """Return what a callee does who is asked for by its kind, after so many seconds of ringing."""
    match kind:
        case PickupKind.ANSWERS:
            return answers(after_seconds=seconds)
        case PickupKind.DECLINES:
            return declines(after_seconds=seconds)
        case PickupKind.NEVER:
            return never_answers()
        case _:
            assert_never(kind)


def _say(phone: Phone, pcm: bytes) -> None:
    if len(pcm) % SAMPLE_BYTES:
        raise WireError("audio must be whole samples")
    try:
        phone.say_nowait(pcm)
    except PhoneHungUp:
        # Said into a line that is dead already: the dialer is about to hear of it.
        return
