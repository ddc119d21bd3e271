"""`trio-calls run --simulate`: one call into an agent, and whether it went well."""

import re
import signal
from pathlib import Path

import pytest
import trio
import trio.testing

from tests.support.agent_files import agent_file
from tests.support.processes import finished, running
from trio_calls import cli
from trio_calls.audio import find, noise, read_wav, write_wav
from trio_calls.audio._recording import read_recording
from trio_calls.cli.conversation import Speech, SpokenLine
from trio_calls.cli.find_handler import find_handler
from trio_calls.cli.outcome import Failure
from trio_calls.cli.people import People
from trio_calls.cli.rehearsal import rehearse
from trio_calls.simulator import Pickup, answers, declines

pytestmark = [pytest.mark.usefixtures("memory_ports"), pytest.mark.slow]

SPEECH = "examples/speech/caller_request.wav"


def rehearsed(target: str, sample_rate: int = 24000, people: People | None = None) -> bool:
    """Rehearse in virtual time, on a port in memory."""
    clock = trio.testing.MockClock(autojump_threshold=0)
    return trio.run(rehearse, find_handler(target), sample_rate, people or People(), clock=clock)


def test_simulate_tells_what_happens(capsys: pytest.CaptureFixture[str]) -> None:
    assert rehearsed("examples/front_desk.py")
    assert [line[:27] for line in capsys.readouterr().out.splitlines()][1:] == [
        "+65 9111 0000 calls +65 622",
        "the caller hears somebody: ",
        'the caller has said: "Hi, m',
        "the callee has picked up",
        "the agent has left the call",
        'the callee has said: "Sales',
        "the caller hangs up",
        "✓ PENDING → ANSWERED → CONN",
        "  the caller was connected ",
        "  the callee was connected ",
    ]


def test_simulate_with_an_agent_that_hangs_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert rehearsed("examples/goodbye.py")
    assert "the call is over\n✓ PENDING → ANSWERED → DISC" in capsys.readouterr().out


def test_simulate_with_an_agent_that_does_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not rehearsed(agent_file(tmp_path, "def handle_call(call): ..."))
    assert capsys.readouterr().out.splitlines()[-1] == "✗ PENDING → DISCONNECTED"


async def test_simulate_has_the_exit_status(tmp_path: Path) -> None:
    decline = "async def handle_call(call): await call.disconnect()"
    status, printed = await finished("run", agent_file(tmp_path, decline), "--simulate")
    assert status == 1
    assert "✗ PENDING → DISCONNECTED" in printed


PROMPT = """
import os
from trio_calls.audio import noise

PROMPT = noise(3, int(os.environ["WSS_SAMPLE_RATE"]), 1)

async def handle_call(call):
    await call.answer()
    await call.send_audio(PROMPT)
    await call.disconnect()
"""


