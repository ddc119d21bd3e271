"""`open_voice`: speech over a call."""

from __future__ import annotations

import functools
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

import trio

from trio_calls.audio import Resampler
from trio_calls.call.active_call import ActiveCall, observers_of, playout_of
from trio_calls.concurrency.error_groups import plain_single_error
from trio_calls.config import is_number
from trio_calls.state import CallState, illegal
from trio_calls.voice._backdrop import BackdropScope
from trio_calls.voice._detector import Detector, make_detector
from trio_calls.voice._end_of_turn import EndOfTurn, check_end_of_turn
from trio_calls.voice._endpointing import Endpointing
from trio_calls.voice._interruptible import InterruptionScope
from trio_calls.voice._interruption import Interruption
from trio_calls.voice._level import LevelDetector
from trio_calls.voice._listening import Listening
from trio_calls.voice._outcome import SpeechOutcome
from trio_calls.voice._source import check_rate
from trio_calls.voice._speech import Speech
from trio_calls.voice._speech_events import SpeechEvents
from trio_calls.voice._utterances import Utterances
from trio_calls.voice.recording._recording import Recording, open_recording
from trio_calls.voice.timeline.notes import check_note
from trio_calls.voice.timeline.passing_on import PassingOn
from trio_calls.voice.timeline.reactions import Reactions
from trio_calls.voice.timeline.records import Note, Paused, Resumed
from trio_calls.voice.timeline.sources import (
    CallWatch,
    Ear,
    RecordingWatch,
    SpeechWatch,
    open_timeline,
)
from trio_calls.voice.timeline.timeline import VoiceStatistics
from trio_calls.voice.timeline.writing import write_timeline

DetectorFactory = Callable[[], Detector | Callable[[bytes], float]]
"""Makes a detector, or a function that tells how likely 20 ms of PCM at 16 kHz are speech."""

if TYPE_CHECKING:
    from trio_calls.voice._source import Clip, SpeechSource


