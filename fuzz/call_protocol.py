r"""What holds for an agent's end of a media connection, whatever comes in whatever order.

The input is a script: its first byte picks the wire and how audio is heard, and then it has one
step a line, a letter and what belongs to it:

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

import itertools
import json
import pickle
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

from fuzz.examples import FRAMES, WORDS
from trio_calls.audio_format import AudioFormat, AudioMode
from trio_calls.errors import BufferFullError, WSSCallStateError
from trio_calls.state import TRANSITIONS, CallState, Command, Signal
from trio_calls.wire.call_protocol import (
    MAX_UNANSWERED_COMMANDS,
    CallFault,
    CallProtocol,
    CommandDone,
    CommandFailed,
    Event,
)
from trio_calls.wire.codec import WireError
from trio_calls.wire.first import codec as first
from trio_calls.wire.first.media import BufferRequest, unpack_audio
from trio_calls.wire.first.media_wire import FirstMedia
from trio_calls.wire.media_wire import AudioReceived
from trio_calls.wire.names import CALL_CHANNEL
from trio_calls.wire.outgoing_audio import MAX_OPEN_REQUESTS
from trio_calls.wire.second import codec as second
from trio_calls.wire.second.audio_frame import (
    HEADER_BYTES,
    pack_frame,
    pack_silence,
    unpack_frame,
)
from trio_calls.wire.second.media import Config, Flow
from trio_calls.wire.second.media_wire import SecondMedia

CAPACITY_BYTES: Final = 4000
MAX_STEPS: Final = 100

#: More than everything may take that a call may hold: a full queue, 64 requests, 64 commands, and
#: on the second wire a message of one party that waits for the other.
MAX_HELD_BYTES: Final = 12_000

_SAMPLE_RATE: Final = 8000
_SAMPLE_BYTES: Final = 2
_BYTES_PER_MS: Final = 16

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
    heard = pack_frame(0, 0, 0, b"ab" * 80)
    other = pack_frame(1, 0, 0, b"cd" * 80)
    second_scripts = [
        [*answered, _flow(0, 60), _CONFIG, "p480", "g", _flow(20, 60), "p200", "f", "g", "x"],
        [_CONFIG, *connected, _flow(0, 60), "p600", "g", _flow(60, 0), "c3", _flow(30, 20), "c7"],
        [_CONFIG, f"r99 {_flow(7, 1)}"],
        ["c0", _response("#0", success=False), _CONFIG, _flow(1, 599999), "p900", "g", terminated],
    ]
    audio = [b"\na" + each for each in (heard, other, heard, pack_silence(0, 1, 20, 20), other)]
    return [
        *(("01"[n % 2] + "\n" + "\n".join(each)).encode() for n, each in enumerate(scripts)),
        *(("23"[n % 2] + "\n" + "\n".join(each)).encode() for n, each in enumerate(second_scripts)),
        *(b"%d" % wire_and_mode + b"".join(audio) for wire_and_mode in (2, 3)),
    ]


_CONFIG: Final = 't{"type":"config","data":{"frame_ms":20}}'


def _flow(drained_ms: int, window_ms: int) -> str:
    data = f'{{"track_id":0,"drained_ms":{drained_ms},"window_ms":{window_ms}}}'
    return f't{{"type":"flow","data":{data}}}'


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


class _First:
    """What the exchange of the first wire has asked for, and how audio goes there."""

    def __init__(self, mode: AudioMode) -> None:
        self.wire = FirstMedia(mode)
        self.granted_bytes = 0

    def note(self, frame: str | bytes) -> None:
        """Note what a frame asks for, if it does."""
        match _read(first.decode_media, frame):
            case BufferRequest(requested_bytes=requested, channel=0):
                self.granted_bytes += requested

    def in_pieces(self, message: bytes) -> Iterator[bytes]:
        """Cut a message of audio into the smallest."""
        for start in range(1, len(message), _SAMPLE_BYTES):
            yield message[:1] + message[start : start + _SAMPLE_BYTES]

    def unpack(self, message: bytes) -> bytes:
        """Return the PCM of the agent's next message."""
        channel, pcm = unpack_audio(message, AudioMode.MIXED)
        assert channel == CALL_CHANNEL
        return pcm


