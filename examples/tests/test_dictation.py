"""Write down what is said, while it is said."""

import pytest
import trio

from examples import dictation
from examples.offline.recognizing import StreamRecognizer
from trio_calls import CallState
from trio_calls.simulator import SimulatedCall, Simulator
from trio_calls.testing import WavLoader, run_agent

WRITTEN = "> i need it tomorrow morning"
FEW = 3


async def stay_and_hang_up(call: SimulatedCall) -> None:
    await trio.sleep(2)
    call.caller.hang_up()
    await call.wait_ended()


async def test_it_writes_while_the_caller_speaks(
    simulator: Simulator, wav: WavLoader, capsys: pytest.CaptureFixture[str]
) -> None:
    async with run_agent(dictation.handle_call, simulator):
        call = simulator.place_call()
        await call.caller.wait_talking()
        await call.caller.say(wav("tomorrow_morning.wav"))
        while_speaking = capsys.readouterr().out.splitlines()
        await stay_and_hang_up(call)
    afterwards = capsys.readouterr().out.splitlines()

    assert len(while_speaking) > FEW
    assert all(line.startswith("  ") and line.endswith(" ...") for line in while_speaking)
    assert len(set(while_speaking)) == len(while_speaking)
    assert any("need it" in line for line in while_speaking)
    assert afterwards[-1] == WRITTEN


async def test_the_second_caller_hears_it_ring(
    simulator: Simulator, wav: WavLoader, capsys: pytest.CaptureFixture[str]
) -> None:
    async with run_agent(dictation.handle_call, simulator):
        first, second = simulator.place_call(), simulator.place_call()
        await first.caller.wait_talking()
        await first.caller.say(wav("tomorrow_morning.wav"))
        assert second.agent_states == [CallState.PENDING]
        await stay_and_hang_up(first)
        await second.caller.wait_talking()
        await second.caller.say(wav("tomorrow_morning.wav"))
        await stay_and_hang_up(second)
    finals = [line for line in capsys.readouterr().out.splitlines() if line.startswith(">")]
    assert finals == [WRITTEN, WRITTEN]


async def test_a_slow_recognizer_loses_one_utterance(
    simulator: Simulator,
    wav: WavLoader,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    feed = StreamRecognizer.feed
    is_slow = True

    async def feed_slowly(self: StreamRecognizer, pcm: bytes) -> str:
        if is_slow:
            await trio.sleep(20)
        return await feed(self, pcm)

    monkeypatch.setattr(StreamRecognizer, "feed", feed_slowly)
    async with run_agent(dictation.handle_call, simulator):
        call = simulator.place_call()
        await call.caller.wait_talking()
        # Without a pause, so that it is one utterance.
        await call.caller.say(b"".join([wav("tomorrow_morning.wav")[4800:-4800]] * 9))
        await trio.sleep(10)
        is_slow = False
        await call.caller.say(wav("tomorrow_morning.wav"))
        await stay_and_hang_up(call)
    too_slow, *_, last = capsys.readouterr().out.splitlines()
    assert too_slow.startswith("! 10 s of speech waited")
    assert last == WRITTEN
