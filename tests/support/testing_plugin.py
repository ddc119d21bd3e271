"""What the tests of the plugin share: runs of pytest, a telephone without a call, evidence.

The folder of these tests has the fixtures with ``import *`` in its conftest.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from trio_calls.audio import frame_bytes, noise, to_pcm, to_samples
from trio_calls.simulator import Phone, PhoneState, Simulator
from trio_calls.simulator.phones.leg import Leg
from trio_calls.testing._evidence import Evidence, current_evidence

RATE = 24000
FRAME = frame_bytes(RATE)
HELLO = noise(1, RATE, seed=1)
GOODBYE = noise(1, RATE, seed=2)

__all__ = ["evidence_folder", "line", "run_tests"]

RunTests = Callable[..., pytest.RunResult]


@pytest.fixture
def run_tests(pytester: pytest.Pytester) -> RunTests:
    def run(source: str, *arguments: str, ini: str = "trio_mode = true") -> pytest.RunResult:
        pytester.makeini(f"[pytest]\nfilterwarnings = error\n{ini}\n")
        pytester.makepyfile(source)
        return pytester.runpytest_inprocess("-p", "trio_calls.testing.plugin", *arguments)

    return run


def quieter(pcm: bytes, divisor: int) -> bytes:
    return to_pcm(to_samples(pcm) // divisor)


class Line:
    """A telephone that is in a call with nobody: the test plays what it hears."""

    def __init__(self, state: PhoneState = PhoneState.TALKING) -> None:
        self._leg = Leg("+65 9111 0000", state)
        self.phone = Phone(self._leg, self._leg.end)

    async def play(self, *audio: bytes) -> None:
        """Let the telephone hear something, at the pace of a call."""
        pcm = b"".join(audio)
        for start in range(0, len(pcm), FRAME):
            await trio.sleep(0.02)
            frame = pcm[start : start + FRAME]
            self._leg.record(bytes(len(frame)), frame)


@pytest.fixture
def line(simulator: Simulator) -> Line:
    # The simulator is not used, but tests that have one run in virtual time.
    return Line()


@pytest.fixture
async def evidence_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "evidence"
    current_evidence.set(Evidence(folder=folder, test_name="example"))
    return folder