class Voice:
    """Speech over one call: saying, hearing, being interrupted.

    Got from `open_voice`, and of use until its block is left: listening and pausing raise a
    `RuntimeError` then.
    """

    def __init__(
        self,
        call: ActiveCall,
        detector: DetectorFactory,
        endpointing: Endpointing,
        end_of_turn: EndOfTurn | None,
        nursery: trio.Nursery,
    ) -> None:
        self._call = call
        self._playout = playout_of(call)
        self._detector = detector
        self._endpointing = endpointing
        self._end_of_turn = end_of_turn
        self._nursery = nursery
        self._opened_at = trio.current_time()
        self._timeline = open_timeline(call)
        self._reactions = Reactions(self._timeline.add_turn)
        self._watch = CallWatch(self._timeline)
        observers_of(call).add(self._watch)
        self._passing_on = PassingOn(observers_of(call), self._opened_at)
        self._timeline.watch(self._passing_on)
        self._listenings: dict[int, Listening] = {}
        self._ears: dict[int, Ear] = {}
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<Voice of {self._call!r}>"

    def speech(
        self, source: SpeechSource, *, sample_rate: int | None = None, text: str | None = None
    ) -> Speech:
        """Make something to say; `Speech.say` says it.

        Args:
          source: what to say. PCM, mono signed 16-bit little-endian, of any length, as bytes or as
            an array of 16-bit integers; the `pathlib.Path` of a WAV file; or an asynchronous
            iterable, such as a synthesizer that streams, of PCM cut anywhere or of `SpeechPiece`.
          sample_rate: of the PCM, in Hz; that of the call if None. Other rates are converted, which
            needs the extra ``trio-calls[voice]``.
          text: what is said. `Speech.heard_text` is cut at what was heard.

        Raises:
          TypeError: it is no audio.
          EmptySpeechError: it is no audio at all.
          ValueError: half a sample, or a rate that is none.
        """
        watch = SpeechWatch(self._timeline, self._reactions)
        return Speech(self._call, source, sample_rate=sample_rate, text=text, watch=watch)

    async def say(
        self, source: SpeechSource, *, sample_rate: int | None = None, text: str | None = None
    ) -> SpeechOutcome:
        """Say something, and wait until it was heard: `speech` and `Speech.say` in one.

        Returns:
          How it has ended. Where it may be cancelled, make a `speech` first, which tells that.
        """
        return await self.speech(source, sample_rate=sample_rate, text=text).say()

    @property
    def is_paused(self) -> bool:
        """Whether the agent's audio is held back."""
        return self._playout.is_paused

    def pause(self) -> None:
        """Hold back the agent's audio, whoever said it, until `resume`. Nothing of it is lost.

        It fades out within 5 ms, after what the exchange has pulled already: 60 ms in the
        simulator. `barge`, `whisper`, `spy`, `close` and `disconnect` wait for what was said in
        vain then, for as long as it would take and 2 s more, and drop it.
        """
        self._check_open()
        if self._playout.pause(self):
            self._timeline.add(Paused(self._timeline.now(), "application"))

    def resume(self) -> None:
        """Go on where it was paused, fading in within 5 ms. Does nothing if it is not paused."""
        if self._playout.resume(self):
            self._timeline.add(Resumed(self._timeline.now(), "application"))

    def utterances(self, *, sample_rate: int | None = None, channel: int = 0) -> Utterances:
        """Hear what somebody says, utterance by utterance.

        ::

            async for utterance in voice.utterances(sample_rate=16_000):
                ...

        Each iterator gets every utterance that ends while it is there, the one in progress
        included. It ends when the call does.

        Args:
          sample_rate: of the utterances, in Hz; that of the call if None. Other rates need the
            extra ``trio-calls[voice]``.
          channel: whom to hear; see `ActiveCall.audio_stream`.

        Raises:
          WSSCallStateError: the call is PENDING.
          ValueError: the call has no such channel, or a rate that is none.
          ModuleNotFoundError: an extra is missing; the message says which.
        """
        rate = self._rate(sample_rate)
        return Utterances(self._listen(channel, "utterances()"), rate)

    def speech_events(
        self,
        *,
        sample_rate: int | None = None,
        frame_seconds: float = 0.02,
        channel: int = 0,
    ) -> SpeechEvents:
        """Hear what somebody says while they say it, for a recognizer that takes a stream.

        An asynchronous iterator of `SpeechStart`, any number of `SpeechFrame`, and `SpeechEnd`,
        again and again. It ends when the call does.

        Args:
          sample_rate: of the frames, in Hz; that of the call if None. Other rates need the extra
            ``trio-calls[voice]``.
          frame_seconds: how long a frame is, 0.001 to 1 s.
          channel: whom to hear; see `ActiveCall.audio_stream`.

        Raises:
          WSSCallStateError, ValueError, ModuleNotFoundError: as `utterances`.
        """
        rate = self._rate(sample_rate)
        if not is_number(frame_seconds, 0.001, 1):
            raise ValueError(f"frame_seconds must be from 0.001 to 1, not {frame_seconds!r}")
        return SpeechEvents(self._listen(channel, "speech_events()"), rate, frame_seconds)

    def until_interrupted(
        self, *, min_speech_seconds: float = 0.5, channel: int = 0
    ) -> InterruptionScope:
        """Make a block that is cancelled when somebody talks over the agent.

        ::

            with voice.until_interrupted() as talk:
                await voice.say(LONG_STORY)
            if talk.cancelled_caught:
                ...

        As soon as somebody makes a sound while the agent talks, the agent pauses. If that turns out
        to be no speech, it goes on where it paused, without losing a sample; if it is speech, the
        block is cancelled, and what the agent had still to say is dropped. Outside such a block
        nobody interrupts the agent.

        Args:
          min_speech_seconds: how much speech interrupts the agent, gaps left out.
          channel: who may interrupt; see `ActiveCall.audio_stream`.

        Raises:
          WSSCallStateError, ValueError, ModuleNotFoundError: as `utterances`.
          RuntimeError: here, or when the block is entered: the voice is closed.
          DetectorError: at the end of the block: the detector has failed, and the block was
            cancelled, as nobody could have interrupted it any longer.
        """
        interruption = Interruption(
            min_speech_seconds, self._endpointing, self._call.audio_format.sample_rate
        )
        listening = self._listen(channel, "until_interrupted()")
        return InterruptionScope(
            listening,
            interruption,
            self._playout,
            self._timeline,
            channel,
            check_open=self._check_open,
        )

    def write_timeline(
        self, path: str | os.PathLike[str], *, show_numbers: bool = False
    ) -> AbstractAsyncContextManager[None]:
        """Write what happens in the call to a file, while it happens and the block runs.

        ::

            async with open_voice(call) as voice, voice.write_timeline("call.jsonl"):
                ...

        A JSON object a line, from when the voice was opened: what is said and heard, interruptions,
        states, modes and commands, reaction times and notes. See "Read a timeline". A file of that
        name is replaced. It can be read by its owner alone, and at any moment: each line is written
        at once, and whole.

        Telephone numbers are blotted: the call's own wherever they appear, and whatever else in
        texts and notes has 7 digits or more.

        Error handling: the call never waits for the disk. If the disk does not take a line, or
        hangs while 10,000 wait, the file ends there; that is logged as an error at once, and raised
        when the block is left, unless something else is.

        Args:
          path: the file.
          show_numbers: leave telephone numbers in.

        Raises:
          RuntimeError: the voice is closed.
          TimelineError: on entering: the file cannot be written, or another timeline or a recording
            is being written into it. On leaving: not everything was written.

        Cancellation: what has happened until then is written all the same, within 2 s.
        """
        self._check_open()
        return write_timeline(self._timeline, path, show_numbers=show_numbers)

    def note(self, text: str, /, **details: Any) -> None:
        """Note something in the timeline.

        ::

            voice.note("asked the database", rows=3, seconds=0.04)

        Args:
          text: what has happened, in words.
          details: anything that JSON can tell: text, numbers, booleans, None, lists, and dicts of
            these. They are copied.

        Raises:
          TypeError: the text is none, or a detail is something else.
          ValueError: a number is not finite; lists are nested deeper than 20 levels; or all of it
            is longer than 65,536 characters.
        """
        self._timeline.add(Note(self._timeline.now(), text, check_note(text, details)))

    def statistics(self) -> VoiceStatistics:
        """Return what was measured so far: the reaction times."""
        return self._timeline.statistics()

    @asynccontextmanager
    async def record(self, path: str | os.PathLike[str]) -> AsyncIterator[Recording]:
        """Record the call while the block runs: left what the agent hears, right what it says.

        ::

            async with voice.record("call.wav"):
                ...

        Both are on one clock, that of the samples received: they line up, however long the call is.
        What the agent says stands where it begins to play, as far as that is known: see
        `Speech.heard_seconds`. What was dropped before it was played is not there. Where audio did
        not come there is silence. In `AudioMode.ISOLATED` there are three channels: caller, callee,
        agent.

        It begins with the first audio: of a call that still rings, when it is answered. It is
        written each second, so that a process that is killed leaves a file that plays. It is
        complete when the block is left. The file is for its owner alone (mode 0600), also if it was
        there before; what was in it is replaced.

        Args:
          path: of the file. ``.wav`` needs no extra, and is what a name without an ending means.
            ``.flac``, ``.opus`` and ``.ogg`` (Opus) need ``trio-calls[voice]``: while the call
            lasts there is a WAV beside it, ``call.flac.wav``, from which it is made in the end.

        Raises:
          RecordingError: the file cannot be made, or another recording or a timeline is being
            written into it. At the end of the block, unless it raises something else: the recording
            has ended early, as the disk is full, has not taken 10 s of it, or the file was deleted.
            That is also logged, at ERROR, when it happens, and is `Recording.failure`. The call
            goes on, and so does the block.
          ValueError: no such kind of file.
          ModuleNotFoundError: an extra is missing; the message says which.

        Cancellation: what was heard and said before is written, for 2 s at the most. A FLAC or Opus
        file is not made then, and the WAV beside it stays.
        """
        self._check_open()
        watch = RecordingWatch(self._timeline)
        async with open_recording(self._call, path, self._opened_at, watch) as recording:
            yield recording

    def backdrop(
        self, clip: Clip, *, gain: float = 0.1, sample_rate: int | None = None
    ) -> BackdropScope:
        """Make a block in which a sound is heard behind what the agent says: an office, or music.

        ::

            with voice.backdrop(OFFICE):
                await voice.say(GREETING)

        It is mixed into what the exchange pulls, and heard while the agent is silent, too, and
        while it pauses. It is 10 dB softer while the agent speaks, and for 0.2 s after. It begins
        again where it ends, and fades in and out within 50 ms. It is not said: `pause`, what is
        heard of a speech, interruptions, commands and goodbyes are what they are without it.
        Before the call is answered, it waits for that.

        Args:
          clip: PCM, mono signed 16-bit little-endian, as bytes or as an array of 16-bit integers,
            or the `pathlib.Path` of a WAV file; 0.1 s at the least. Bytes at the call's rate are
            not copied, and so shared by all calls that play them.
          gain: how loud it is, as a factor of its samples: 0 to 1.
          sample_rate: of the PCM, in Hz; that of the call if None. Other rates are converted, which
            needs the extra ``trio-calls[voice]``. It is heard when that is done.

        Returns:
          The block. If a file cannot be used, it is cancelled, and raises the `OSError` or
          `ValueError` at its end.

        Raises:
          TypeError: it is no audio.
          ValueError: half a sample, less than 0.1 s, a gain that is none, or a rate.
          ModuleNotFoundError: an extra is missing; the message says which.
          RuntimeError: the voice was closed. Where the block is entered: the call has a backdrop
            already.
        """
        self._check_open()
        return BackdropScope(
            self._playout,
            self._nursery,
            self._check_open,
            clip,
            gain=gain,
            from_rate=self._rate(sample_rate),
            call_rate=self._call.audio_format.sample_rate,
        )

    def _rate(self, sample_rate: int | None) -> int:
        if sample_rate is None:
            return self._call.audio_format.sample_rate
        check_rate(sample_rate)
        return sample_rate

    def _listen(self, channel: int, method: str) -> Listening:
        """Return who listens to a channel. A detector that has failed is replaced."""
        self._check_open()
        if self._call.state is CallState.PENDING:
            raise illegal(self._call.state, method)
        listening = self._listenings.get(channel)
        if listening is None or listening.failure is not None:
            stream = self._call.audio_stream(channel)
            listening = Listening(
                self._call.audio_format.sample_rate,
                detector=make_detector(self._detector),
                endpointing=self._endpointing,
                end_of_turn=self._end_of_turn,
                opened_at=self._opened_at,
            )
            self._listenings[channel] = listening
            ear = self._ears[channel] = Ear(self._timeline, self._reactions, listening, channel)
            listening.add(ear)
            self._nursery.start_soon(listening.run, stream)
        return listening

    def _check_open(self) -> None:
        if self._is_closed:
            raise RuntimeError(
                "this voice was closed: listen and pause inside the block of open_voice()"
            )

    def _close(self) -> None:
        self.resume()
        self._is_closed = True
        observers_of(self._call).remove(self._watch)
        self._timeline.unwatch(self._passing_on)
        self._nursery.cancel_scope.cancel()


