"""`trio-calls dial` holds a conversation: what each party hears of it, on virtual time."""

import wave
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing
from rich.console import Console

from tests.cli.test_dial_command import be_shy, open_agent, order
from tests.cli.test_dialing_route import wait_for_call
from trio_calls import ActiveCall
from trio_calls.audio import SAMPLE_BYTES, find, noise, read_wav, silence, to_samples, write_wav
from trio_calls.audio._recording import read_recording
from trio_calls.call.scope import CallHandler
from trio_calls.cli import patience
from trio_calls.cli.conversation import Speech, SpokenLine
from trio_calls.cli.dial_order import Order
from trio_calls.cli.dial_report import print_summary
from trio_calls.cli.dial_view import DialView
from trio_calls.cli.dialed_call import dial_call

pytestmark = [pytest.mark.usefixtures("memory_ports"), pytest.mark.slow]

RATE = 24000
A, B, C = (noise(0.5, RATE, seed) for seed in (1, 2, 3))
GREETING = noise(2, RATE, 4)


def line(pcm: bytes, folder: Path, wait: float = 0, *, for_silence: bool = False) -> SpokenLine:
    name = {A: "a.wav", B: "b.wav", C: "c.wav"}[pcm]
    write_wav(folder / name, pcm, RATE)
    return SpokenLine(Speech(name, read_recording(folder / name)), wait, for_silence)


class Agent:
    """Answers, greets, and listens to the end."""

    def __init__(self, *sayings: bytes) -> None:
        self.heard = b""
        self._sayings = sayings

    async def handle_call(self, call: ActiveCall) -> None:
        await call.answer()
        for saying in self._sayings:
            await call.send_audio(saying)
        self.heard = b"".join([chunk async for chunk in call.audio_stream()])

    def heard_at(self, pcm: bytes) -> float:
        """How many seconds after the answer it began to hear something."""
        match = find(pcm, self.heard)
        assert match.correlation > 0.99
        return match.offset_samples / RATE


