"""Assertions about what somebody at a telephone hears.

Speech is found anywhere in a recording and at any loudness, by normalized cross-correlation:
`trio_calls.audio.find`. From `HEARD` on it counts as heard, below `NOT_HEARD` as not heard.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import trio

from trio_calls.audio import (
    SAMPLE_BYTES,
    Match,
    duration_seconds,
    frame_bytes,
    level_dbfs,
    to_samples,
)
from trio_calls.audio._as_bytes import as_bytes
from trio_calls.simulator import Phone, PhoneState
from trio_calls.testing import _messages as messages
from trio_calls.testing._evidence import current_evidence
from trio_calls.testing._matching import Listener, SpeechMatch, best_match
from trio_calls.testing._messages import Recording, pcm_of

if TYPE_CHECKING:
    from trio_calls.audio._as_bytes import Pcm

HEARD: Final = 0.8
"""The least correlation at which speech counts as heard.

Its square is the share of the energy that matches: a third of the speech may be cut off or covered
by other voices.
"""

NOT_HEARD: Final = 0.3
"""The correlation below which speech counts as not heard. Two different sentences reach 0.2."""

SILENCE_DBFS: Final = -50.0
"""The level, in dB relative to full scale, up to which a frame of 20 ms counts as silence."""

_LISTEN_EVERY_SECONDS: Final = 0.2

#: The byte of each telephone's recording from which the next `hears` listens.
_listened_until: WeakKeyDictionary[Phone, int] = WeakKeyDictionary()


async def hears(
    phone: Phone,
    speech: Pcm,
    *,
    within_seconds: float = 10.0,
    min_correlation: float = HEARD,
) -> SpeechMatch:
    """Wait until somebody at a telephone has heard some speech to its end.

    Each `hears` listens from the end of the speech that the one before it had found at the same
    telephone, or from the start, and finds the first place that counts as heard: where a sentence
    was said first, though a repetition of it may match better. So it also asserts the order in
    which things are said, whether the test looks at once or later. For voices that overlap use
    `heard`.

    Args:
      phone: the telephone.
      speech: the speech to wait for; mono signed 16-bit little-endian PCM.
      within_seconds: how long to wait, from now on.
      min_correlation: the least correlation that counts as heard, from 0 to 1.

    Returns:
      The place of the speech in ``phone.heard``, at most 0.2 s after the speech has ended.

    Raises:
      AssertionError: the speech was not heard by then, or the call ended without it.
      ValueError: the speech is silent, or not a whole number of samples.

    Cancellation: the next `hears` listens from the same place as this one did.
    """
    __tracebackhide__ = True
    speech = audible(speech)
    await trio.lowlevel.checkpoint()
    start = _listened_until.get(phone, 0)
    listener = Listener(speech, start)
    with trio.move_on_after(within_seconds):
        while phone.state is not PhoneState.HUNG_UP:
            if match := listener.listen(phone.heard, min_correlation):
                return _advance(phone, match, speech)
            with trio.move_on_after(_LISTEN_EVERY_SECONDS):
                await phone.wait_hung_up()
    has_ended = phone.state is PhoneState.HUNG_UP
    match = listener.listen(phone.heard, min_correlation, is_over=True)
    if match and (has_ended or _end_byte(match, speech) <= len(phone.heard)):
        return _advance(phone, match, speech)
    best = best_match(speech, phone.heard, start)
    when = "before the call ended" if has_ended else f"within {within_seconds:g} s"
    message = messages.not_heard(phone, speech, best, min_correlation, when)
    before = best_match(speech, phone.heard[:start])
    if before.correlation >= min_correlation:
        message += messages.was_heard_before(before, speech)
    raise AssertionError(message)


def heard(recording: Recording, speech: Pcm, *, min_correlation: float = HEARD) -> SpeechMatch:
    """Assert that somebody has heard some speech at any time until now.

    Args:
      recording: a telephone, or what was recorded elsewhere, such as ``call.agent_heard``.
      speech: the speech that must have been heard; mono signed 16-bit little-endian PCM.
      min_correlation: the least correlation that counts as heard, from 0 to 1.

    Returns:
      The place in the recording where the speech matches best.

    Raises:
      AssertionError: the speech was not heard.
      ValueError: the speech is silent, or speech or recording is not a whole number of samples.
    """
    __tracebackhide__ = True
    speech = audible(speech)
    best = best_match(speech, pcm_of(recording))
    if best.correlation < min_correlation:
        raise AssertionError(
            messages.not_heard(recording, speech, best, min_correlation, "until now")
        )
    return SpeechMatch.of(best, speech, current_evidence.get().sample_rate)


def never_heard(recording: Recording, speech: Pcm, *, max_correlation: float = NOT_HEARD) -> None:
    """Assert that until now somebody has heard neither some speech nor a good part of it.

    Args:
      recording: a telephone, or what was recorded elsewhere, such as ``call.agent_heard``.
      speech: the speech that must not have been heard; mono signed 16-bit little-endian PCM.
      max_correlation: the correlation below which a resemblance is chance, from 0 to 1.

    Raises:
      AssertionError: the speech was heard, or something that resembles it.
      ValueError: the speech is silent, or speech or recording is not a whole number of samples.
    """
    __tracebackhide__ = True
    speech = audible(speech)
    best = best_match(speech, pcm_of(recording))
    if best.correlation >= max_correlation:
        raise AssertionError(messages.heard(recording, speech, best, max_correlation))


async def hears_nothing(
    phone: Phone, *, for_seconds: float, max_dbfs: float = SILENCE_DBFS
) -> None:
    """Wait for some time, and assert that somebody in the call heard only silence.

    Args:
      phone: the telephone. It must be in the call, and stay in it.
      for_seconds: how long to listen, from now on.
      max_dbfs: how loud a frame may be, in dB relative to full scale.

    Raises:
      AssertionError: something was heard, or the telephone was not in the call all the time.
      ValueError: the time is negative.

    Cancellation: nothing was asserted.
    """
    __tracebackhide__ = True
    start = len(phone.heard)
    is_in_call = phone.state is PhoneState.TALKING
    with trio.move_on_after(for_seconds):
        await phone.wait_hung_up()
    if not is_in_call or phone.state is not PhoneState.TALKING:
        raise AssertionError(messages.not_in_call(phone, for_seconds))
    _assert_silent(phone, phone.heard, start, max_dbfs)


def heard_nothing(
    recording: Recording, *, since_seconds: float = 0.0, max_dbfs: float = SILENCE_DBFS
) -> None:
    """Assert that somebody has heard only silence until now.

    Args:
      recording: a telephone, or what was recorded elsewhere, such as ``call.agent_heard``. A
        telephone that was never connected has heard nothing.
      since_seconds: the place to start from, in seconds from the recording's start, for instance
        the ``end_seconds`` of a match.
      max_dbfs: how loud a frame may be, in dB relative to full scale.

    Raises:
      AssertionError: something was heard.
      ValueError: the recording is shorter than `since_seconds`.
    """
    __tracebackhide__ = True
    pcm = pcm_of(recording)
    sample_rate = current_evidence.get().sample_rate
    start = round(since_seconds * sample_rate) * SAMPLE_BYTES
    if not 0 <= start <= len(pcm):
        seconds = duration_seconds(len(pcm), sample_rate)
        raise ValueError(f"there is no {since_seconds:g} s in a recording of {seconds:.2f} s")
    _assert_silent(recording, pcm, start, max_dbfs)


def _assert_silent(recording: Recording, pcm: bytes, start: int, max_dbfs: float) -> None:
    __tracebackhide__ = True
    size = frame_bytes(current_evidence.get().sample_rate)
    for first in range(start, len(pcm), size):
        level = level_dbfs(pcm[first : first + size])
        if level > max_dbfs:
            raise AssertionError(messages.not_silent(recording, pcm, first, level, max_dbfs))


def _advance(phone: Phone, match: Match, speech: bytes) -> SpeechMatch:
    _listened_until[phone] = _end_byte(match, speech)
    return SpeechMatch.of(match, speech, current_evidence.get().sample_rate)


def _end_byte(match: Match, speech: bytes) -> int:
    return match.offset_samples * SAMPLE_BYTES + len(speech)


def audible(speech: Pcm) -> bytes:
    """Return speech as bytes, and make sure that there is something to hear."""
    if not to_samples(speech).any():
        raise ValueError("this speech is silent: use hears_nothing() or heard_nothing()")
    # That of a fixture knows its name.
    return speech if isinstance(speech, bytes) else bytes(as_bytes(speech))
