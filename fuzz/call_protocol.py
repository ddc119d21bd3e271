r"""What holds for an agent's end of a media connection, whatever comes in whatever order.

The input is a script: its first byte picks how audio is heard, and then it has one step a line, a
letter and what belongs to it:

==========  ==========================================================================
``t{…}``    the exchange sends a text frame; ``#0``, ``#1``, … in it are the ids of the
            commands that were sent, from the first one on
``a\0…``    the exchange sends a binary message
``c1 60``   the agent sends a command, the one with this number, with this ring time
``p480``    the agent queues so many samples
``f``       lets them go out without waiting for a whole frame
``x``       drops them
``g``       takes what may go out
``s3``      something else happens to the call: the signal with this number
``r99 …``   the step that follows, so many times
==========  ==========================================================================

What is none of these is passed over.
"""

from __future__ import annotations

import json
import pickle
import re
from typing import Any, Final

from fuzz.examples import FRAMES, WORDS
from trio_calls.audio_format import AudioMode
from trio_calls.errors import BufferFullError, WSSCallStateError
from trio_calls.state import TRANSITIONS, CallState, Command, Signal
from trio_calls.wire.call_protocol import (
    MAX_UNANSWERED_COMMANDS,
    CallFault,
    CallProtocol,
    CommandDone,
    CommandFailed,
    CreditGranted,
    Event,
)
from trio_calls.wire.first.media import unpack_audio
from trio_calls.wire.first.media_wire import FirstMedia
from trio_calls.wire.media_wire import AudioReceived
from trio_calls.wire.names import CALL_CHANNEL
from trio_calls.wire.outgoing_audio import MAX_OPEN_REQUESTS

CAPACITY_BYTES: Final = 4000
MAX_STEPS: Final = 100

#: More than everything may take that a call may hold: a full queue, 64 requests, 64 commands.
MAX_HELD_BYTES: Final = 10_000

_SAMPLE_BYTES: Final = 2

#: Whole samples, and no fraction of any frame.
_PIECE_BYTES: Final = 62
_ID: Final = re.compile(r"#(\d{1,3})")
_REPEAT: Final = re.compile(rb"r(\d{1,2}) (.+)", re.DOTALL)


def seeds() -> list[bytes]:
    """Calls from beginning to end, and floods."""
    credit = _credit(960)
    flood = [_credit(960 + number % 2 * 40) for number in range(MAX_OPEN_REQUESTS + 6)]
    terminated = 't{"type":"call_event","data":{"event":"call.terminated"}}'
    answered = ["c0", _response("#0", success=True), credit]
    connected = ["c1 60", _response("#0", success=True), credit]
    scripts = [
        [f"t{frame}" for frame in FRAMES[::2]],
        [f"t{frame}" for frame in FRAMES[1::2]],
        [*answered, "p480", "g", "p200", "f", "g", "a\0abab", "x", "c6", terminated],
        [*connected, "c3", _response("#1", success=True), "p600", "g", "a\1ab", "c7"],
        ["c0", _response("#0", success=False), "c1 1", "s11", "c0"],
        [*answered, *flood, "g", "p900", "g"],
        [*answered, f"r66 {credit}", "g", "p900", "g"],
        [*answered, "r70 c5", _response("#70", success=True)],
        [*connected, "r70 c4", _response("#2", success=True), "s12"],
    ]
    return [("01"[n % 2] + "\n" + "\n".join(script)).encode() for n, script in enumerate(scripts)]


def _credit(frame_bytes: int) -> str:
    data = f'{{"requested_bytes":2000,"prefer_audio_frame_bytes":{frame_bytes}}}'
    return f't{{"type":"buffer_request","data":{data}}}'


def words() -> tuple[str, ...]:
    """What scripts are made of."""
    return (*WORDS, '"#0"', '"#1"', "\n", "\nr70 ", "\nc1 60", "\np480")


def check(data: bytes) -> None:
    """Play a script, and raise `AssertionError` if something is amiss.

    Nothing but the documented errors is raised, each step leaves the call within its bounds, and
    the same script comes to the same again; also where all audio comes in the smallest pieces.
    """
    whole = _Play(data)
    whole.run()
    pieces = _Play(data, in_pieces=whole.audio_steps)
    pieces.run()
    assert whole.outcomes == pieces.outcomes
    assert whole.heard == pieces.heard
    assert whole.call.state is pieces.call.state
    assert whole.call.invalid_messages == pieces.call.invalid_messages


def _response(command_id: str, *, success: bool) -> str:
    data = {"command_id": command_id, "success": success}
    return "t" + json.dumps({"type": "command_response", "data": data})