async def test_a_pause_is_as_long_as_it_was_asked_for(
    autojump_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    agent = Agent(GREETING)
    lines = [line(A, tmp_path), line(B, tmp_path, 3), line(C, tmp_path)]
    async with open_agent(agent.handle_call) as simulator:
        result = await dial_call(order(simulator, lines=lines, talk_seconds=None))
    assert (result.failure, result.lines_said) == (None, 3)
    # B was not held up by the greeting, and C by nothing at all.
    assert agent.heard_at(B) - agent.heard_at(A) == pytest.approx(0.5 + 3, abs=0.001)
    assert agent.heard_at(C) - agent.heard_at(B) == pytest.approx(0.5, abs=0.001)


async def test_a_line_waits_until_the_agent_is_silent(
    autojump_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    # With a gap that is shorter than the silence that is waited for.
    agent = Agent(GREETING + silence(0.7, RATE) + GREETING)
    lines = [line(A, tmp_path, 1, for_silence=True), line(B, tmp_path, 1.5, for_silence=True)]
    record = tmp_path / "heard.wav"
    async with open_agent(agent.handle_call) as simulator:
        await dial_call(order(simulator, lines=lines, talk_seconds=None), record)
    last_sound = to_samples(read_wav(record, RATE)).nonzero()[0][-1] / RATE
    assert agent.heard_at(A) - last_sound == pytest.approx(1, abs=0.1)
    assert agent.heard_at(B) - agent.heard_at(A) == pytest.approx(0.5 + 1.5, abs=0.001)


async def test_the_caller_stays_for_10_s_after_the_last_word(
    autojump_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    agent = Agent()
    lines = [line(A, tmp_path), line(B, tmp_path, 14)]
    async with open_agent(agent.handle_call) as simulator:
        result = await dial_call(order(simulator, lines=lines, talk_seconds=None))
    assert result.seconds == pytest.approx(0.5 + 14 + 0.5 + 10, abs=0.3)


async def test_a_caller_who_waits_in_vain_for_silence_leaves(
    autojump_clock: trio.testing.MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "TURN_SECONDS", 15.0)

    async def hold(call: ActiveCall) -> None:
        await call.answer()
        while True:
            await call.send_audio(GREETING)

    lines = [line(A, tmp_path, 1, for_silence=True)]
    async with open_agent(hold) as simulator:
        result = await dial_call(order(simulator, lines=lines, talk_seconds=None))
    assert (result.failure, result.lines_said) == (None, 0)
    assert result.seconds == pytest.approx(16, abs=0.5)


async def test_what_was_not_said_is_told(
    autojump_clock: trio.testing.MockClock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def hang_up(call: ActiveCall) -> None:
        await call.answer()
        await trio.sleep(1)
        await call.disconnect()

    lines = [line(A, tmp_path), line(B, tmp_path, 3), line(C, tmp_path)]
    async with open_agent(hang_up) as simulator:
        result = await dial_call(order(simulator, lines=lines, talk_seconds=None))
    print_summary([result], lines)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "1 call: 1 answered, 0 failed"
    assert printed[-1] == "call 1 was over before the caller had said b.wav, c.wav"


async def put_through_and_whisper(call: ActiveCall) -> None:
    await call.answer()
    await call.connect()
    await trio.sleep(2)
    await call.whisper()
    await call.send_audio(noise(7, RATE, 5))
    await call.wait_disconnected()


def watched(simulator_order: Order) -> Order:
    return attrs.evolve(simulator_order, dial=attrs.evolve(simulator_order.dial, wants_status=True))


async def test_a_line_tells_each_thing_that_happens(
    autojump_clock: trio.testing.MockClock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [line(A, tmp_path, 0.5)]
    async with open_agent(put_through_and_whisper) as simulator:
        what = watched(order(simulator, lines=lines, talk_seconds=12))
        await dial_call(what, view=DialView())
    printed = [text.split(" s  ", 1) for text in capsys.readouterr().out.splitlines()]
    assert [text for _, text in printed] == [
        "PENDING            an agent has taken the call",
        "ANSWERED           the caller is connected",
        "CONNECTED BARGE    the callee has picked up",
        "CONNECTED BARGE    the caller says a.wav",
        "CONNECTED BARGE    the caller has said a.wav",
        "CONNECTED WHISPER  only the callee hears the agent",
        "CONNECTED WHISPER  caller silent, callee silent, agent -15 dBFS",
        "DISCONNECTED       the caller has hung up",
        "DISCONNECTED       the call is over",
    ]
    seconds = [float(text) for text, _ in printed]
    assert seconds[3] == pytest.approx(0.5, abs=0.1)
    assert seconds[4] == pytest.approx(1, abs=0.1)
    assert seconds[-1] == pytest.approx(12, abs=0.1)


async def put_through_and_leave(call: ActiveCall) -> None:
    await call.connect()
    await trio.sleep(1)
    await call.close()


async def answer_and_end(call: ActiveCall) -> None:
    await call.answer()
    await trio.sleep(1)
    await call.disconnect()


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        (put_through_and_leave, ["the agent has left", "the callee has hung up"]),
        (answer_and_end, ["the agent has left"]),
        (be_shy, ["the caller has hung up"]),
    ],
)
async def test_it_is_told_who_has_hung_up(
    agent: CallHandler,
    told: list[str],
    autojump_clock: trio.testing.MockClock,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with open_agent(agent) as simulator, trio.open_nursery() as nursery:
        what = attrs.evolve(watched(order(simulator)), ring_seconds=4, talk_seconds=9)
        nursery.start_soon(dial_call, what, None, DialView())
        (call,) = await wait_for_call(simulator)
        await trio.sleep(3)
        call.callee.hang_up()
    goodbyes = [text[31:] for text in capsys.readouterr().out.splitlines()]
    assert [line for line in goodbyes if "left" in line or "hung" in line] == told
    assert goodbyes[-1] == "the call is over"


async def test_a_terminal_shows_the_levels_of_the_moment(
    autojump_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    console = Console(force_terminal=True, width=100, record=True, highlight=False)
    view = DialView(console)
    async with open_agent(put_through_and_whisper) as simulator:
        what = watched(order(simulator, lines=[line(A, tmp_path)], talk_seconds=5))
        with view.shown():
            await dial_call(what, view=view)
    shown = console.export_text()
    assert "the caller says a.wav" in shown
    assert "CONNECTED WHISPER  caller ·····  callee ·····  agent ▮▮▮▮· -15" in shown


async def test_the_callee_of_a_conversation_is_heard(
    autojump_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async def put_through(call: ActiveCall) -> None:
        await call.connect()
        await call.close()

    with wave.open(str(tmp_path / "callee.wav"), "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(SAMPLE_BYTES)
        writer.setframerate(RATE)
        writer.writeframes(GREETING)
    record = tmp_path / "heard.wav"
    callee = read_recording(tmp_path / "callee.wav")
    lines = [line(A, tmp_path), line(B, tmp_path, 1, for_silence=True)]
    async with open_agent(put_through) as simulator:
        what = order(simulator, lines=lines, callee_say=callee, talk_seconds=None)
        result = await dial_call(what, record)
    assert result.lines_said == 2
    assert find(GREETING, read_wav(record, RATE)).correlation > 0.99
