"""What can be said: turned into PCM at the call's rate, piece by piece."""

from __future__ import annotations

import inspect
import os
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Final, TypeAlias, TypeGuard, TypeVar, cast

import attrs
import trio

from trio_calls.audio import SAMPLE_BYTES, Resampler, read_wav
from trio_calls.audio._as_bytes import Pcm, as_bytes
from trio_calls.voice._errors import EmptySpeechError

T = TypeVar("T")

#: Between two checkpoints this much is converted, in samples: some tens of microseconds.
_STEP_SAMPLES: Final = 16_000


@attrs.frozen
class SpeechPiece:
    """A piece of speech, with the text that is said in it.

    Attributes:
      pcm: mono signed 16-bit little-endian PCM.
      text: what is said. Texts of pieces are joined as they are: put in the blanks.
    """

    pcm: Pcm = attrs.field(repr=False)
    text: str = attrs.field(default="", repr=False)


Clip: TypeAlias = Pcm | os.PathLike[str]

SpeechSource: TypeAlias = Clip | AsyncIterable[Pcm] | AsyncIterable[SpeechPiece]


def check_source(source: object, sample_rate: int | None) -> None:
    """Refuse what can never be said.

    Raises:
      TypeError: it is no audio.
      ValueError: half a sample, no audio at all, or a rate that is none.
    """
    if sample_rate is not None:
        check_rate(sample_rate)
    if isinstance(source, str):
        raise TypeError(
            "what is said must be audio, not text: synthesize it first, and give its text as "
            "text=…; the path of a WAV file must be a pathlib.Path"
        )
    if isinstance(source, os.PathLike):
        if sample_rate is not None:
            raise ValueError("leave out sample_rate: a WAV file has its own")
    elif isinstance(source, AsyncIterable):
        return
    elif advice := _advice_for(source):
        raise TypeError(
            "what is said must be PCM, the pathlib.Path of a WAV file, or an asynchronous iterable "
            f"of PCM, not {type(source).__name__}: {advice}"
        )
    elif not as_bytes(source):  # type: ignore[arg-type]  # it is checked there
        raise EmptySpeechError("there is nothing to say: this audio has no samples")


def check_rate(sample_rate: object) -> None:
    """Raise `ValueError` unless this is a sample rate."""
    if type(sample_rate) is not int or sample_rate <= 0:
        raise ValueError(f"sample_rate must be a whole number of Hz, not {sample_rate!r}")


def _advice_for(source: object) -> str | None:
    """Say what to do about what is nearly right."""
    if inspect.iscoroutine(source):
        source.close()  # It is never awaited, and would say so somewhere else.
        return "await it, and say what it returns"
    if callable(source):
        return "call it, and say what it returns"
    if isinstance(source, Iterator):
        return "an asynchronous generator has async def, and yields PCM"
    if isinstance(source, list | tuple):
        return "say each of its pieces, or write an asynchronous generator that yields them"
    return "there is no audio in it" if source is None else None


async def pieces_of(
    source: SpeechSource, from_rate: int, call_rate: int
) -> AsyncGenerator[SpeechPiece, None]:
    """Turn what is to be said into pieces at the call's rate.

    Args:
      source: what is to be said, as `check_source` lets it pass.
      from_rate: its rate in Hz, unless it is a file.
      call_rate: the call's, in Hz.

    Raises:
      ValueError: the file cannot be used, or the speech ends with half a sample.
      EmptySpeechError: it has turned out to be empty.
      OSError: the file cannot be read.
      Whatever `source` raises.
    """
    if isinstance(source, AsyncIterable):
        async with aclosing(_stream(source, from_rate, call_rate)) as pieces:
            async for piece in pieces:
                yield piece
    else:
        yield SpeechPiece(await whole_of(source, from_rate, call_rate))


async def whole_of(source: Clip, from_rate: int, call_rate: int) -> Pcm:
    """Return a recording at the call's rate. The arguments and errors are those of `pieces_of`."""
    if isinstance(source, os.PathLike):
        read = partial(read_wav, source, call_rate)
        return await trio.to_thread.run_sync(read, abandon_on_cancel=True)
    if from_rate == call_rate:
        return source
    return await _convert(as_bytes(source), from_rate, call_rate)


async def _convert(pcm: bytes | bytearray | memoryview, from_rate: int, to_rate: int) -> bytes:
    resampler = Resampler(from_rate, to_rate, "recording")
    return await _feed(resampler, pcm) + resampler.finish()


async def _feed(resampler: Resampler, pcm: bytes | bytearray | memoryview) -> bytes:
    """Convert a chunk of any size, and let others act meanwhile."""
    converted = bytearray()
    step = _STEP_SAMPLES * SAMPLE_BYTES
    for start in range(0, len(pcm), step):
        converted += resampler.feed(bytes(pcm[start : start + step]))
        await trio.lowlevel.checkpoint()
    return bytes(converted)


async def _stream(
    source: AsyncIterable[Pcm] | AsyncIterable[SpeechPiece], from_rate: int, call_rate: int
) -> AsyncGenerator[SpeechPiece, None]:
    resampler = Resampler(from_rate, call_rate)
    is_empty = True
    half = b""
    async with closing_iterator(cast(AsyncIterable[Pcm | SpeechPiece], source)) as items:
        async for item in items:
            text, pcm = (item.text, item.pcm) if isinstance(item, SpeechPiece) else ("", item)
            _check_piece(pcm)
            # A stream may be cut anywhere.
            joined = half + (bytes(pcm) if _is_bytes(pcm) else as_bytes(pcm))
            whole = len(joined) - len(joined) % SAMPLE_BYTES
            samples, half = joined[:whole], joined[whole:]
            is_empty = is_empty and not samples
            yield SpeechPiece(await _feed(resampler, samples), text)
    if half:
        raise ValueError(
            "the speech ended with half a sample: it must be mono signed 16-bit PCM throughout"
        )
    if is_empty:
        raise EmptySpeechError("there is nothing to say: the stream of speech gave no audio")
    yield SpeechPiece(resampler.finish())


def _check_piece(pcm: object) -> None:
    if isinstance(pcm, str | tuple) or pcm is None:
        raise TypeError(
            "a stream of speech must yield PCM, or SpeechPiece(pcm, text), "
            f"not {type(pcm).__name__}"
        )


def _is_bytes(pcm: object) -> TypeGuard[bytes | bytearray | memoryview]:
    return isinstance(pcm, bytes | bytearray) or (
        isinstance(pcm, memoryview) and pcm.format in {"B", "b", "c"}
    )


@asynccontextmanager
async def closing_iterator(source: AsyncIterable[T]) -> AsyncIterator[AsyncIterator[T]]:
    """Iterate, and close what has to be closed: an asynchronous generator."""
    items = aiter(source)
    try:
        yield items
    finally:
        if hasattr(items, "aclose"):
            await items.aclose()
