"""`Voice.record`: what was heard and said, in a file."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final, Protocol

import trio

from trio_calls._logging import get_logger
from trio_calls.audio_format import AudioMode
from trio_calls.call.active_call import ActiveCall, tapped
from trio_calls.concurrency.error_groups import plain_single_error
from trio_calls.voice._disk_writer import reason_of
from trio_calls.voice._errors import RecordingError
from trio_calls.voice.recording._compressed import (
    COMPRESSIONS,
    Compression,
    compress,
    load_soundfile,
)
from trio_calls.voice.recording._tracks import Tracks
from trio_calls.voice.recording._wav_file import WavFile
from trio_calls.voice.recording._writer import RecordingWriter
from trio_calls.wire.names import CALL_CHANNEL

#: So often something is written.
_EVERY_SECONDS: Final = 1.0

#: The channels of the caller and of the callee, where audio is isolated.
_LEGS: Final = (1, 2)

#: The files that recordings of this run are made in. A WAV file is locked only until a FLAC is made
#: of it.
_IN_USE: Final[trio.lowlevel.RunVar[frozenset[Path]]] = trio.lowlevel.RunVar(
    "files of recordings", frozenset()
)

logger = get_logger("trio_calls.recording")


class RecordingObserver(Protocol):
    """Somebody who wants to know of a recording. Nothing here may wait or raise."""

    def recording_began(self, path: Path, start_seconds: float) -> None:
        """Note which moment its first sample is of, in seconds since the voice was opened."""
        ...

    def recording_ended(self, seconds: float, failure: Exception | None) -> None:
        """Note how long the recording is, and what has gone wrong."""
        ...


class Recording:
    """A recording that is being made. Got from `Voice.record`.

    Attributes:
      path: of the file.
      failure: why it has ended early, if it has.
      places: where the WAV file is written, and where the recording is in the end.
    """

    def __init__(
        self,
        call: ActiveCall,
        path: Path,
        compression: Compression | None,
        opened_at: float,
        watch: RecordingObserver,
    ) -> None:
        self.path: Path = path
        self.failure: RecordingError | None = None
        self._call = call
        self._compression = compression
        self._wav_path = path if compression is None else path.with_name(f"{path.name}.wav")
        self._rate = call.audio_format.sample_rate
        is_mixed = call.audio_format.mode is AudioMode.MIXED
        legs = (CALL_CHANNEL,) if is_mixed else _LEGS
        self._tracks = Tracks(legs, self._rate)
        # The current directory may change meanwhile.
        self.places: tuple[Path, Path] = self._wav_path.absolute(), path.absolute()
        self._file = WavFile(self.places[0], self._rate, len(legs) + 1)
        self._writer = RecordingWriter(self._file, self._fail)
        self._now = trio.lowlevel.current_clock().current_time
        self._opened_at = opened_at
        self._watch = watch
        self._has_begun = False
        self._is_over = trio.Event()
        self._is_on = True

    @property
    def seconds(self) -> float:
        """How much is in the file. It is some seconds behind the call, until the recording ends."""
        return self._file.seconds

    @property
    def start_seconds(self) -> float | None:
        """When it begins, in seconds since the voice was opened; None until some was taken."""
        zero = self._tracks.zero
        return None if zero is None else zero - self._opened_at

    def received(self, channel: int, pcm: bytes) -> None:
        """Take what was heard."""
        if self._is_on:
            self._tracks.received(channel, pcm, self._now())

    def sent(self, pcm: bytes) -> None:
        """Take what the agent says, as it goes out."""
        if self._is_on:
            self._tracks.sent(pcm, self._now())

    def dropped(self) -> None:
        """Note that what the agent has said and is not played is dropped."""
        if self._is_on:
            self._tracks.dropped(self._now())

    async def open(self) -> None:
        """Make the file.

        Raises:
          RecordingError: it cannot be made.
        """
        try:
            await self._file.open()
        # A ValueError where no file can have that name.
        except (OSError, ValueError, RuntimeError) as error:
            raise RecordingError(
                f"cannot record into {self._wav_path}: {reason_of(error)}"
            ) from error

    def stop(self) -> None:
        """Let the recording end here."""
        self._is_over.set()

    async def run(self) -> None:
        """Write until the recording is stopped or the call is over, and finish the file."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._stop_with_call)
                nursery.start_soon(self._writer.run)
                try:
                    await self._gather()
                finally:
                    self._finish()
                    nursery.cancel_scope.cancel()
            await self._compress()
        finally:
            self._watch.recording_ended(self.seconds, self.failure)

    async def _stop_with_call(self) -> None:
        await self._call.wait_disconnected()
        self.stop()

    async def _gather(self) -> None:
        while not self._is_over.is_set():
            with trio.move_on_after(_EVERY_SECONDS):
                await self._is_over.wait()
            if self._is_on:
                self._put(self._tracks.take(self._now()))

    def _finish(self) -> None:
        if self._is_on:
            self._is_on = False
            self._put(self._tracks.finish(self._now()))
        self._writer.finish()

    def _put(self, pcm: bytes) -> None:
        if pcm:
            self._writer.put(pcm)
        if not self._has_begun and self.start_seconds is not None:
            self._has_begun = True
            self._watch.recording_began(self.path, self.start_seconds)

    async def _compress(self) -> None:
        if self._compression is None or self.failure is not None:
            return
        try:
            await compress(*self.places, self._compression)
        except trio.Cancelled:
            logger.warning(
                "%s was not made, as its block was cancelled: the recording is in %s",
                self.path,
                self._wav_path,
            )
            raise
        except Exception as error:
            self._fail(f"{self.path.name} cannot be made of it: {reason_of(error)}", error)

    def _fail(self, why: str, cause: Exception | None = None) -> None:
        self._is_on = False
        self._tracks.forget()
        self.failure = RecordingError(
            f"the recording in {self._wav_path} has ended after {self.seconds:.1f} s: {why}"
        )
        # Without where it was raised: that knows the call.
        self.failure.__cause__ = cause and cause.with_traceback(None)
        logger.error("call %s goes on, but %s", self._call.call_id, self.failure)


