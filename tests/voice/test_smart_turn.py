"""The end of a turn by a model: its answers, its threads, and files that are not that model."""

from __future__ import annotations

import math
import sys
import threading
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.support.onnx_models import write_turn_model
from tests.support.voice_agents import RATE, answered, loudness
from tests.support.wires import on_one_wire
from trio_calls.audio import silence, tone
from trio_calls.simulator import Simulator
from trio_calls.voice import DetectorError, Endpointing, EndReason, ModelError, SmartTurn
from trio_calls.voice._turn_model import TurnModel

pytestmark = on_one_wire

PATIENT = Endpointing(pause_seconds=3.0)
LOW, HIGH = 200, 3000


@pytest.fixture(scope="module")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_turn_model(tmp_path_factory.mktemp("models") / "tiny.onnx")


class SlowModel:
    """Takes as long as the test wants, and keeps count."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.may_answer = threading.Semaphore(0)
        self._has_begun = threading.Semaphore(0)
        self.asked = self.at_work = self.most_at_work = 0
        self._lock = threading.Lock()
        monkeypatch.setattr(TurnModel, "probability", self.probability)

    def wait_begun(self) -> None:
        """Wait until a thread has begun: its task waiting does not say so."""
        assert self._has_begun.acquire(timeout=10)

    def probability(self, pcm: bytes) -> float:
        with self._lock:
            self.asked += 1
            self.at_work += 1
            self.most_at_work = max(self.most_at_work, self.at_work)
        self._has_begun.release()
        assert self.may_answer.acquire(timeout=10)
        with self._lock:
            self.at_work -= 1
        return 1.0


@pytest.mark.parametrize(
    ("pitch", "reason", "delay"), [(LOW, EndReason.TURN_OVER, 0.25), (HIGH, EndReason.PAUSE, 3.0)]
)
async def test_who_has_finished_need_not_wait(
    simulator: Simulator, model_path: Path, pitch: int, reason: EndReason, delay: float
) -> None:
    smart_turn = SmartTurn(model_path, quiet_seconds=0.25)
    async with answered(
        simulator, detector=loudness, endpointing=PATIENT, end_of_turn=smart_turn
    ) as scene:
        utterances = scene.voice.utterances()
        await scene.simulated.caller.say(tone(pitch, 1.0, RATE))
        utterance = await anext(utterances)
        assert utterance.reason is reason
        assert utterance.end_seconds - utterance.speech_end_seconds == pytest.approx(
            delay, abs=0.021
        )


@pytest.mark.pure
async def test_the_threshold_decides(model_path: Path) -> None:
    pcm = tone(LOW, 0.1, 16000, 0.01) + tone(HIGH, 0.1, 16000, 0.01) + silence(1, 16000)
    probability = await SmartTurn(model_path).probability(pcm)
    assert 0 < probability < 1
    assert await SmartTurn(model_path, threshold=probability).is_over(pcm) is True
    above = math.nextafter(probability, 1)
    assert await SmartTurn(model_path, threshold=above).is_over(pcm) is False


@pytest.mark.pure
async def test_no_more_threads_than_allowed(
    model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smart_turn = SmartTurn(model_path, threads=2)
    model = SlowModel(monkeypatch)
    async with trio.open_nursery() as nursery:
        for _ in range(6):
            nursery.start_soon(smart_turn.is_over, b"")
        await wait_all_tasks_blocked()
        model.wait_begun()
        model.wait_begun()
        for _ in range(6):
            model.may_answer.release()
    assert model.asked == 6
    assert model.most_at_work == 2


@pytest.mark.pure
async def test_nobody_waits_for_an_answer_in_vain(
    model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smart_turn = SmartTurn(model_path)
    model = SlowModel(monkeypatch)
    answers: list[bool] = []

    async def ask() -> None:
        answers.append(await smart_turn.is_over(b""))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        model.wait_begun()
        nursery.cancel_scope.cancel()
    assert answers == []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        # The thread that nobody waits for counts until it is done.
        assert model.asked == 1
        model.may_answer.release()
        model.may_answer.release()
    assert answers == [True]
    assert model.most_at_work == 1


@pytest.mark.pure
def test_a_thread_that_outlives_its_run_does_not_count(
    model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smart_turn = SmartTurn(model_path)
    model = SlowModel(monkeypatch)

    async def give_up() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(smart_turn.is_over, b"")
            await wait_all_tasks_blocked()
            model.wait_begun()
            nursery.cancel_scope.cancel()

    async def ask_again() -> bool:
        with trio.fail_after(60):
            return await smart_turn.is_over(b"")

    trio.run(give_up)
    model.may_answer.release()
    model.may_answer.release()
    assert trio.run(ask_again) is True


@pytest.mark.pure
class TestWrongFiles:
    def test_there_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"cannot be read \(No such file.*\): model_path must"):
            SmartTurn(tmp_path / "missing.onnx")

    def test_it_is_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"cannot be read \(Is a directory\): model_path must"):
            SmartTurn(str(tmp_path))

    @pytest.mark.parametrize("content", [b"", b"no model", b"version https://git-lfs\nsize 8\n"])
    def test_it_is_no_model(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "model.onnx"
        path.write_bytes(content)
        with pytest.raises(ModelError, match=r"'model.onnx' is .*: model_path must be the ONNX"):
            SmartTurn(path)

    def test_half_of_it_is_missing(self, tmp_path: Path, model_path: Path) -> None:
        whole = model_path.read_bytes()
        path = tmp_path / "half.onnx"
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ModelError, match="no model that onnxruntime can run"):
            SmartTurn(path)

    @pytest.mark.parametrize(("bands", "columns"), [(128, 3000), (80, 3000), (128, 800)])
    def test_it_is_another_model(self, tmp_path: Path, bands: int, columns: int) -> None:
        path = write_turn_model(tmp_path / "other.onnx", bands=bands, columns=columns)
        with pytest.raises(ModelError, match=r"takes \(input_features: .*and not .*\[1, 80, 800\]"):
            SmartTurn(path)

    @pytest.mark.parametrize("answer", [{"last": "Log"}, {"last": "Acosh"}, {"answer_shape": [1]}])
    def test_it_gives_no_probability(self, tmp_path: Path, answer: dict[str, object]) -> None:
        path = write_turn_model(tmp_path / "other.onnx", **answer)  # type: ignore[arg-type]
        with pytest.raises(ModelError, match=r"fails \(the model returned no probability"):
            SmartTurn(path)

    def test_its_input_may_have_any_name(self, tmp_path: Path) -> None:
        SmartTurn(write_turn_model(tmp_path / "named.onnx", input_name="features"))


@pytest.mark.pure
async def test_half_a_sample_is_refused(model_path: Path) -> None:
    with pytest.raises(ValueError, match="sample"):
        await SmartTurn(model_path).is_over(b"\0\0\0")


async def test_a_model_that_fails_is_told_of(
    simulator: Simulator, model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smart_turn = SmartTurn(model_path)

    def fail(model: TurnModel, pcm: bytes) -> float:
        raise MemoryError("no more")

    monkeypatch.setattr(TurnModel, "probability", fail)
    async with answered(
        simulator, detector=loudness, endpointing=PATIENT, end_of_turn=smart_turn
    ) as scene:
        utterances = scene.voice.utterances()
        await scene.simulated.caller.say(tone(LOW, 1.0, RATE))
        assert (await anext(utterances)).reason is EndReason.STREAM_OVER
        with pytest.raises(DetectorError, match=r"SmartTurn.is_over\(\) failed: MemoryError"):
            await anext(utterances)


@pytest.mark.pure
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"threshold": 0}, "threshold must be more than 0 and at most 1, not 0"),
        ({"threshold": 1.01}, "threshold must be"),
        ({"threshold": math.nan}, "threshold must be"),
        ({"quiet_seconds": -0.1}, "quiet_seconds must be from 0 to 8, not -0.1"),
        ({"quiet_seconds": 9}, "quiet_seconds must be"),
        ({"threads": 0}, "threads must be a whole number from 1, not 0"),
        ({"threads": 1.0}, "threads must be"),
        ({"threads": True}, "threads must be"),
    ],
)
def test_settings_that_make_no_sense(
    model_path: Path, settings: dict[str, float], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        SmartTurn(model_path, **settings)  # type: ignore[arg-type]  # as an application might


@pytest.mark.pure
def test_without_its_extra_it_says_what_to_install(
    model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(
        ModuleNotFoundError, match=r"SmartTurn needs onnxruntime.*the extra 'silero'"
    ):
        SmartTurn(model_path)
