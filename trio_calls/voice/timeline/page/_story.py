"""What happened in a call, sorted by what a page shows of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

import attrs

from trio_calls.voice._errors import TimelineError
from trio_calls.voice._outcome import SpeechEnding
from trio_calls.voice.timeline.records import (
    CallOpened,
    CommandEnded,
    Heard,
    Interrupted,
    ModeChanged,
    Note,
    Paused,
    Record,
    RecordingEnded,
    RecordingStarted,
    Resumed,
    Said,
    StateChanged,
    Turn,
    UnknownRecord,
)

#: No call takes longer, and no page could show it.
_MOST_SECONDS: Final = 30 * 86400.0

KindT = TypeVar("KindT", bound=Record)


@attrs.frozen
class Pause:
    """The agent was silent in the middle of a speech."""

    start: float
    end: float
    reason: str


@attrs.frozen
class Recorded:
    """A recording that was made.

    Attributes:
      name: of its file.
      start: when its first sample was.
      failure: why it ended early, if it did.
    """

    name: str
    start: float
    failure: str | None = None


@attrs.frozen
class Story:
    """What happened in a call. The lists are in the order of the file.

    Attributes:
      call: what was known of it at first.
      start: when it begins, in seconds on the voice's clock; not after 0.
      end: when it ends.
    """

    call: CallOpened
    start: float
    end: float
    states: Sequence[StateChanged]
    modes: Sequence[ModeChanged]
    heard: Sequence[Heard] = attrs.field(repr=False)
    said: Sequence[Said]
    pauses: Sequence[Pause]
    interruptions: Sequence[Interrupted]
    commands: Sequence[CommandEnded]
    notes: Sequence[Note]
    turns: Sequence[Turn]
    recordings: Sequence[Recorded]


def story_of(records: Sequence[Record]) -> Story:
    """Sort the records of a timeline. Those of kinds that are not known here are passed over.

    Args:
      records: as `parse_timeline` returns them, that of the call first.

    Raises:
      TimelineError: its times are those of no call.
    """
    (call,) = _every(CallOpened, records[:1])
    times = [0.0, *(time for record in records for time in _times(record)), *_ends(records)]
    if not max(times) - min(times) <= _MOST_SECONDS:
        raise TimelineError(f"its times are more than {_MOST_SECONDS / 86400:g} days apart")
    modes = [] if call.mode is None else [ModeChanged(call.at, call.mode)]
    return Story(
        call=call,
        start=min(times),
        end=max(times),
        states=[StateChanged(call.at, call.state), *_every(StateChanged, records)],
        modes=[*modes, *_every(ModeChanged, records)],
        heard=_every(Heard, records),
        said=_every(Said, records),
        pauses=list(_pauses(records, max(times))),
        interruptions=_every(Interrupted, records),
        commands=_every(CommandEnded, records),
        notes=_every(Note, records),
        turns=_every(Turn, records),
        recordings=list(_recordings(records)),
    )


def begins(said: Said) -> float:
    """Return when a speech began to be heard; if it never was, when it was dropped."""
    return said.end if said.start is None else said.start


def unheard_seconds(said: Said) -> float:
    """Return how much of a speech nobody heard."""
    if said.ending is SpeechEnding.HEARD:
        return 0.0
    return max(0.0, said.seconds - said.heard_seconds)


def is_done(command: CommandEnded) -> bool:
    """Return whether a command has succeeded."""
    return command.outcome == "done"


def _every(kind: type[KindT], records: Sequence[Record]) -> list[KindT]:
    return [record for record in records if isinstance(record, kind)]


def _times(record: Record) -> Iterator[float]:
    match record:
        case UnknownRecord():
            return
        case Heard():
            yield from (record.start, record.end)
        case Said():
            yield from (begins(record), record.end)
        case CommandEnded():
            yield from (record.at, record.at + record.seconds)
        case Turn():
            yield from (record.speech_end, record.at)
        case _:
            yield record.at


def _recordings(records: Sequence[Record]) -> Iterator[Recorded]:
    begun: Recorded | None = None
    for record in records:
        match record:
            case RecordingStarted():
                if begun is not None:
                    yield begun
                begun = Recorded(record.path, record.start)
            case RecordingEnded() if begun is not None:
                yield attrs.evolve(begun, failure=record.failure)
                begun = None
            case _:
                pass
    if begun is not None:
        yield begun


def _ends(records: Sequence[Record]) -> Iterator[float]:
    """Yield when recordings began and ended."""
    start = 0.0
    for record in records:
        match record:
            case RecordingStarted():
                start = record.start
                yield start
            case RecordingEnded():
                yield start + record.seconds
            case _:
                pass


def _pauses(records: Sequence[Record], end: float) -> Iterator[Pause]:
    """Yield the pauses; the last one may end with the call."""
    begun: Paused | None = None
    for record in records:
        match record:
            case Paused():
                begun = begun or record
            case Resumed() | Interrupted() if begun is not None:
                yield Pause(begun.at, record.at, begun.reason)
                begun = None
            case Said() if begun is not None and record.ending is not SpeechEnding.HEARD:
                yield Pause(begun.at, record.at, begun.reason)
                begun = None
            case _:
                pass
    if begun is not None:
        yield Pause(begun.at, end, begun.reason)