@asynccontextmanager
async def open_recording(
    call: ActiveCall, path: str | os.PathLike[str], opened_at: float, watch: RecordingObserver
) -> AsyncIterator[Recording]:
    """Record a call while the block runs. See `Voice.record`."""
    file_path = Path(path)
    recording = Recording(call, file_path, _compression_of(file_path), opened_at, watch)
    with _sole_use(*recording.places):
        await recording.open()
        with plain_single_error(), tapped(call, recording):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(recording.run)
                try:
                    yield recording
                finally:
                    recording.stop()
    if recording.failure is not None:
        raise RecordingError(*recording.failure.args) from recording.failure.__cause__


@contextmanager
def _sole_use(*places: Path) -> Iterator[None]:
    """Let no other recording of this run use these files inside the block.

    Raises:
      RecordingError: one does already.
    """
    for place in places:
        if place in _IN_USE.get():
            raise RecordingError(
                f"cannot record into {place}: another recording is being made there. Give each "
                "call a file of its own, for instance named after its call_id"
            )
    _IN_USE.set(_IN_USE.get() | set(places))
    try:
        yield
    finally:
        _IN_USE.set(_IN_USE.get() - set(places))


def _compression_of(path: Path) -> Compression | None:
    suffix = path.suffix.lower()
    if suffix in {"", ".wav"}:
        return None
    if suffix not in COMPRESSIONS:
        known = ", ".join([".wav", *COMPRESSIONS])
        raise ValueError(f"a recording is a file with one of {known} at its end, not {path.name!r}")
    load_soundfile(path)
    return COMPRESSIONS[suffix]
