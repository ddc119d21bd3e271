"""Blocks in which a sound is heard behind what the agent says."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

import trio

from trio_calls.audio import SAMPLE_BYTES, Resampler
from trio_calls.audio._as_bytes import as_bytes
from trio_calls.audio._backdrop import SHORTEST_SECONDS, Backdrop
from trio_calls.call.playout import Playout
from trio_calls.config import is_number
from trio_calls.voice._source import whole_of

if TYPE_CHECKING:
    from trio_calls.voice._source import Clip


class BackdropScope:
    """A block in which a sound is heard behind what the agent says.

    Got from `Voice.backdrop`. It is cancelled if its file cannot be used.

    Attributes:
      cancel_scope: of the block.
    """

    def __init__(
        self,
        playout: Playout,
        nursery: trio.Nursery,
        check_open: Callable[[], None],
        clip: Clip,
        *,
        gain: float,
        from_rate: int,
        call_rate: int,
    ) -> None:
        if not is_number(gain, 0, 1):
            raise ValueError(f"gain must be a number from 0 to 1, not {gain!r}")
        _check_clip(clip, from_rate, call_rate)
        self.cancel_scope: trio.CancelScope = trio.CancelScope()
        self._playout = playout
        self._nursery = nursery
        self._check_open = check_open
        self._clip = clip
        self._gain = gain
        self._from_rate = from_rate
        self._call_rate = call_rate
        self._preparing = trio.CancelScope()
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        self._check_open()
        if self._playout.backdrop_holder is not None:
            raise RuntimeError("this call has a backdrop already: leave its block first")
        is_ready = not isinstance(self._clip, os.PathLike) and self._from_rate == self._call_rate
        # It may have changed since it was given. Nothing may be raised once the block is entered.
        backdrop = self._make(self._clip) if is_ready else None
        self.cancel_scope.__enter__()
        self._playout.backdrop_holder = self
        if backdrop is None:
            self._nursery.start_soon(self._prepare)
        else:
            self._playout.begin_backdrop(backdrop)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        self._preparing.cancel()
        self._playout.end_backdrop()
        self._playout.backdrop_holder = None
        is_caught = self.cancel_scope.__exit__(kind, error, traceback)
        if self._failure is not None and (error is None or is_caught):
            raise self._failure
        return is_caught

    async def _prepare(self) -> None:
        with self._preparing:
            try:
                pcm = await whole_of(self._clip, self._from_rate, self._call_rate)
                self._playout.begin_backdrop(self._make(pcm))
            except Exception as failure:
                self._failure = failure
                self.cancel_scope.cancel()

    def _make(self, clip: Clip) -> Backdrop:
        assert not isinstance(clip, os.PathLike)
        # Bytes are shared. What else there is may change meanwhile.
        pcm = bytes(as_bytes(clip))
        _check_length(pcm, self._call_rate)
        return Backdrop(pcm, self._call_rate, self._gain)


def _check_clip(clip: object, from_rate: int, call_rate: int) -> None:
    if isinstance(clip, os.PathLike):
        return
    if isinstance(clip, str):
        raise TypeError("the path of a WAV file must be a pathlib.Path: a str is no audio")
    _check_length(as_bytes(clip), from_rate)  # type: ignore[arg-type]  # it is checked there
    Resampler(from_rate, call_rate)  # raises where that cannot be done


def _check_length(pcm: bytes | bytearray | memoryview, sample_rate: int) -> None:
    if len(pcm) < SHORTEST_SECONDS * sample_rate * SAMPLE_BYTES:
        raise ValueError(f"a backdrop must last {SHORTEST_SECONDS} s at the least")
