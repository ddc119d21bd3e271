"""What happened in a call: one class for each kind of record. Pure.

The attributes are the members of the JSON object that a record is in a file. Times are in seconds
since the voice was opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, TypeAlias

import attrs

from trio_calls.voice._endpointing import EndReason
from trio_calls.voice._outcome import SpeechEnding

#: Of the files that are written. A reader must not guess what another version means.
VERSION: Final = 1


@attrs.frozen
class CallOpened:
    """The first record of all: which call this is, and what was known of it at that moment.

    Attributes:
      at: when the voice was opened, which is 0.
      version: of the file.
      call_id: the exchange's name for the call.
      caller_number: who calls; None if that is withheld.
      callee_number: whom they have dialed; None if that is withheld.
      sample_rate: of the call, in Hz.
      opened_at: when the voice was opened, by the clock on the wall: ISO 8601, in UTC.
      state: the call's state.
      mode: who hears the agent; None unless connected.
      forgotten: how many of the oldest records were gone before they could be written.
    """

    kind: ClassVar[str] = "call"
    at: float
    version: int
    call_id: str
    caller_number: str | None = attrs.field(repr=False)
    callee_number: str | None = attrs.field(repr=False)
    sample_rate: int
    opened_at: str
    state: str
    mode: str | None
    forgotten: int = 0


@attrs.frozen
class StateChanged:
    """The call has come into another state.

    Attributes:
      at: when.
      state: the name of a `CallState`.
      ending: the name of an `EndCause`, once the call is over.
    """

    kind: ClassVar[str] = "state"
    at: float
    state: str
    ending: str | None = None


@attrs.frozen
class ModeChanged:
    """Others hear the agent from now on.

    Attributes:
      at: when.
      mode: the name of an `AgentMode`.
    """

    kind: ClassVar[str] = "mode"
    at: float
    mode: str


@attrs.frozen
class CommandEnded:
    """A command is over, whether somebody has waited for it or not.

    Attributes:
      at: when it was asked for.
      command: which, as ``answer``.
      seconds: how long it has taken.
      outcome: ``done``; otherwise the class of the error, and its code if it has one.
    """

    kind: ClassVar[str] = "command"
    at: float
    command: str
    seconds: float
    outcome: str


@attrs.frozen
class Heard:
    """An utterance has ended.

    Attributes:
      at: when that was clear.
      start: when it began.
      speech_end: when the pause at its end began.
      end: when it ended, with the pause.
      channel: whose it is.
      reason: why it has ended.
    """

    kind: ClassVar[str] = "heard"
    at: float
    start: float
    speech_end: float
    end: float
    channel: int
    reason: EndReason


@attrs.frozen
class Said:
    """A speech of the agent is over.

    Attributes:
      at: when that was clear.
      start: when the first sound of it was heard, in seconds since the voice was opened; None if
        nothing was heard.
      end: when the last sound of it was heard, or would have been.
      seconds: how long all of it is, as far as it was there.
      heard_seconds: how much of it was heard.
      ending: why it is over.
      text: the text of what was heard; None if no text came with it.
      is_text_estimated: whether that text ends at an estimate.
    """

    kind: ClassVar[str] = "said"
    at: float
    start: float | None
    end: float
    seconds: float
    heard_seconds: float
    ending: SpeechEnding
    text: str | None = attrs.field(repr=False)
    is_text_estimated: bool


@attrs.frozen
class Paused:
    """The agent's audio is held back.

    Attributes:
      at: from when on.
      reason: ``sound``, as somebody makes one; or ``application``.
    """

    kind: ClassVar[str] = "paused"
    at: float
    reason: str


@attrs.frozen
class Resumed:
    """The agent's audio goes on where it was held back.

    Attributes:
      at: from when on.
      reason: who has held it back the longest: ``sound`` or ``application``.
    """

    kind: ClassVar[str] = "resumed"
    at: float
    reason: str


@attrs.frozen
class Interrupted:
    """Somebody talks over the agent, who falls silent.

    Attributes:
      at: when that was decided.
      channel: who talks.
    """

    kind: ClassVar[str] = "interrupted"
    at: float
    channel: int


@attrs.frozen
class Turn:
    """The agent was heard after somebody had spoken. The four parts add up to the total.

    Attributes:
      at: when the agent was heard.
      speech_end: when the other one had ceased to speak.
      pause: from there until it was clear that the utterance is over.
      thinking: from there until `say` was called.
      synthesis: how long the audio took to come, once it was asked for.
      queue: how long it waited to be heard.
      total: all of that.
    """

    kind: ClassVar[str] = "turn"
    at: float
    speech_end: float
    pause: float
    thinking: float
    synthesis: float
    queue: float
    total: float


@attrs.frozen
class RecordingStarted:
    """A recording has begun.

    Attributes:
      at: when.
      path: the name of its file.
      start: the time of its first sample.
    """

    kind: ClassVar[str] = "recording"
    at: float
    path: str
    start: float


@attrs.frozen
class RecordingEnded:
    """A recording is over.

    Attributes:
      at: when.
      seconds: how long it is.
      failure: what has gone wrong, or None.
    """

    kind: ClassVar[str] = "recording_ended"
    at: float
    seconds: float
    failure: str | None


@attrs.frozen
class Note:
    """What the application has noted.

    Attributes:
      at: when.
      text: in words.
      details: anything that JSON can tell, by name.
    """

    kind: ClassVar[str] = "note"
    at: float
    text: str = attrs.field(repr=False)
    details: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen
class UnknownRecord:
    """A record of a kind that this version does not know.

    Attributes:
      at: when.
      kind: what it is called.
      members: all that is said of it.
    """

    at: float
    kind: str
    members: Mapping[str, Any] = attrs.field(repr=False)


KNOWN_KINDS: Final = (
    CallOpened,
    StateChanged,
    ModeChanged,
    CommandEnded,
    Heard,
    Said,
    Paused,
    Resumed,
    Interrupted,
    Turn,
    RecordingStarted,
    RecordingEnded,
    Note,
)

Record: TypeAlias = (
    CallOpened
    | StateChanged
    | ModeChanged
    | CommandEnded
    | Heard
    | Said
    | Paused
    | Resumed
    | Interrupted
    | Turn
    | RecordingStarted
    | RecordingEnded
    | Note
    | UnknownRecord
)
