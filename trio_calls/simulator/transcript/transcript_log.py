"""Keeps what travels, as it travels, for transcripts to be made of it."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable
from typing import Final

import attrs
import trio

from trio_calls.audio import FRAME_SECONDS, duration_seconds
from trio_calls.simulator.transcript.frame_text import (
    AUDIO,
    FLOW,
    FrameText,
    describe_control,
    describe_media,
)
from trio_calls.simulator.transcript.transcript import ConnectionKind, Direction, Entry, Transcript

#: So many entries are kept of all calls together; the newest.
MAX_ENTRIES: Final = 20_000

#: Audio that pauses for longer than this is a new entry, in seconds.
_PAUSE_SECONDS: Final = 5 * FRAME_SECONDS


#: Called with the kind of a connection, and what has travelled on it, or happened to it.
Follower = Callable[[ConnectionKind, Direction, FrameText], None]


@attrs.frozen
class _Call:
    # None for a conversation in writing.
    number: int | None
    # Among all that were placed.
    place: int
    placed_at: float


@attrs.define(eq=False)
class _Record:
    """An entry that may still grow, with what tells its place among others."""

    time: float
    session_id: str | None
    connection: ConnectionKind
    direction: Direction
    text: FrameText
    call: _Call | None
    frame_in_call: int
    frame_in_all: int
    frames: int
    last_time: float
    amount: int
    sample_rate: int


class TranscriptLog:
    """Notes the frames of every connection.

    Args:
      sample_rate: the sample rate of audio on connections that do not say it, in Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._opened_at = trio.current_time()
        self._records: deque[_Record] = deque(maxlen=MAX_ENTRIES)
        self._forgotten = 0
        self._calls: dict[str, _Call] = {}
        self._sessions_by_call: dict[str, str] = {}
        self._placed = 0
        self._frames: Counter[str | None] = Counter()
        self._watchers: defaultdict[tuple[str | None, int], list[Callable[[], None]]]
        self._watchers = defaultdict(list)
        self._followers: dict[str, Follower] = {}

    def call_placed(self, session_id: str, number: int, call_id: str) -> None:
        """Register a call under its number; its time begins now."""
        self._sessions_by_call[call_id] = session_id
        self._begin(session_id, number)

    def conversation_began(self, session_id: str) -> None:
        """Register a conversation in writing, which has no number; its time begins now."""
        self._begin(session_id, None)

    def _begin(self, session_id: str, number: int | None) -> None:
        self._placed += 1
        self._calls[session_id] = _Call(number, self._placed, trio.current_time())

    def call_forgotten(self, session_id: str, call_id: str | None = None) -> None:
        """Forget a call or a conversation. Its entries stay until newer ones push them out."""
        del self._calls[session_id]
        if call_id is not None:
            del self._sessions_by_call[call_id]
        self._frames.pop(session_id, None)
        for key in [key for key in self._watchers if key[0] == session_id]:
            del self._watchers[key]
        self._followers.pop(session_id, None)

    def follow(self, session_id: str, follower: Follower) -> None:
        """Have one follower called with what happens to a call from now on, except audio."""
        self._followers[session_id] = follower

    def transcript(self, session_id: str | None = None) -> Transcript:
        """Return what has happened so far: all of it, or what concerns one call."""
        records = [r for r in self._records if session_id in {None, r.session_id}]
        # Sorting is stable: what happened to one call in an instant stays in its order, in which
        # one thing has led to the next. Between calls there is no such order.
        records.sort(key=lambda r: (r.time, r.call.place if r.call else 0))
        began = self._opened_at
        if session_id is not None:
            began = next((r.call.placed_at for r in records if r.call), began)
        names = _Names()
        entries = []
        for record in records:
            seconds = round(record.time - began, 6)
            number = record.frame_in_all if session_id is None else record.frame_in_call
            entries.append(
                Entry(
                    seconds=seconds,
                    call=record.call.number if record.call else None,
                    connection=record.connection,
                    direction=record.direction,
                    what=self._what(record, names),
                    first_frame=number,
                    frames=record.frames,
                )
            )
        return Transcript(tuple(entries), self._forgotten)

    def at_frame(self, session_id: str | None, number: int, act: Callable[[], None]) -> None:
        """Call `act` as soon as a call, or all together, has so many frames: at once if it has."""
        if self._frames[session_id] >= number:
            act()
        else:
            self._watchers[session_id, number].append(act)

    def note(
        self,
        connection: ConnectionKind,
        session_id: str | None,
        direction: Direction,
        text: FrameText,
        *,
        frames: int,
        sample_rate: int | None = None,
    ) -> _Record:
        """Add an entry."""
        now = trio.current_time()
        record = _Record(
            time=now,
            session_id=session_id,
            connection=connection,
            direction=direction,
            text=text,
            call=None if session_id is None else self._calls.get(session_id),
            frame_in_call=self._frames[session_id] + frames if session_id else 0,
            frame_in_all=self._frames[None] + frames,
            frames=frames,
            last_time=now,
            amount=text.amount,
            sample_rate=sample_rate or self._sample_rate,
        )
        self._forgotten += len(self._records) == MAX_ENTRIES
        self._records.append(record)
        if text.stream is None and session_id in self._followers:
            self._followers[session_id](connection, direction, text)
        return record

    def count(self, session_id: str | None) -> None:
        """Count a frame, and call what waits for it."""
        for key in (session_id, None) if session_id else (None,):
            self._frames[key] += 1
            if self._watchers:
                for act in self._watchers.pop((key, self._frames[key]), ()):
                    act()

    def find(self, name: str | None) -> str | None:
        """Return the session that is called so, or whose call is; None if nobody placed it."""
        if name is None:
            return None
        return name if name in self._calls else self._sessions_by_call.get(name)

    def _what(self, record: _Record, names: _Names) -> str:
        text = record.text
        if text.stream is None:
            reference = f" ({names.name(*text.reference)})" if text.reference else ""
            return text.what + reference
        name, channel = text.stream
        whole = record.amount - record.amount % 2
        milliseconds = 1000 * duration_seconds(whole, record.sample_rate)
        span = f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.2f} s"  # noqa: PLR2004
        if name == AUDIO:
            return f"{name} {span} channel {channel}"
        if name == FLOW:
            return f"{name} {record.frames} times"
        return f"{name} {record.amount} bytes ({span})"