class _Play:
    """One run of a script.

    Attributes:
      outcomes: what each step came to, without ids.
      heard: all PCM that came, by channel.
      audio_steps: the steps whose audio was taken, by their numbers.
    """

    def __init__(self, data: bytes, in_pieces: set[int] | None = None) -> None:
        modes = list(AudioMode)
        mode = modes[data[0] % len(modes) if data else 0]
        self.call = CallProtocol(FirstMedia(mode), CAPACITY_BYTES)
        self.outcomes: list[object] = []
        self.heard: dict[int, bytes] = {}
        self.audio_steps: set[int] = set()
        self._steps = _steps(data)
        self._in_pieces = in_pieces
        self._number = 0
        self._ids: list[str] = []
        self._queued = bytearray()
        self._granted = 0
        self._sent = 0

    def run(self) -> None:
        for number, step in enumerate(self._steps):
            self._number = number
            before = self.call.state
            self._do(step[:1], step[1:])
            assert self.call.state is before or self.call.state in TRANSITIONS[before].values()
            self._check_bounds()
        assert len(pickle.dumps(vars(self.call))) < MAX_HELD_BYTES

    def _do(self, letter: bytes, rest: bytes) -> None:
        audio = self.call.audio
        match letter:
            case b"t":
                self._receive(self._with_ids(rest.decode(errors="replace")))
            case b"a":
                self._receive_audio(rest)
            case b"c":
                self._command(rest)
            case b"p":
                self._put(_number(rest))
            case b"f":
                assert audio.flush().position == audio.sent_position + len(self._queued)
            case b"x":
                assert audio.clear() == len(self._queued)
                self._queued.clear()
            case b"g":
                self._take()
            case b"s":
                self.outcomes.append(self.call.signal(list(Signal)[_number(rest) % len(Signal)]))

    def _with_ids(self, frame: str) -> str:
        def command_id(match: re.Match[str]) -> str:
            number = int(match[1])
            return self._ids[number] if number < len(self._ids) else match[0]

        return _ID.sub(command_id, frame)

    def _receive_audio(self, message: bytes) -> None:
        if self._in_pieces is not None and self._number in self._in_pieces:
            for start in range(1, len(message), _SAMPLE_BYTES):
                piece = message[:1] + message[start : start + _SAMPLE_BYTES]
                assert isinstance(self._receive(piece), AudioReceived)
        elif isinstance(self._receive(message), AudioReceived):
            self.audio_steps.add(self._number)

    def _receive(self, frame: str | bytes) -> Event | None:
        was_over = self.call.state is CallState.DISCONNECTED
        invalid = self.call.invalid_messages
        event = self.call.receive(frame)
        assert event is None or not was_over
        assert self.call.invalid_messages - invalid <= (event is None and not was_over)
        match event:
            case AudioReceived(channel=channel, pcm=pcm):
                self.heard[channel] = self.heard.get(channel, b"") + pcm
                assert len(pcm) % 2 == 0
                assert pcm
            case CreditGranted():
                self._granted += json.loads(frame)["data"]["requested_bytes"]
                self.outcomes.append(event)
            case _:
                self.outcomes.append(_without_id(event))
        return event

    def _command(self, rest: bytes) -> None:
        number, _, text = rest.partition(b" ")
        command = list(Command)[_number(number) % len(Command)]
        seconds = _seconds(text)
        state = self.call.state
        try:
            sent = self.call.start_command(command, ring_time_seconds=seconds)
        except (WSSCallStateError, ValueError) as error:
            assert self.call.state is state
            self.outcomes.append((type(error), str(error)))
        else:
            self._ids.append(sent.command_id)
            self.outcomes.append((sent.command, sent.wait_seconds))

    def _put(self, samples: int) -> None:
        """Queue audio: a number in each sample, so that none can take the place of another."""
        first = self.call.audio.end_position // _SAMPLE_BYTES
        numbers = range(first, first + samples)
        pcm = b"".join((number % 65535 + 1).to_bytes(_SAMPLE_BYTES, "little") for number in numbers)
        if len(pcm) > CAPACITY_BYTES - len(self._queued):
            try:
                self.call.audio.put(pcm)
            except BufferFullError:
                return
            raise AssertionError("more was queued than there is room for")
        size = CAPACITY_BYTES if self._in_pieces is None else _PIECE_BYTES
        for start in range(0, len(pcm), size):
            self.call.audio.put(pcm[start : start + size])
        self._queued += pcm

    def _take(self) -> None:
        while messages := self.call.audio.take():
            for pcm in messages:
                self._take_message(pcm)

    def _take_message(self, pcm: bytes) -> None:
        message = self.call.wire.pack(pcm)
        assert unpack_audio(message, AudioMode.MIXED) == (CALL_CHANNEL, pcm)
        assert pcm == self._queued[: len(pcm)].ljust(len(pcm), b"\0")
        del self._queued[: len(pcm)]
        self._sent += len(pcm)
        self.outcomes.append(pcm)

    def _check_bounds(self) -> None:
        audio = self.call.audio
        assert len(audio.waiting) == len(self._queued) <= CAPACITY_BYTES
        # How many of them there are is nobody's business but that of who looks for growth.
        assert len(audio._requests) <= MAX_OPEN_REQUESTS
        assert len(self.call._unanswered) <= MAX_UNANSWERED_COMMANDS
        assert self._sent + audio.credit_bytes <= self._granted
        assert (self.call.mode is None) is (self.call.state is not CallState.CONNECTED)


def _steps(data: bytes) -> list[bytes]:
    steps: list[bytes] = []
    for line in data[1:].split(b"\n"):
        repeat = _REPEAT.fullmatch(line)
        steps += [repeat[2]] * int(repeat[1]) if repeat else [line]
    return steps[:MAX_STEPS]


def _number(digits: bytes) -> int:
    return int(digits) if digits.isdigit() and len(digits) <= 4 else 0  # noqa: PLR2004


def _seconds(text: bytes) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _without_id(event: Event | None) -> Any:
    match event:
        case CommandDone(command=command):
            return ("done", command)
        case CommandFailed(command=command, error=error):
            return ("failed", command, type(error), str(error))
        case CallFault(error=error):
            return ("fault", str(error))
    return event
