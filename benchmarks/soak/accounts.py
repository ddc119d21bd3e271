"""Compares what the exchange has with what the agent reports, byte for byte."""

from __future__ import annotations

import zlib
from collections import Counter
from typing import Final

import attrs

from benchmarks.soak.records import FRAME, Record, Utterance, voice
from trio_calls import CallState
from trio_calls.simulator import SimulatedCall

#: What the exchange pulls ahead of playing, in bytes.
PULLED_AHEAD: Final = 3 * FRAME

#: So many bytes of noise are found in one place only.
_FINGERPRINT: Final = 64


@attrs.define
class Totals:
    """What a load has come to. Everything that must be 0 is in `faulty`."""

    calls: int = 0
    scopes: int = 0
    faults: Counter[str] = attrs.field(factory=Counter)
    errors: Counter[str] = attrs.field(factory=Counter)
    bytes_to_agent: int = 0
    bytes_from_agent: int = 0
    taken_bytes: int = 0
    lost_to_agent: int = 0
    lost_from_agent: int = 0
    invented_bytes: int = 0
    unserved_calls: int = 0
    stuck_calls: int = 0
    crashes: list[str] = attrs.field(factory=list)
    losses: list[str] = attrs.field(factory=list)
    violations: int = 0

    def faulty(self) -> dict[str, int]:
        """Name the figures that must be 0."""
        return {
            "lost bytes, to the agent": self.lost_to_agent,
            "lost bytes, from the agent": self.lost_from_agent,
            "bytes that nobody sent": self.invented_bytes,
            "unserved calls": self.unserved_calls,
            "stuck calls": self.stuck_calls,
            "crashes of handlers": len(self.crashes),
            "violations of the protocol": self.violations,
        }


@attrs.frozen
class EndedCall:
    """A call that is over, for everybody.

    Attributes:
      call: as the exchange has it.
      records: what the agent reports of it, a record for each scope.
      faults: what was to go wrong in it, by name.
      was_cut: whether a fault may have cut its media connection.
      was_left_by_agent: whether it ended, for the agent, by the agent's own leaving.
    """

    call: SimulatedCall
    records: list[Record]
    faults: list[str]
    was_cut: bool
    was_left_by_agent: bool


def settle(ended: EndedCall, totals: Totals) -> None:
    """Add a call to the totals."""
    lost_before = totals.lost_to_agent, totals.lost_from_agent
    totals.calls += 1
    totals.scopes += len(ended.records)
    for record in ended.records:
        totals.errors.update(record.errors)
        if record.crash is not None:
            totals.crashes.append(record.crash)
        if record.has_listened:
            _settle_heard(ended, record, totals)
            _settle_said(ended, record, totals)
    if (totals.lost_to_agent, totals.lost_from_agent) != lost_before:
        totals.losses.append(_describe(ended))


def _settle_heard(ended: EndedCall, record: Record, totals: Totals) -> None:
    sent = [zlib.crc32(frame) for frame in _frames(ended.call.agent_heard)]
    totals.bytes_to_agent += len(sent) * FRAME
    position = 0
    for heard in record.frames_heard:
        try:
            found = sent.index(heard, position)
        except ValueError:
            totals.invented_bytes += FRAME
            continue
        totals.lost_to_agent += (found - position) * FRAME
        position = found + 1
    rest = (len(sent) - position) * FRAME
    if ended.was_cut:
        totals.taken_bytes += rest
    else:
        totals.lost_to_agent += rest


def _settle_said(ended: EndedCall, record: Record, totals: Totals) -> None:
    played = _without_silence(_ear(ended.call))
    position = 0
    for utterance in record.utterances:
        pcm = voice(record.call_number, utterance.part, utterance.seconds)
        position, matched = _match(pcm, played, position)
        totals.bytes_from_agent += matched
        missing = len(pcm) - matched
        excused = min(missing, _excusable(utterance, ended, len(pcm)))
        totals.taken_bytes += excused
        totals.lost_from_agent += missing - excused


def _describe(ended: EndedCall) -> str:
    states = " ".join(state.name for state in ended.call.agent_states)
    said = [utterance for record in ended.records for utterance in record.utterances]
    read = [len(record.frames_heard) for record in ended.records]
    return (
        f"{ended.call.caller.number}: {states}; faults: {ended.faults}; cut: {ended.was_cut}; "
        f"left by the agent: {ended.was_left_by_agent}; frames sent: "
        f"{len(ended.call.agent_heard) // FRAME}, read: {read}; said: {said}"
    )


def _excusable(utterance: Utterance, ended: EndedCall, length: int) -> int:
    """Count how many bytes of an utterance may be missing."""
    was_left = ended.was_left_by_agent and not ended.was_cut
    if utterance.confirmed_by is None or (utterance.confirmed_by == "leaving" and not was_left):
        return length
    is_cut_off = utterance.was_cut_short or not was_left
    return utterance.unsent_bytes + PULLED_AHEAD * is_cut_off


def _match(pcm: bytes, played: bytes, position: int) -> tuple[int, int]:
    """Find where `pcm` was played, from `position` on, and how much of it, from its beginning."""
    start = played.find(pcm[:_FINGERPRINT], position)
    if start < 0:
        return position, 0
    length = min(len(pcm), len(played) - start)
    if played[start : start + length] == pcm[:length]:
        return start, length
    return start, next(n for n in range(length) if played[start + n] != pcm[n])


def _ear(call: SimulatedCall) -> bytes:
    """Find where the agent was to be heard alone."""
    return call.agent_said if CallState.CONNECTED in call.agent_states else call.caller.heard


def _without_silence(pcm: bytes) -> bytes:
    return b"".join(frame for frame in _frames(pcm) if any(frame))


def _frames(pcm: bytes) -> list[bytes]:
    return [pcm[start : start + FRAME] for start in range(0, len(pcm), FRAME)]
