"""`trio-calls dial` against a simulator and an agent that are processes of their own."""

import functools
import signal
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import numpy as np
import pytest
import trio
import trio.testing

from tests.support.processes import finished, running, running_simulator
from trio_calls import ActiveCall, cli, serve_calls
from trio_calls.audio import find, noise, read_wav, to_samples, write_wav
from trio_calls.audio._recording import read_recording
from trio_calls.call.scope import CallHandler
from trio_calls.cli.conversation import Speech, SpokenLine
from trio_calls.cli.dial import _place_calls
from trio_calls.cli.dial_order import Order, Result
from trio_calls.cli.dial_report import print_summary
from trio_calls.cli.dialed_call import dial_call
from trio_calls.concurrency.error_groups import first_error
from trio_calls.simulator import Simulator, open_simulator
from trio_calls.transport import accept_websocket
from trio_calls.wire.codec import encode
from trio_calls.wire.dialing import Dial, DialPlaced, DialRefused

pytestmark = pytest.mark.slow

#: Two calls that are not recorded.
TWO = [None, None]


async def test_50_calls_at_25_a_second_and_the_progress_bar() -> None:
    async with (
        running_simulator() as (_, variables),
        running("run", "examples/basic_agent.py", variables=variables) as agent,
    ):
        await agent.wait_for("serving")
        status, printed = await finished(
            *("dial", "--url", variables["WSS_BASE_URL"], "--calls", "50", "--rate", "25/s"),
            *("--say", "examples/speech/caller_request.wav", "--hang-up-after", "0.5"),
            terminal=True,
        )
        assert "50 calls: 50 answered, 0 failed" in printed
        assert "seconds to answer: min" in printed
        assert " of 50 calls over" in printed
        assert status == 0


async def echo(call: ActiveCall) -> None:
    await call.answer()
    async for chunk in call.audio_stream():
        await call.send_audio(chunk)


async def be_shy(call: ActiveCall) -> None:
    await trio.sleep_forever()


def order(simulator: Simulator, **changes: object) -> Order:
    plain = Order(
        url=simulator.config.base_url,
        api_key="simulated-key",
        dial=Dial("1", "2", "answers", 0.1, wants_recording=True),
        lines=(),
        callee_say=None,
        ring_seconds=30,
        talk_seconds=0.2,
    )
    return attrs.evolve(plain, **changes)  # type: ignore[arg-type]  # whatever the test wants


@asynccontextmanager
async def open_agent(handler: CallHandler) -> AsyncIterator[Simulator]:
    """Serve calls with a handler on a port, in this process."""
    async with open_simulator(port=0) as simulator, trio.open_nursery() as nursery:
        await nursery.start(serve_calls, handler, simulator.config)
        yield simulator
        nursery.cancel_scope.cancel()


async def test_the_caller_is_heard_and_recorded_at_any_rate(
    autojump_clock: trio.testing.MockClock, memory_ports: None, tmp_path: Path
) -> None:
    stereo = np.repeat(to_samples(noise(1, 11025, seed=1)), 2)
    with wave.open(str(tmp_path / "say.wav"), "wb") as writer:
        writer.setnchannels(2)
        writer.setsampwidth(2)
        writer.setframerate(11025)
        writer.writeframes(stereo.tobytes())
    say = read_recording(tmp_path / "say.wav")
    lines = [SpokenLine(Speech("say.wav", say))]
    async with open_agent(echo) as simulator:
        result = await dial_call(
            order(simulator, lines=lines, talk_seconds=2), tmp_path / "heard.wav"
        )
    assert (result.failure, result.recording_fault) == (None, None)
    heard = read_wav(tmp_path / "heard.wav", 24000)
    assert find(say.to_pcm(24000)[4800:-4800], heard).correlation > 0.8


async def test_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    async with open_simulator(port=0) as simulator:
        print_summary(await _place_calls(order(simulator, ring_seconds=0.2), TWO, 50.0))
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "2 calls: 0 answered, 2 failed"
    for number, line in enumerate(printed[1:], start=1):
        assert line.startswith(f"✗ call {number}: no agent took it in ")


async def test_an_agent_that_takes_calls_and_does_not_answer() -> None:
    async with open_agent(be_shy) as simulator:
        result = await dial_call(order(simulator, ring_seconds=0.2))
    assert result.failure is not None
    assert result.failure.startswith("an agent took it, but did not answer it in ")


def test_a_summary(capsys: pytest.CaptureFixture[str]) -> None:
    answered = [Result(was_claimed=True, answered_after=wait) for wait in (0.5, 1.5, 0.25)]
    print_summary([*answered, Result(fault="the simulator ended the connection")])
    assert capsys.readouterr().out.splitlines() == [
        "4 calls: 3 answered, 1 failed",
        "seconds to answer: min 0.25, median 0.50, max 1.50",
        "✗ call 4: the simulator ended the connection",
    ]
    print_summary(answered[:1])
    assert capsys.readouterr().out.startswith("1 call: 1 answered, 0 failed\n")


