"""The messages of failing assertions about audio."""

from __future__ import annotations

from trio_calls.audio import Match, duration_seconds
from trio_calls.simulator import Phone
from trio_calls.testing._evidence import current_evidence
from trio_calls.testing._matching import SpeechMatch
from trio_calls.testing._speech import Speech

Recording = Phone | bytes
"""A telephone, which records what it hears, or PCM that was recorded elsewhere."""


def pcm_of(recording: Recording) -> bytes:
    """Return everything that was recorded until now, as PCM."""
    return recording.heard if isinstance(recording, Phone) else recording


def not_heard(
    recording: Recording, speech: bytes, best: Match, min_correlation: float, when: str
) -> str:
    """Return the message for missing speech, and save what was heard and what was expected.

    Args:
      recording: the recording in which the speech is missing.
      speech: the missing speech.
      best: the place where the recording resembles the speech the most.
      min_correlation: the least correlation that counts as heard.
      when: the time by which the speech should have been heard, in words.
    """
    evidence = current_evidence.get()
    pcm = pcm_of(recording)
    match = SpeechMatch.of(best, speech, evidence.sample_rate)
    recorded_seconds = duration_seconds(len(pcm), evidence.sample_rate)
    is_cut_off = pcm and match.end_seconds > recorded_seconds
    return (
        f"{_name(recording)} did not hear {_name_speech(speech)} {when}\n"
        f"  best correlation {match.correlation:.2f} at {match.start_seconds:.2f} s; "
        f"from {min_correlation:g} on counts as heard"
        f"{'; the recording ends before it does' if is_cut_off else ''}\n"
        f"{evidence.levels(pcm)}\n{evidence.save(heard=pcm, expected=speech)}"
    )


def was_heard_before(before: Match, speech: bytes) -> str:
    """Return the addition that the speech was heard, but not in this order."""
    match = SpeechMatch.of(before, speech, current_evidence.get().sample_rate)
    return (
        f"\n  it was heard before, at {match.start_seconds:.2f} s: hears() listens from where the "
        "one before it had ended"
    )


def heard(recording: Recording, speech: bytes, best: Match, max_correlation: float) -> str:
    """Return the message for speech that should not have been heard, and save both."""
    evidence = current_evidence.get()
    pcm = pcm_of(recording)
    match = SpeechMatch.of(best, speech, evidence.sample_rate)
    return (
        f"{_name(recording)} heard {_name_speech(speech)}, and should not have\n"
        f"  correlation {match.correlation:.2f} at {match.start_seconds:.2f} s; "
        f"below {max_correlation:g} counts as not heard\n"
        f"{evidence.levels(pcm)}\n{evidence.save(heard=pcm, unwanted=speech)}"
    )


def not_interrupted(recording: Recording, speech: bytes) -> str:
    """Return the message for speech that was heard to its end, and save both."""
    evidence = current_evidence.get()
    pcm = pcm_of(recording)
    return (
        f"{_name(recording)} heard {_name_speech(speech)} to its end: it was not interrupted\n"
        f"{evidence.levels(pcm)}\n{evidence.save(heard=pcm, speech=speech)}"
    )


def interrupted_elsewhere(
    recording: Recording, speech: bytes, heard_seconds: float, at: float
) -> str:
    """Return the message for speech that was interrupted at another place, and save both."""
    evidence = current_evidence.get()
    pcm = pcm_of(recording)
    return (
        f"{_name(recording)} heard {heard_seconds:.2f} s of {_name_speech(speech)}, and should "
        f"have heard {at:.2f} s\n{evidence.levels(pcm)}\n{evidence.save(heard=pcm, speech=speech)}"
    )


def not_silent(recording: Recording, pcm: bytes, first: int, level: float, max_dbfs: float) -> str:
    """Return the message for sound from byte `first` on, instead of silence, and save it."""
    evidence = current_evidence.get()
    seconds = duration_seconds(first, evidence.sample_rate)
    return (
        f"{_name(recording)} heard something at {seconds:.2f} s\n"
        f"  {level:.0f} dBFS; up to {max_dbfs:g} counts as silence\n"
        f"{evidence.levels(pcm)}\n{evidence.save(heard=pcm)}"
    )


def not_in_call(phone: Phone, for_seconds: float) -> str:
    """Return the message for silence that proves nothing, as the telephone is not in the call."""
    return (
        f"{_name(phone)} is not in the call, or was not for all of {for_seconds:g} s: that it "
        "hears nothing proves nothing"
    )


def _name(recording: Recording) -> str:
    if isinstance(recording, Phone):
        return f"{recording.number} ({recording.state.name})"
    return "whoever made this recording"


def _name_speech(speech: bytes) -> str:
    seconds = duration_seconds(len(speech), current_evidence.get().sample_rate)
    name = speech.name if isinstance(speech, Speech) else "the speech"
    return f"{name} ({seconds:.2f} s)"