@pytest.mark.parametrize("rate", ["8000", "16000"])
@pytest.mark.parametrize("is_option", [True, False])
@pytest.mark.usefixtures("in_virtual_time")
def test_what_takes_3_s_to_say_is_heard_for_3_s(
    *,
    rate: str,
    is_option: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ["--sample-rate", rate] if is_option else []
    # The option sets it, too.
    monkeypatch.setenv("WSS_SAMPLE_RATE", "24000" if is_option else rate)
    assert cli.main(["run", agent_file(tmp_path, PROMPT), "--simulate", *options]) == 0
    connected = re.search(r"the caller was connected for ([\d.]+) s", capsys.readouterr().out)
    assert connected is not None
    assert 2.9 < float(connected[1]) < 4


@pytest.mark.parametrize("rate", [8000, 16000])
def test_an_agent_hears_the_caller_at_its_own_rate(
    rate: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = """
from trio_calls.audio import duration_seconds
from trio_calls.demo.examples import load_speech

async def handle_call(call):
    await call.answer()
    await call.send_audio(load_speech("greeting", call.audio_format.sample_rate))
    heard = b"".join([chunk async for chunk in call.audio_stream()])
    print("RATE", call.audio_format.sample_rate)
    print("SECONDS", round(duration_seconds(len(heard), call.audio_format.sample_rate)))
"""
    assert rehearsed(agent_file(tmp_path, source), rate)
    printed = capsys.readouterr().out
    assert f"RATE {rate}\nSECONDS 15\n" in printed
    # Where the pause after the greeting was noticed: otherwise the caller waits for 5 s more.
    assert "the caller has said" in printed


@pytest.mark.parametrize(
    ("rate", "complaint"),
    [
        ("8 kHz", "WSS_SAMPLE_RATE must be 8000, 16000 or 24000 (Hz), or not set at all"),
        ("11025", "(WSS_SAMPLE_RATE) must be one of (8000, 16000, 24000), not 11025"),
    ],
)
def test_a_rate_that_is_none_names_the_variable(
    rate: str, complaint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WSS_SAMPLE_RATE", rate)
    assert cli.main(["run", "examples/goodbye.py", "--simulate"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("trio-calls run: ")
    assert line.endswith(complaint)


def test_a_rate_that_is_none_names_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "examples/goodbye.py", "--sample-rate", "11025"]) == 2
    assert "--sample-rate" in capsys.readouterr().err.splitlines()[-1]


AFTER_THE_CALL = """
import trio

async def handle_call(call):
    await call.answer()
    await call.wait_disconnected()
    await trio.sleep(1)
    raise RuntimeError("no\x1b[2J database")
"""

IN_AN_EVENT = """
from trio_calls import events

async def handle_call(call):
    @call.on(events.CALL_TERMINATED)
    def save(ending):
        raise RuntimeError("no database")
    await call.answer()
    await call.disconnect()
"""

IN_THE_CALL = """
import trio

async def fail():
    raise RuntimeError("no database")

async def handle_call(call):
    await call.answer()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fail)
"""


@pytest.mark.parametrize("source", [AFTER_THE_CALL, IN_AN_EVENT, IN_THE_CALL])
def test_a_handler_that_fails_is_a_failure(
    source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not rehearsed(agent_file(tmp_path, source))
    printed = capsys.readouterr().out.splitlines()
    assert "✓ PENDING → ANSWERED → DISCONNECTED" in printed
    assert printed[-1].replace("[2J", "") == "✗ a handler has failed: RuntimeError: no database"


def test_a_handler_that_the_hangup_ends_has_not_failed(tmp_path: Path) -> None:
    source = """
async def handle_call(call):
    await call.answer()
    await call.wait_disconnected()
    await call.connect()
"""
    assert rehearsed(agent_file(tmp_path, source))


async def test_what_a_handler_exits_with_is_the_status(tmp_path: Path) -> None:
    source = "import sys\nasync def handle_call(call): sys.exit(3)"
    status, printed = await finished("run", agent_file(tmp_path, source), "--simulate")
    assert status == 3
    assert "Traceback" not in printed


GREETS_LATE = """
from pathlib import Path

import trio
from trio_calls.audio import noise

async def handle_call(call):
    await call.answer()
    await trio.sleep(2)
    await call.send_audio(noise(1, 24000, 1))
    heard = b"".join([chunk async for chunk in call.audio_stream()])
    Path(HEARD).write_bytes(heard)
"""


def late_agent(folder: Path) -> tuple[str, Path]:
    """An agent that is silent for 2 s, and the file into which it writes what it has heard."""
    heard = folder / "agent_heard.pcm"
    return agent_file(folder, f"HEARD = {str(heard)!r}\n{GREETS_LATE}"), heard


def speech(folder: Path, seed: int) -> Speech:
    path = folder / f"{seed}.wav"
    write_wav(path, noise(0.5, 24000, seed), 24000)
    return Speech(path.name, read_recording(path))


def test_somebody_is_heard_when_there_is_a_sound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    agent, _ = late_agent(tmp_path)
    people = People([SpokenLine(speech(tmp_path, 2), 1), SpokenLine(speech(tmp_path, 3), 2)])
    assert rehearsed(agent, people=people)
    printed = capsys.readouterr().out.splitlines()
    assert printed[2:7] == [
        "the caller says 2.wav",
        "the caller has said 2.wav",
        "the caller hears somebody: the agent, or the callee",
        "the caller says 3.wav",
        "the caller has said 3.wav",
    ]


def test_a_silent_agent_is_not_heard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = """
async def handle_call(call):
    await call.answer()
    await call.wait_disconnected()
"""
    assert rehearsed(agent_file(tmp_path, source))
    printed = capsys.readouterr().out
    assert "the caller hears somebody" not in printed
    assert printed.rstrip().endswith(" s, and heard nothing")


def test_calls_of_two_runs_have_two_ids(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = """
async def handle_call(call):
    print("ID", call.call_id)
    await call.answer()
    await call.disconnect()
"""
    agent = agent_file(tmp_path, source)
    assert rehearsed(agent)
    assert rehearsed(agent)
    ids = re.findall("^ID (.*)", capsys.readouterr().out, re.MULTILINE)
    assert len(set(ids)) == 2


def test_a_caller_with_lines_is_heard_and_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    agent, heard = late_agent(tmp_path)
    first, second = speech(tmp_path, 2), speech(tmp_path, 3)
    lines = [SpokenLine(first), SpokenLine(second, 2, for_silence=True)]
    record = tmp_path / "heard.wav"
    assert rehearsed(agent, people=People(lines, record=record))
    matches = [find(line.to_pcm(24000), heard.read_bytes()) for line in (first, second)]
    assert min(match.correlation for match in matches) > 0.99
    # The greeting, from 2 s to 3 s, came in between.
    assert matches[1].offset_samples / 24000 == pytest.approx(5, abs=0.2)
    recorded = read_wav(record, 24000)
    assert find(noise(1, 24000, 1), recorded).correlation > 0.99
    # Until 10 s after its last word.
    assert len(recorded) / 48000 == pytest.approx(5 + 0.5 + 10, abs=0.3)


@pytest.mark.parametrize(
    ("pickup", "states"),
    [
        (declines(after_seconds=1), "✓ PENDING → ANSWERED → DISCONNECTED"),
        (answers(after_seconds=3), "✓ PENDING → ANSWERED → CONNECTED → DISCONNECTED"),
    ],
)
def test_the_callee_does_as_it_is_told(
    pickup: Pickup, states: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = """
from trio_calls import WSSCallCommandError

async def handle_call(call):
    await call.answer()
    try:
        await call.connect()
    except WSSCallCommandError:
        await call.disconnect()
    await call.wait_disconnected()
"""
    record = tmp_path / "heard.wav"
    people = People(callee_say=speech(tmp_path, 4), pickup=pickup, record=record)
    assert rehearsed(agent_file(tmp_path, source), people=people)
    printed = capsys.readouterr().out.splitlines()
    assert states in printed
    is_heard = find(noise(0.5, 24000, 4), read_wav(record, 24000)).correlation > 0.99
    assert is_heard is pickup.answers
    assert ("the callee has said 4.wav" in printed) is pickup.answers


def test_a_recording_that_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"cannot write /dev/full: No space left on device; what"):
        rehearsed("examples/goodbye.py", people=People(record=Path("/dev/full")))


async def test_control_c_keeps_what_the_caller_heard(tmp_path: Path) -> None:
    agent, _ = late_agent(tmp_path)
    record = tmp_path / "heard.wav"
    speech(tmp_path, 2)
    said = str(tmp_path / "2.wav")
    options = ("--say", said, "--then", "2.7s", said, "--record", str(record))
    async with running("run", agent, "--simulate", *options) as command:
        await command.wait_for(r"(?s)(the caller has said.*){2}")
        command.send_signal(signal.SIGINT)
        assert await command.wait_status() == 130
    assert find(noise(1, 24000, 1), read_wav(record, 24000)).correlation > 0.99


@pytest.mark.parametrize(
    "options", [("--say", SPEECH), ("--after-silence", "1", SPEECH), ("--callee", "never")]
)
def test_people_need_a_simulated_call(
    options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["run", "examples/goodbye.py", *options]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"Error: {options[0]} is for a simulated call: give --simulate, too"
    )