@pytest.mark.parametrize(
    ("frames", "fault"),
    [
        (["nonsense"], "the simulator sent what makes no sense"),
        ([encode(DialRefused("no such number"))], "the simulator refused: no such number"),
        ([encode(DialRefused("no\x1b[2J\n: simulated-key"))], "the simulator refused: no[2J: ***"),
        ([], "the simulator ended the connection"),
        ([b"\1\0\0"], "the simulator sent what makes no sense: audio that is not of a call"),
        (
            [encode(DialPlaced("1", 24000)), b"\1\0"],
            "the simulator sent what makes no sense: audio that is not of a call",
        ),
        ([encode(DialPlaced("1", 24000)), None], "the call was not over 30 s after the hangup"),
    ],
)
async def test_a_simulator_out_of_order(
    frames: list[str | bytes | None], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trio_calls.cli.dialed_call._ENDING_SECONDS", 0.1)

    async def misbehave(stream: trio.SocketStream) -> None:
        async with trio.open_nursery() as nursery:
            _, websocket = await accept_websocket(
                nursery, stream, lambda request: None, within_seconds=5
            )
            await websocket.receive_batch()
            for frame in frames:
                if frame is None:
                    await trio.sleep_forever()
                else:
                    await websocket.send(frame)
            await websocket.aclose()

    async with open_simulator() as simulator, trio.open_nursery() as nursery:
        serve = functools.partial(trio.serve_tcp, host="127.0.0.1")
        (listener,) = await nursery.start(serve, misbehave, 0)
        url = f"ws://127.0.0.1:{listener.socket.getsockname()[1]}"
        result = await dial_call(order(simulator, url=url, ring_seconds=0.3))
        nursery.cancel_scope.cancel()
    assert result.failure is not None
    assert result.failure.replace("0.1 s", "30 s").startswith(fault)


@pytest.mark.parametrize(
    ("number", "status", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
async def test_a_signal_hangs_up(number: signal.Signals, status: int, word: str) -> None:
    async with (
        running_simulator() as (simulator, variables),
        running("dial", "--url", variables["WSS_BASE_URL"]) as caller,
    ):
        await simulator.wait_for("offered")
        caller.send_signal(number)
        assert await caller.wait_status() == status
        assert caller.output.split() == [word]
        await simulator.wait_for("ended after")


def sentence(caught: pytest.ExceptionInfo[ExceptionGroup[Exception]]) -> str:
    return str(first_error(caught.value))


async def test_a_simulator_that_is_full_may_take_the_next_call() -> None:
    async with open_simulator(port=0, max_connections=1) as simulator:
        results = await _place_calls(order(simulator, ring_seconds=0.5), TWO, 50.0)
    faults = sorted(str(result.fault) for result in results)
    assert faults == [
        "None",
        "no connection to the simulator: HTTP 503: too many connections: 1 is the limit",
    ]


async def test_a_wrong_key() -> None:
    async with open_simulator(port=0) as simulator:
        with pytest.raises(ExceptionGroup) as caught:
            await _place_calls(order(simulator, api_key="wrong-key"), TWO, 50.0)
    assert sentence(caught).startswith("the simulator at 127.0.0.1:")
    assert "another key" in sentence(caught)
    assert "wrong-key" not in sentence(caught)


async def test_a_server_that_is_no_simulator() -> None:
    async def refuse(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        await stream.aclose()

    async with open_simulator() as simulator, trio.open_nursery() as nursery:
        serve = functools.partial(trio.serve_tcp, host="127.0.0.1")
        (listener,) = await nursery.start(serve, refuse, 0)
        url = f"ws://127.0.0.1:{listener.socket.getsockname()[1]}"
        with pytest.raises(ExceptionGroup) as caught:
            await dial_call(order(simulator, url=url))
        nursery.cancel_scope.cancel()
    assert "is no simulator that can be dialed into (HTTP 404)" in sentence(caught)


def free_port() -> int:
    async def find_one() -> int:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port: int = listener.socket.getsockname()[1]
        await listener.aclose()
        return port

    return trio.run(find_one)


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 1) -> str:
    assert cli.main(["dial", *arguments]) == status
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err.splitlines()[-1]


def test_nobody_at_the_port(capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    line = refusal(capsys, "--url", f"ws://127.0.0.1:{port}")
    assert line.startswith(f"trio-calls dial: no connection to 127.0.0.1:{port} (")
    assert "is `trio-calls simulator` running there?" in line


def test_an_unreachable_host(capsys: pytest.CaptureFixture[str]) -> None:
    line = refusal(capsys, "--url", "ws://nowhere.invalid")
    assert line.startswith("trio-calls dial: no connection to nowhere.invalid:80 (")


@pytest.mark.parametrize("option", ["--say", "--callee-say"])
def test_an_unreadable_wav(option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.wav").write_text("this is no WAV file")
    line = refusal(capsys, option, str(tmp_path / "text.wav"))
    assert line.startswith("trio-calls dial: ")
    assert "text.wav is not a WAV file: it begins with b'this is no W'" in line
    line = refusal(capsys, option, str(tmp_path / "missing.wav"))
    assert "missing.wav: No such file or directory" in line
    write_wav(tmp_path / "empty.wav", b"", 8000)
    assert "empty.wav holds no audio" in refusal(capsys, option, str(tmp_path / "empty.wav"))


def test_a_recording_into_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = refusal(capsys, "--record", str(tmp_path / "nowhere" / "heard.wav"))
    assert "there is no folder" in line


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--callee", "answers:soon"),
        ("--callee", "never:3"),
        ("--rate", "0/s"),
        ("--rate", "5/h"),
        ("--hang-up-after", "nan"),
        ("--ring-for", "-1"),
        ("--ring-for", "long"),
        ("--from", ""),
        ("--to", "1\n2"),
        ("--url", "localhost:8080"),
        ("--calls", "0"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refusal(capsys, f"{option}={value}", status=2)
    assert option in line


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("simulator", "run", "dial", "check", "demo"):
        assert cli.main([command, "--help"]) == 0
        assert f"\n    trio-calls {command}" in capsys.readouterr().out
