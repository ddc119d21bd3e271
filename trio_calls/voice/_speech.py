"""Saying something, and knowing how much of it was heard."""

from __future__ import annotations

from collections.abc import AsyncIterable
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

import trio

from trio_calls.audio import SAMPLE_BYTES
from trio_calls.audio._as_bytes import as_bytes
from trio_calls.call.active_call import ActiveCall, playout_of
from trio_calls.call.playout import Passage
from trio_calls.concurrency.error_groups import plain_single_error
from trio_calls.state import CallState, illegal
from trio_calls.voice._heard_text import TextPiece, cut_text
from trio_calls.voice._outcome import SpeechEnding, SpeechOutcome
from trio_calls.voice._source import check_source, pieces_of
from trio_calls.voice.timeline.sources import SpeechWatch

if TYPE_CHECKING:
    from trio_calls.voice._source import SpeechSource

#: Nobody speaks faster. So long a text lasts at the least, while nobody knows how long it is.
_LETTERS_PER_SECOND: Final = 20


class Speech:
    """Something to say, and what became of it.

    Got from `Voice.speech`. Whoever waits for it may be cancelled: what was heard can still be read
    here afterwards.
    """

    def __init__(
        self,
        call: ActiveCall,
        source: SpeechSource,
        *,
        sample_rate: int | None,
        text: str | None,
        watch: SpeechWatch,
    ) -> None:
        check_source(source, sample_rate)
        self._call = call
        self._call_rate = call.audio_format.sample_rate
        self._source = source
        self._sample_rate = sample_rate or self._call_rate
        self._text = text
        self._playout = playout_of(call)
        self._watch = watch
        self._passage: Passage | None = None
        self._was_begun = False
        self._is_complete = False
        self._size = 0
        self._pieces: list[TextPiece] = []
        self._outcome: SpeechOutcome | None = None

    def __repr__(self) -> str:
        state = self._outcome.ending.name if self._outcome else "not over"
        return f"<Speech {state} {self.heard_seconds:.2f} of {self.seconds:.2f} s>"

    @property
    def outcome(self) -> SpeechOutcome | None:
        """How it has ended; None until it has."""
        return self._outcome

    @property
    def seconds(self) -> float:
        """How long all of it is, as far as it has come."""
        return self._size / self._bytes_per_second

    @property
    def heard_seconds(self) -> float:
        """How much of it was heard until now, by those who are to hear the agent.

        An estimate on the first wire: the exchange does not tell what it has played, but it has
        pulled the speech, it plays at playing speed, and it plays nothing before it has it. On the
        second wire the exchange tells, and it is known however late its word comes. In the
        simulator both are right to a frame of 20 ms; what delay the telephone network adds, nobody
        can tell.
        """
        if self._outcome is not None:
            return self._outcome.heard_seconds
        return self._heard_bytes() / self._bytes_per_second

    @property
    def heard_text(self) -> str | None:
        """The text of what was heard until now; None if no text came with it.

        It is exact at the end of a piece. Inside one it is an estimate, to the last whole word: see
        `SpeechOutcome.is_text_estimated`. Until a stream has ended, nobody knows how long it will
        be: a text that came for all of it is taken to last a second for 20 letters at the least.
        """
        if self._outcome is not None:
            return self._outcome.heard_text
        return self._cut_text(self._heard_bytes())[0]

    async def say(self) -> SpeechOutcome:
        """Say it, after whatever is being said, and wait until it was heard.

        Speech of the same call that is being said already comes first, and so does what was sent
        by `ActiveCall.send_audio`. What a stream of speech raises comes out of here as it is, and
        what it gave before is dropped.

        Returns:
          How it has ended. A hangup is an end, and no error.

        Raises:
          RuntimeError: it was said before. Each speech is said once.
          EmptySpeechError: the stream of speech has ended without any.
          ValueError, OSError: a WAV file cannot be used; or the speech ended with half a sample.
          WSSCallStateError: the call is PENDING.

        Cancellation: the agent falls silent at once: what was not heard is dropped here and at the
        exchange, with everything else that waits to be sent.
        """
        if self._was_begun:
            raise RuntimeError("this speech was said before: make another with voice.speech()")
        if self._call.state is CallState.PENDING:
            raise illegal(self._call.state, "say()")
        self._was_begun = True
        self._watch.said()
        try:
            async with self._playout.turn:
                self._watch.begun()
                with self._playout.passage(self._watch.is_heard) as self._passage:
                    await self._say(self._passage)
        except BaseException:
            self._end()
            raise
        assert self._outcome is not None
        return self._outcome

    async def _say(self, passage: Passage) -> None:
        is_heard = trio.Event()
        with plain_single_error(), self._call.cancel_on_hangup(), passage.scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._stop_when_cancelled, passage, is_heard)
                await self._send(passage)
                await passage.wait_heard()
                is_heard.set()
        self._end()
        if passage.was_cut:
            await passage.let_clearing_end()

    async def _stop_when_cancelled(self, passage: Passage, is_heard: trio.Event) -> None:
        """Fall silent at once: a synthesizer that is cancelled, too, may take its time to end."""
        try:
            await is_heard.wait()
        except BaseException:
            self._end()
            if not passage.was_cut:
                self._playout.stop()
            raise

    async def _send(self, passage: Passage) -> None:
        pieces = pieces_of(self._source, self._sample_rate, self._call_rate)
        async with aclosing(pieces):
            async for piece in pieces:
                pcm = as_bytes(piece.pcm)
                self._note(piece.text, len(pcm))
                if pcm:
                    self._watch.has_audio()
                passage.add(len(pcm))
                await self._call.send_audio(pcm)
                await passage.wait_due()
        self._is_complete = True

    def _note(self, text: str, size: int) -> None:
        start = self._size
        self._size += size
        if text:
            self._pieces.append(TextPiece(text, start, self._size))

    def _end(self) -> None:
        """Note how it has ended, the first time that this is called."""
        if self._outcome is None:
            if self._passage is not None:
                self._passage.look()
            heard = self._heard_bytes()
            if self._is_complete and heard == self._size:
                ending = SpeechEnding.HEARD
            elif self._call.state is CallState.DISCONNECTED:
                ending = SpeechEnding.CALL_OVER
            else:
                ending = SpeechEnding.INTERRUPTED
            text, is_estimated = self._cut_text(heard)
            self._outcome = SpeechOutcome(
                ending, heard / self._bytes_per_second, self.seconds, text, is_estimated
            )
            heard_until = self._passage.heard_until() if self._passage and heard else None
            self._watch.is_over(self._outcome, heard_until)

    def _heard_bytes(self) -> int:
        return 0 if self._passage is None else self._passage.heard_bytes()

    def _cut_text(self, heard_bytes: int) -> tuple[str | None, bool]:
        if self._text is not None:
            return cut_text([TextPiece(self._text, 0, self._likely_size(self._text))], heard_bytes)
        return cut_text(self._pieces, heard_bytes) if self._pieces else (None, False)

    def _likely_size(self, text: str) -> int:
        """Return how long all of it is, or will probably be, in bytes."""
        if self._is_complete or not isinstance(self._source, AsyncIterable):
            return self._size
        likely = round(len(text) / _LETTERS_PER_SECOND * self._call_rate) * SAMPLE_BYTES
        return max(likely, self._size + SAMPLE_BYTES)

    @property
    def _bytes_per_second(self) -> int:
        return self._call.audio_format.bytes_per_second
