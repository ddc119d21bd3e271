"""Hearing the keys that a caller presses; the page "Hear key tones" shows it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import numpy as np
import trio
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from trio_calls import ActiveCall

# Each key is a tone of its row and one of its column, at the same time.
ROWS = (697, 770, 852, 941)
COLUMNS = (1209, 1336, 1477, 1633)
KEYS = ("123A", "456B", "789C", "*0#D")

WINDOW_SECONDS = 0.015  # as short as it can be, to tell 697 Hz from 770
STEP_SECONDS = 0.005
PRESSED_WINDOWS = 4  # in a row: about 25 ms of tones
RELEASED_WINDOWS = 4  # more than one crackle spoils

LEAST_POWER = 1e-4  # 40 dB below full scale
LEAST_SHARE = 0.7  # of all that is heard: speech is never in two tones alone
LEAST_LEAD = 8  # over the other tones of its kind: 9 dB
MOST_TWIST = 16  # of one of the two over the other: 12 dB


class KeyTones:
    """Hears keys in PCM of one stream, which may be cut anywhere."""

    def __init__(self, sample_rate: int) -> None:
        self._window = round(WINDOW_SECONDS * sample_rate)
        self._step = round(STEP_SECONDS * sample_rate)
        times = np.arange(self._window) / sample_rate
        # What Goertzel's algorithm computes tone by tone, for all eight at once.
        angles = 2 * np.pi * np.outer(ROWS + COLUMNS, times)
        self._waves = np.stack([np.cos(angles), np.sin(angles)]) * np.sqrt(2) / self._window
        self._rest = np.zeros(0)
        self._last = self._pressed = ""
        self._windows = 0

    def feed(self, pcm: bytes) -> str:
        """Return the keys that were pressed in it, or before, and not told yet."""
        self._rest = np.append(self._rest, np.frombuffer(pcm, "<i2") / 32768)
        if len(self._rest) < self._window:
            return ""
        windows = sliding_window_view(self._rest, self._window)[:: self._step]
        self._rest = self._rest[len(windows) * self._step :]
        return "".join(self._next(key) for key in self._keys_in(windows))

    def _keys_in(self, windows: NDArray[np.float64]) -> list[str]:
        """Return which key is heard in each window; "" where none is, or not clearly."""
        power = np.mean(windows**2, axis=1)
        if power.max() < LEAST_POWER:
            return [""] * len(windows)
        tones = np.sum(np.einsum("ijk,lk->ilj", self._waves, windows) ** 2, axis=0)
        rows, columns = tones[:, :4], tones[:, 4:]
        *_, next_row, row = np.sort(rows).T
        *_, next_column, column = np.sort(columns).T
        is_key = (
            (power >= LEAST_POWER)
            & (row + column >= LEAST_SHARE * power)
            & (row >= LEAST_LEAD * next_row)
            & (column >= LEAST_LEAD * next_column)
            & (np.maximum(row, column) <= MOST_TWIST * np.minimum(row, column))
        )
        found = zip(rows.argmax(axis=1), columns.argmax(axis=1), is_key, strict=True)
        return [KEYS[row][column] if is_clear else "" for row, column, is_clear in found]

    def _next(self, key: str) -> str:
        """Take what one window has, and return the key if it has just been pressed."""
        self._windows = self._windows + 1 if key == self._last else 1
        self._last = key
        if not key and self._windows == RELEASED_WINDOWS:
            self._pressed = ""
        if key in {"", self._pressed} or self._windows < PRESSED_WINDOWS:
            return ""
        self._pressed = key
        return key


async def keys_of(call: ActiveCall) -> AsyncGenerator[str, None]:
    """Give each key that the caller presses, until the call is over."""
    key_tones = KeyTones(call.audio_format.sample_rate)
    async for pcm in call.audio_stream():
        for key in key_tones.feed(pcm):
            yield key


async def ask_for_number(call: ActiveCall, prompt: bytes, within_seconds: float = 10) -> str:
    """Ask for digits, up to a #, and return those that were pressed in time."""
    digits = ""
    await call.send_audio(prompt)
    with trio.move_on_after(within_seconds):
        async with aclosing(keys_of(call)) as keys:
            async for key in keys:
                if key == "#":
                    break
                if not digits:
                    await call.clear_send_audio_buffer()  # whoever presses a key has heard enough
                digits += key
    return digits