class _Second:
    """What the exchange of the second wire has allowed, and how audio goes there."""

    def __init__(self, mode: AudioMode) -> None:
        self.wire = SecondMedia(AudioFormat(_SAMPLE_RATE, mode))
        self._allowed_ms = 0
        self._frame_ms = 0
        self._sent_frames = 0
        self._sent_bytes = 0

    @property
    def granted_bytes(self) -> int:
        """What it has allowed in all. Before it has said how long frames are, nothing."""
        return self._allowed_ms * _BYTES_PER_MS if self._frame_ms else 0

    def note(self, frame: str | bytes) -> None:
        """Note what a frame allows, if it does."""
        match _read(second.decode_media, frame):
            case Flow(track=0) as flow:
                self._allowed_ms = max(self._allowed_ms, flow.drained_ms + flow.window_ms)
            case Config(frame_ms=frame_ms):
                self._frame_ms = max(self._frame_ms, frame_ms)

    def in_pieces(self, message: bytes) -> Iterator[bytes]:
        """Cut a message of audio into the smallest, but for one with flags."""
        if message[1]:
            yield message
            return
        for start in range(HEADER_BYTES, len(message), _SAMPLE_BYTES):
            yield message[:HEADER_BYTES] + message[start : start + _SAMPLE_BYTES]

    def unpack(self, message: bytes) -> bytes:
        """Return the PCM of the agent's next message, which is one frame, and the next one."""
        frame = unpack_frame(message)
        assert len(frame.pcm) <= self._frame_ms * _BYTES_PER_MS
        assert (frame.track, frame.silence_ms) == (0, 0)
        assert frame.sequence == self._sent_frames
        assert frame.clock_ms == self._sent_bytes // _BYTES_PER_MS
        self._sent_frames += 1
        self._sent_bytes += len(frame.pcm)
        return frame.pcm


_WIRES: Final[tuple[type[_First] | type[_Second], ...]] = (_First, _Second)


def _read(decode: Callable[[str], object], frame: str | bytes) -> object:
    with suppress(WireError):
        return decode(frame) if isinstance(frame, str) else None
    return None


class _Play:
    """One run of a script.

    Attributes:
      outcomes: what each step came to, without ids.
      heard: all PCM that came, by channel.
      audio_steps: the steps whose audio was taken, by their numbers.
    """

    def __init__(self, data: bytes, in_pieces: set[int] | None = None) -> None:
        choices = list(itertools.product(_WIRES, AudioMode))
        end, mode = choices[data[0] % len(choices) if data else 0]
        self.wire = end(mode)
        self.call = CallProtocol(self.wire.wire, CAPACITY_BYTES)
        self.outcomes: list[object] = []
        self.heard: dict[int, bytes] = {}
        self.audio_steps: set[int] = set()
        self._steps = _steps(data)
        self._in_pieces = in_pieces
        self._number = 0
        self._ids: list[str] = []
        self._queued = bytearray()
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
            for piece in self.wire.in_pieces(message):
                assert isinstance(self._receive(piece), AudioReceived)
        elif isinstance(self._receive(message), AudioReceived):
            self.audio_steps.add(self._number)

    def _receive(self, frame: str | bytes) -> Event | None:
        was_over = self.call.state is CallState.DISCONNECTED
        invalid = self.call.invalid_messages
        if not was_over:
            self.wire.note(frame)
        event = self.call.receive(frame)
        assert event is None or not was_over
        assert self.call.invalid_messages - invalid <= (event is None and not was_over)
        match event:
            case AudioReceived(channel=channel, pcm=pcm, everybody=everybody):
                self.heard[channel] = self.heard.get(channel, b"") + pcm
                assert len(pcm) % 2 == len(everybody) % 2 == 0
                assert pcm
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
        assert self.wire.unpack(self.call.wire.pack(pcm)) == pcm
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
        assert self._sent + audio.credit_bytes <= self.wire.granted_bytes
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
