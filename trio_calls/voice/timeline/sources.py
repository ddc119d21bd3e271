"""Where a timeline's records come from: the call, whoever listens to it, and what is said."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import trio

from trio_calls.call.active_call import ActiveCall
from trio_calls.call.observers import TurnTaken
from trio_calls.endings import Ending
from trio_calls.errors import WSSCallCommandError
from trio_calls.state import AgentMode, CallState, Command
from trio_calls.voice._endpointing import EndReason, SpeechBegan, SpeechEnded
from trio_calls.voice._listening import Listening
from trio_calls.voice._outcome import SpeechOutcome
from trio_calls.voice.timeline.collecting import collected
from trio_calls.voice.timeline.reactions import Answer, Reactions
from trio_calls.voice.timeline.records import (
    VERSION,
    CallOpened,
    CommandEnded,
    Heard,
    ModeChanged,
    RecordingEnded,
    RecordingStarted,
    Said,
    StateChanged,
)
from trio_calls.voice.timeline.timeline import Timeline


def open_timeline(call: ActiveCall) -> Timeline:
    """Begin the timeline of a call, now. Who collects them gets it, too."""
    opened = CallOpened(
        at=0.0,
        version=VERSION,
        call_id=call.call_id,
        caller_number=call.caller_number,
        callee_number=call.callee_number,
        sample_rate=call.audio_format.sample_rate,
        opened_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        state=call.state.name,
        mode=call.mode and call.mode.name,
    )
    timeline = Timeline(opened, trio.current_time())
    if (timelines := collected.get()) is not None:
        timelines.add(timeline)
    return timeline


class CallWatch:
    """Notes what becomes of a call: a `CallObserver`."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    def state_changed(self, state: CallState, ending: Ending | None) -> None:
        """Note the state, and how the call has ended."""
        cause = None if ending is None else ending.cause.name
        self._timeline.add(StateChanged(self._timeline.now(), state.name, cause))

    def mode_changed(self, mode: AgentMode) -> None:
        """Note the mode."""
        self._timeline.add(ModeChanged(self._timeline.now(), mode.name))

    def command_ended(self, command: Command, asked_at: float, error: BaseException | None) -> None:
        """Note the command, and what it came to."""
        at = self._timeline.since_opening(asked_at)
        seconds = self._timeline.now() - at
        self._timeline.add(CommandEnded(at, command.name.lower(), seconds, _outcome(error)))

    def turn_taken(self, turn: TurnTaken) -> None:
        """Nothing: the timeline has it already, and tells of it."""

    def interrupted(self) -> None:
        """Nothing: the same holds."""


def _outcome(error: BaseException | None) -> str:
    if error is None:
        return "done"
    name = type(error).__name__
    return f"{name} {error.error_code}" if isinstance(error, WSSCallCommandError) else name


class Ear:
    """Notes what is said on one channel: a listener."""

    def __init__(
        self, timeline: Timeline, reactions: Reactions, listening: Listening, channel: int
    ) -> None:
        self._timeline = timeline
        self._reactions = reactions
        self._listening = listening
        self._channel = channel

    def heard_event(self, event: SpeechBegan | SpeechEnded) -> None:
        """Note an utterance that has ended. The end of the call is no turn of the agent's."""
        if isinstance(event, SpeechBegan):
            self._reactions.began()
            return
        now = self._timeline.now()
        start, speech_end, end = map(
            self._listening.seconds, (event.start, event.speech_end, event.end)
        )
        self._timeline.add(Heard(now, start, speech_end, end, self._channel, event.reason))
        if event.reason is not EndReason.STREAM_OVER:
            self._reactions.ended(speech_end, now)

    def ended(self) -> None:
        """Nothing: the call, or the detector, says it itself."""


class SpeechWatch:
    """Notes what becomes of one speech."""

    def __init__(self, timeline: Timeline, reactions: Reactions) -> None:
        self._timeline = timeline
        self._reactions = reactions
        self._answer: Answer | None = None

    def said(self) -> None:
        """Note that it is to be said."""
        self._answer = self._reactions.answer(self._timeline.now())

    def begun(self) -> None:
        """Note that it is its turn: its audio is asked for."""
        if self._answer is not None:
            self._answer.begin(self._timeline.now())

    def has_audio(self) -> None:
        """Note that there is audio of it."""
        if self._answer is not None:
            self._answer.has_audio(self._timeline.now())

    def is_heard(self, time: float) -> None:
        """Note that it is heard from a moment on, in Trio's time."""
        if self._answer is not None:
            self._reactions.heard(self._answer, self._timeline.since_opening(time))

    def is_over(self, outcome: SpeechOutcome, heard_until: float | None) -> None:
        """Note how it has ended, and when its last sound was heard, in Trio's time."""
        end = now = self._timeline.now()
        start = None
        if outcome.heard_seconds and self._answer is not None:
            start = self._answer.heard_at
        if heard_until is not None:
            end = self._timeline.since_opening(heard_until)
        self._timeline.add(
            Said(
                at=now,
                start=start,
                end=end if start is None else max(start, end),
                seconds=outcome.seconds,
                heard_seconds=outcome.heard_seconds,
                ending=outcome.ending,
                text=outcome.heard_text,
                is_text_estimated=outcome.is_text_estimated,
            )
        )


class RecordingWatch:
    """Notes what becomes of one recording: a `RecordingObserver`."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    def recording_began(self, path: Path, start_seconds: float) -> None:
        """Note which moment its first sample is of."""
        self._timeline.add(RecordingStarted(self._timeline.now(), path.name, start_seconds))

    def recording_ended(self, seconds: float, failure: Exception | None) -> None:
        """Note how long it is, and what has gone wrong."""
        why = None if failure is None else str(failure)
        self._timeline.add(RecordingEnded(self._timeline.now(), seconds, why))
