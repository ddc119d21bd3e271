"""What the demo and the examples leave on the disk, and how they end when that fails."""

import signal
from pathlib import Path

import attrs
import pytest
import trio

from tests.support.transports import on_one_transport
from trio_calls import cli
from trio_calls.audio import find, read_wav
from trio_calls.demo import STORIES, Story, simulate
from trio_calls.demo.examples import load_speech
from trio_calls.simulator import SimulatedCall

# As in tests/sockets/test_demo.py, but with ports in memory.
pytestmark = [on_one_transport, pytest.mark.slow, pytest.mark.usefixtures("in_virtual_time")]

GOODBYE = next(story for story in STORIES if story.name == "goodbye")


async def interrupt(call: SimulatedCall) -> None:
    await call.wait_ended()
    signal.raise_signal(signal.SIGINT)
    await trio.sleep_forever()


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Story:
    """Let the story of goodbye.py end with Control-C."""
    story = attrs.evolve(GOODBYE, act=interrupt)
    monkeypatch.setattr("trio_calls.cli.demo.STORIES", [story])
    monkeypatch.setattr("trio_calls.demo.STORIES", [story])
    return story


def heard_goodbye(folder: Path) -> float:
    recorded = read_wav(folder / "goodbye-caller.wav", 24000)
    return find(load_speech("goodbye"), recorded).correlation


@pytest.mark.usefixtures("interrupted")
def test_an_interrupt_keeps_what_was_heard(tmp_path: Path) -> None:
    assert cli.main(["demo", "--output", str(tmp_path)]) == 130
    assert heard_goodbye(tmp_path) > 0.9


@pytest.mark.usefixtures("interrupted")
def test_an_interrupted_example_says_so_in_one_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        simulate("examples/goodbye.py")
    assert caught.value.code == 130
    assert capsys.readouterr().err == "\ninterrupted\n"
    assert heard_goodbye(tmp_path / "demo-output") > 0.9


def test_a_file_that_cannot_be_written_costs_no_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "goodbye-caller.wav").mkdir()
    assert cli.main(["demo", "goodbye", "--output", str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert "✓ the caller heard goodbye" in printed
    assert f"✗ cannot write {tmp_path / 'goodbye-caller.wav'}: Is a directory\n" in printed


def test_what_an_earlier_run_has_left_is_gone(tmp_path: Path) -> None:
    for party in ("caller", "callee"):
        (tmp_path / f"goodbye-{party}.wav").write_bytes(b"of the run before")
    assert cli.main(["demo", "goodbye", "--output", str(tmp_path)]) == 0
    assert heard_goodbye(tmp_path) > 0.9
    assert not (tmp_path / "goodbye-callee.wav").exists()


def test_an_example_without_room_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo-output").touch()
    with pytest.raises(SystemExit) as caught:
        simulate("examples/goodbye.py")
    assert caught.value.code == "cannot write into demo-output: File exists"
