"""The demo: over real sockets, what it prints, what it leaves, and how it ends."""

import functools
import io
import signal
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from tests.support.transports import on_one_transport
from tests.support.wires import on_both_wires
from trio_calls import cli
from trio_calls.audio import find, read_wav
from trio_calls.demo import STORIES, Story, simulate
from trio_calls.demo.examples import SAMPLE_RATE, load_speech
from trio_calls.demo.report import Progress
from trio_calls.simulator import SimulatedCall
from trio_calls.state import CallState

# What it stands on is tested over sockets with either library.
pytestmark = [on_one_transport, pytest.mark.slow]

GOODBYE = next(story for story in STORIES if story.name == "goodbye")


@pytest.fixture
def quick_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run on a clock that jumps when nothing has happened for 5 ms, time enough for loopback.

    A machine that is busy then slows the demo down, rather than tearing holes into its audio.
    """
    clock = trio.testing.MockClock(autojump_threshold=0.005)
    monkeypatch.setattr(trio, "run", functools.partial(trio.run, clock=clock))


@on_both_wires
@pytest.mark.usefixtures("quick_time")
def test_the_demo_keeps_its_promises_over_real_sockets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, wire: str
) -> None:
    monkeypatch.setenv("WSS_WIRE", "")  # the option sets it
    assert cli.main(["demo", "--wire", wire, "--output", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "✗" not in printed
    assert f"real sockets, the {wire} wire:" in printed
    assert "ws://127.0.0.1:" in printed
    for flow in (
        "PENDING → ANSWERED → DISCONNECTED",
        "PENDING → ANSWERED → CONNECTED → DISCONNECTED",
        "PENDING → ANSWERED → CONNECTED\n",
        "PENDING → CONNECTED\n",
    ):
        assert flow in printed
    assert "5 of 5 done" in printed
    recorded = read_wav(tmp_path / "assistant_whisper-callee.wav", SAMPLE_RATE)
    assert find(load_speech("guidance"), recorded).correlation > 0.9
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "assistant_whisper-callee.wav",
        "assistant_whisper-caller.wav",
        "basic_agent-caller.wav",
        "direct_routing-callee.wav",
        "direct_routing-caller.wav",
        "front_desk-callee.wav",
        "front_desk-caller.wav",
        "goodbye-caller.wav",
    ]


async def hang_up_early(call: SimulatedCall) -> None:
    await call.caller.wait_talking()
    call.caller.hang_up()


async def wait_for_a_callee_in_vain(call: SimulatedCall) -> None:
    await call.caller.wait_talking()
    call.caller.hang_up()
    await call.callee.wait_talking()


async def wait_in_vain(call: SimulatedCall) -> None:
    await trio.sleep_forever()


@pytest.mark.usefixtures("in_virtual_time")
@pytest.mark.parametrize(
    ("story", "complaint"),
    [
        (attrs.evolve(GOODBYE, act=hang_up_early), "✗ the caller heard goodbye"),
        (attrs.evolve(GOODBYE, act=wait_for_a_callee_in_vain), "✗ the call ended before"),
        (attrs.evolve(GOODBYE, act=wait_in_vain), "✗ it was not over after 45 s"),
        (
            attrs.evolve(GOODBYE, states=(CallState.PENDING, CallState.DISCONNECTED)),
            "✗ PENDING → ANSWERED → DISCONNECTED instead of PENDING → DISCONNECTED",
        ),
    ],
)
def test_a_broken_promise_is_printed_and_is_exit_status_1(
    story: Story,
    complaint: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("trio_calls.cli.demo.STORIES", [story])
    assert cli.main(["demo", "--output", str(tmp_path)]) == 1
    assert complaint in capsys.readouterr().out


@pytest.mark.usefixtures("in_virtual_time")
def test_a_flow_can_be_run_alone_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["demo", "goodbye", "--output", str(tmp_path / "new" / "folder")]) == 0
    assert "1 of 1 done" in capsys.readouterr().out


@pytest.mark.usefixtures("in_virtual_time")
def test_an_example_runs_its_own_story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        simulate("examples/goodbye.py")
    assert caught.value.code == 0
    assert (tmp_path / "demo-output" / "goodbye-caller.wav").is_file()


def test_an_unknown_flow_is_refused_with_the_names_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["demo", "nonsense"]) == 2
    assert "front_desk" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert cli.main(["demo", "--output", str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err.startswith("trio-calls demo: ")


async def interrupt(call: SimulatedCall) -> None:
    await call.caller.wait_talking()
    signal.raise_signal(signal.SIGINT)
    await trio.sleep_forever()


@pytest.mark.usefixtures("in_virtual_time")
def test_an_interrupt_is_one_word_and_exit_status_130(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trio_calls.cli.demo.STORIES", [attrs.evolve(GOODBYE, act=interrupt)])
    assert cli.main(["demo", "--output", str(tmp_path)]) == 130
    assert capsys.readouterr().err == "\ninterrupted\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


async def test_on_a_terminal_one_line_of_progress_is_rewritten(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    progress = Progress(["one", "two"])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(progress.run)
        await trio.sleep(1)
        progress.finish("one")
        progress.finish("two")
        nursery.cancel_scope.cancel()
    lines = terminal.getvalue().split("\r")
    assert "0 of 2 calls done" in lines[1]
    assert "1 of 2 calls done,  1.0 s" in lines[-2]
    assert lines[-1].endswith("2 of 2 calls done,  1.0 s\n")


def test_the_module_is_the_command() -> None:
    command = [sys.executable, "-m", "trio_calls", "--version"]
    assert (
        "trio-calls" in subprocess.run(command, check=True, capture_output=True, text=True).stdout
    )