class _Names:
    """Numbers ids in the order in which they appear."""

    def __init__(self) -> None:
        self._numbers: defaultdict[str, dict[str, int]] = defaultdict(dict)

    def name(self, kind: str, identifier: str) -> str:
        numbers = self._numbers[kind]
        return f"{kind} #{numbers.setdefault(identifier, len(numbers) + 1)}"


class ConnectionLog:
    """Notes the frames of one connection.

    Args:
      log: the log of the whole exchange.
      kind: the kind of connection.
      session_id: the call of a media connection; None for a control connection.
      sample_rate: the sample rate of its audio, in Hz; None for that of the log.

    Attributes:
      describe: puts a frame in words.
    """

    def __init__(
        self,
        log: TranscriptLog,
        kind: ConnectionKind,
        session_id: str | None,
        sample_rate: int | None = None,
    ) -> None:
        self._log = log
        self.describe: Callable[[str | bytes], FrameText] = (
            describe_control if kind == "control" else describe_media
        )
        self._kind = kind
        self._session_id = session_id
        self._sample_rate = sample_rate
        self._streams: dict[tuple[Direction, tuple[str, int]], _Record] = {}
        # Which session a request is about; its answer does not say.
        self._requests: dict[str, str] = {}

    def event(self, what: str) -> None:
        """Note that something happened to the connection."""
        self._streams.clear()
        text = FrameText(what)
        self._log.note(self._kind, self._session_id, Direction.NEITHER, text, frames=0)

    def frame(self, direction: Direction, frame: str | bytes) -> None:
        """Note a frame."""
        text = self.describe(frame)
        session_id = self._session_id or self._log.find(self._find_session(direction, text))
        if text.stream is None:
            self._streams.clear()
            self._log.note(self._kind, session_id, direction, text, frames=1)
        else:
            self._note_stream(direction, text.stream, text)
        self._log.count(session_id)

    def _find_session(self, direction: Direction, text: FrameText) -> str | None:
        if text.reference is None:
            return text.session_id
        request_id = text.reference[1]
        if direction is Direction.TO_AGENT:
            return self._requests.pop(request_id, None)
        if text.session_id is not None:
            self._requests[request_id] = text.session_id
        return text.session_id

    def _note_stream(self, direction: Direction, stream: tuple[str, int], text: FrameText) -> None:
        now = trio.current_time()
        record = self._streams.get((direction, stream))
        if record is None or now - record.last_time > _PAUSE_SECONDS:
            self._streams[direction, stream] = self._log.note(
                self._kind,
                self._session_id,
                direction,
                text,
                frames=1,
                sample_rate=self._sample_rate,
            )
            return
        record.frames += 1
        record.last_time = now
        record.amount += text.amount
