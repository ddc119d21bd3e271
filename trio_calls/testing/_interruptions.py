"""Talking over somebody, and what was heard of whoever was interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import trio

from trio_calls.audio import FRAME_SECONDS, SAMPLE_BYTES, find, frame_bytes, to_samples
from trio_calls.simulator import Phone, PhoneState
from trio_calls.testing import _messages as messages
from trio_calls.testing._assertions import HEARD, NOT_HEARD, audible
from trio_calls.testing._evidence import current_evidence
from trio_calls.testing._matching import Listener, SpeechMatch, best_match
from trio_calls.testing._messages import Recording, pcm_of

if TYPE_CHECKING:
    from trio_calls.audio._as_bytes import Pcm

#: How alike a frame of 20 ms must be, where the speech before it has ended just there.
_SAME: Final = 0.6

#: Less than this is too little to tell speech by.
_LEAST_SECONDS: Final = 0.1

#: Speech that goes on after a pause is looked for by so much of it, in frames,
_SEARCHED_FRAMES: Final = 5

#: or by so much that begins a little later, where it was paused again in there.
_LONG_FRAMES: Final = 10
_SKIPPED_FRAMES: Final = 6


async def talks_over(
    phone: Phone, speech: Pcm, *, over: Pcm, at: float, within_seconds: float = 10.0
) -> None:
    """Let somebody at a telephone talk over what they hear, and wait until they have said it.

    ::

        await talks_over(call.caller, wav("wait.wav"), over=wav("greeting.wav"), at=1.0)

    Args:
      phone: the telephone.
      speech: what they say; mono signed 16-bit little-endian PCM.
      over: what they talk over.
      at: how much of it they have heard when they begin, in seconds, 0.1 at the least.
      within_seconds: how long to wait for that, from now on.

    Raises:
      AssertionError: that was not heard by then, or the call ended without it.
      PhoneHungUp: the call ended before all of `speech` was said.
      ValueError: the beginning of `over` is silent, `at` is outside of it, or half a sample.

    Cancellation: what was not said yet is never said.
    """
    __tracebackhide__ = True
    sample_rate = current_evidence.get().sample_rate
    over = audible(over)
    beginning = over[: round(at * sample_rate) * SAMPLE_BYTES]
    if not _LEAST_SECONDS <= at <= len(over) / SAMPLE_BYTES / sample_rate:
        raise ValueError(f"at must be from 0.1 s to the end of what is talked over, not {at!r}")
    audible(beginning)
    listener = Listener(beginning, 0)
    has_heard = False
    with trio.move_on_after(within_seconds):
        while phone.state is not PhoneState.HUNG_UP and not has_heard:
            with trio.move_on_after(FRAME_SECONDS):
                await phone.wait_hung_up()
            has_heard = listener.listen(phone.heard, HEARD) is not None
    if not has_heard:
        best = best_match(beginning, phone.heard)
        when = f"within {within_seconds:g} s"
        raise AssertionError(messages.not_heard(phone, beginning, best, HEARD, when))
    await phone.say(speech)


def interrupted(
    recording: Recording,
    speech: Pcm,
    *,
    at: float | None = None,
    tolerance_seconds: float = 0.1,
    since_seconds: float = 0.0,
) -> SpeechMatch:
    """Assert that some speech was heard up to a place, and not beyond.

    It may have been paused on the way. Less than 0.1 s of it is not noticed.

    Args:
      recording: a telephone, or what was recorded elsewhere, such as ``call.agent_heard``.
      speech: the speech that was interrupted; mono signed 16-bit little-endian PCM.
      at: how much of it should have been heard, in seconds; None for any part.
      tolerance_seconds: how far from that it may be.
      since_seconds: the place in the recording to start from, where the same was said before.

    Returns:
      Where in the recording the part that was heard starts and ends.

    Raises:
      AssertionError: nothing of it was heard, or all of it, or it ended elsewhere.
      ValueError: the speech is silent, or speech or recording is not a whole number of samples.
    """
    __tracebackhide__ = True
    speech = audible(speech)
    pcm = pcm_of(recording)
    sample_rate = current_evidence.get().sample_rate
    heard_bytes, start, end = _follow(
        pcm, speech, frame_bytes(sample_rate), round(since_seconds * sample_rate) * SAMPLE_BYTES
    )
    heard_seconds = heard_bytes / SAMPLE_BYTES / sample_rate
    if not heard_bytes:
        raise AssertionError(
            messages.not_heard(recording, speech, best_match(speech, pcm), HEARD, "until now")
        )
    rest = speech[heard_bytes:]
    if not to_samples(rest).any():
        raise AssertionError(messages.not_interrupted(recording, speech))
    if at is not None and abs(heard_seconds - at) > tolerance_seconds:
        raise AssertionError(messages.interrupted_elsewhere(recording, speech, heard_seconds, at))
    later = best_match(rest, pcm[end:])
    if later.correlation >= NOT_HEARD:
        raise AssertionError(messages.heard(recording, rest, later, NOT_HEARD))
    return SpeechMatch(
        correlation=1.0,
        start_seconds=start / SAMPLE_BYTES / sample_rate,
        end_seconds=end / SAMPLE_BYTES / sample_rate,
    )


def _follow(pcm: bytes, speech: bytes, size: int, since: int) -> tuple[int, int, int]:
    """Follow speech through a recording, frame by frame, also over pauses.

    Returns:
      How much of the speech was heard, and the bytes of the recording where that starts and ends.
    """
    heard, start, end = 0, since, since
    place: int | None = None
    position = 0
    while position < len(speech):
        frame = speech[position : position + size]
        if not to_samples(frame).any():
            # Silence goes by with what follows it.
            position += len(frame)
            place = None if place is None else place + len(frame)
            continue
        if place is None or not _is_same(frame, pcm[place : place + len(frame)]):
            found = _find_again(pcm, speech, position, end, size)
            if found is None:
                break
            position, place = found
            frame = speech[position : position + size]
        if not heard:
            start = place
        position += len(frame)
        place += len(frame)
        heard, end = position, place
    return heard, start, end


def _find_again(
    pcm: bytes, speech: bytes, position: int, end: int, size: int
) -> tuple[int, int] | None:
    """Find where speech goes on: from which byte of it, and at which of the recording."""
    for skipped in range(_SKIPPED_FRAMES):
        frames = _LONG_FRAMES if skipped else _SEARCHED_FRAMES
        first = position + skipped * size
        searched = speech[first : first + frames * size]
        if len(searched) < frames * size and skipped:
            return None
        match = find(searched, pcm[end:])
        if match.correlation >= HEARD:
            return first, end + match.offset_samples * SAMPLE_BYTES
    return None


def _is_same(frame: bytes, heard: bytes) -> bool:
    if len(heard) < len(frame):
        return False
    one, other = (to_samples(pcm).astype(np.float64) for pcm in (frame, heard))
    energies = float(one @ one) * float(other @ other)
    return energies > 0 and float(one @ other) / energies**0.5 >= _SAME
