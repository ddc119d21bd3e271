from __future__ import annotations

import itertools

import numpy as np
import pytest

from trio_calls.audio import noise, to_pcm, to_samples
from trio_calls.simulator.phones.conference import Party, hears, mix_conference
from trio_calls.state import AgentMode

pytestmark = pytest.mark.pure

RATE = 8000
SILENCE = bytes(320)
A, B, G = (noise(0.02, RATE, seed) for seed in (1, 2, 3))


@pytest.mark.parametrize("mode", [None, *AgentMode])
@pytest.mark.parametrize("party", Party)
def test_nobody_hears_themselves(party: Party, mode: AgentMode | None) -> None:
    assert not hears(party, party, mode)


@pytest.mark.parametrize("mode", [None, *AgentMode])
def test_both_parties_always_hear_each_other_and_the_agent_both(
    mode: AgentMode | None,
) -> None:
    assert hears(Party.CALLER, Party.CALLEE, mode)
    assert hears(Party.CALLEE, Party.CALLER, mode)
    assert hears(Party.AGENT, Party.CALLER, mode)
    assert hears(Party.AGENT, Party.CALLEE, mode)


@pytest.mark.parametrize(
    ("mode", "caller_hears", "callee_hears"),
    [
        (None, True, False),
        (AgentMode.BARGE, True, True),
        (AgentMode.WHISPER, False, True),
        (AgentMode.SPY, False, False),
    ],
)
def test_who_hears_the_agent(
    mode: AgentMode | None, caller_hears: bool, callee_hears: bool
) -> None:
    assert hears(Party.CALLER, Party.AGENT, mode) == caller_hears
    assert hears(Party.CALLEE, Party.AGENT, mode) == callee_hears


def total(*frames: bytes) -> bytes:
    summed = np.sum([to_samples(frame).astype(np.int32) for frame in frames], axis=0)
    return to_pcm(np.clip(summed, -32768, 32767).astype(np.int16))


def test_a_conference_is_mixed_as_the_mode_says() -> None:
    voices = {Party.CALLER: A, Party.CALLEE: B, Party.AGENT: G}
    assert mix_conference(voices, AgentMode.BARGE, SILENCE) == {
        Party.CALLER: total(B, G),
        Party.CALLEE: total(A, G),
        Party.AGENT: total(A, B),
    }
    assert mix_conference(voices, AgentMode.WHISPER, SILENCE) == {
        Party.CALLER: B,
        Party.CALLEE: total(A, G),
        Party.AGENT: total(A, B),
    }
    assert mix_conference(voices, AgentMode.SPY, SILENCE) == {
        Party.CALLER: B,
        Party.CALLEE: A,
        Party.AGENT: total(A, B),
    }


def test_before_a_conference_caller_and_agent_hear_each_other() -> None:
    voices = {Party.CALLER: A, Party.AGENT: G}
    assert mix_conference(voices, None, SILENCE) == {Party.CALLER: G, Party.AGENT: A}


def test_without_an_agent_the_others_go_on() -> None:
    voices = {Party.CALLER: A, Party.CALLEE: B}
    assert mix_conference(voices, None, SILENCE) == {Party.CALLER: B, Party.CALLEE: A}


def test_loud_voices_saturate_and_never_wrap() -> None:
    loud = to_pcm(np.full(160, 30000, np.int16))
    voices = {Party.CALLER: loud, Party.CALLEE: loud, Party.AGENT: None}
    heard = mix_conference(voices, AgentMode.SPY, SILENCE)[Party.AGENT]
    assert set(to_samples(heard)) == {32767}


@pytest.mark.parametrize("mode", [None, *AgentMode])
def test_silence_adds_nothing(mode: AgentMode | None) -> None:
    for frames in itertools.product((None, A), (None, B), (None, G)):
        voices = dict(zip(Party, frames, strict=True))
        audible = {party: frame or SILENCE for party, frame in voices.items()}
        assert mix_conference(voices, mode, SILENCE) == mix_conference(audible, mode, SILENCE)