@asynccontextmanager
async def open_voice(
    call: ActiveCall,
    *,
    detector: DetectorFactory | None = None,
    endpointing: Endpointing | None = None,
    end_of_turn: EndOfTurn | None = None,
) -> AsyncIterator[Voice]:
    """Speak and listen on a call while the block runs.

    ::

        async with open_voice(call) as voice:
            await voice.say(GREETING)
            async for utterance in voice.utterances():
                ...

    Resource handling: everything that runs for it runs in the block, and has ended when the block
    is left. The call goes on. Nothing listens before something asks for it.

    Args:
      call: a call that was answered or connected, or will be in the block.
      detector: called without arguments, once for each channel that is listened to, to make what
        tells speech from other sounds. So a class is one, as `SileroDetector`, or ``lambda:
        is_speech``, where ``is_speech`` is a function of 20 ms of PCM at 16 kHz that returns a
        probability. If None, it makes a `LevelDetector`, which needs no extra.
      endpointing: what makes an utterance of that.
      end_of_turn: tells by what somebody has said whether they have finished. If None, silence
        tells it alone.

    Raises:
      TypeError: `detector` cannot be called, or `end_of_turn` is none. Of a detector more is told
        where something listens first.
      ModuleNotFoundError: `end_of_turn` wants another rate, and the extra ``trio-calls[voice]`` is
        not installed.
    """
    if detector is not None and not callable(detector):
        raise TypeError(
            "detector must be a class or a function that makes a detector for each stream, not "
            f"{type(detector).__name__}: give lambda: followed by what makes a new one"
        )
    if end_of_turn is not None:
        check_end_of_turn(end_of_turn)
        # Where the rates differ, and an extra is missing, that is told here.
        Resampler(call.audio_format.sample_rate, end_of_turn.sample_rate, "recording")
    if detector is None:
        detector = functools.partial(LevelDetector, call.audio_format.sample_rate)
    with plain_single_error():
        async with trio.open_nursery() as nursery:
            voice = Voice(call, detector, endpointing or Endpointing(), end_of_turn, nursery)
            try:
                yield voice
            finally:
                voice._close()
