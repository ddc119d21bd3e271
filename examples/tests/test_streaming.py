"""An agent that hears and speaks with services that stream."""

from collections.abc import Iterator

import pytest
import trio

from examples.recipes import streaming
from examples.tests.speech_services import SpeechServices, spoken
from trio_calls import CallState
from trio_calls.simulator import SimulatedCall, Simulator
from trio_calls.testing import WavLoader, heard, hears, never_heard, run_agent

GREETING = spoken("How can I help you?")
FIRST, SECOND = spoken("You said: 1 sentences"), spoken("You said: 2 sentences")


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[SpeechServices]:
    services = SpeechServices()
    monkeypatch.setattr(streaming, "connect", services.connect)
    yield services
    assert services.connections == 0


async def listen(call: SimulatedCall) -> None:
    """Listen until the agent has spoken."""
    await call.caller.wait_sound()
    await call.caller.wait_silence(0.5)


async def test_it_says_what_it_has_understood(
    simulator: Simulator, wav: WavLoader, services: SpeechServices
) -> None:
    async with run_agent(streaming.handle_call, simulator):
        call = simulator.place_call()
        await listen(call)
        await call.caller.say(wav("caller_request.wav"))
        await listen(call)
        await call.caller.say(wav("caller_thanks.wav"))
        await listen(call)
        call.caller.hang_up()
    for answer in (GREETING, FIRST, SECOND):
        await hears(call.caller, answer)
    said = (wav("caller_request.wav"), wav("caller_thanks.wav"))
    # With 0.3 s before each, and the pause of 0.7 s that ends it.
    assert services.recognized == [pytest.approx(len(pcm) / 48_000 + 1, abs=0.2) for pcm in said]


async def test_who_interrupts_hears_no_rest_of_it(
    simulator: Simulator, wav: WavLoader, services: SpeechServices
) -> None:
    async with run_agent(streaming.handle_call, simulator):
        call = simulator.place_call()
        await listen(call)
        await call.caller.say(wav("caller_request.wav"))
        await call.caller.wait_sound()
        await trio.sleep(1)
        await call.caller.say(wav("caller_thanks.wav"))
        await listen(call)
        call.caller.hang_up()
    heard(call.caller, FIRST[:48_000])
    heard(call.caller, SECOND)
    never_heard(call.caller, FIRST[-24_000:])


async def test_a_service_that_dies_is_excused(
    simulator: Simulator, wav: WavLoader, services: SpeechServices
) -> None:
    services.dies_after_seconds = 4
    async with run_agent(streaming.handle_call, simulator):
        call = simulator.place_call()
        await call.wait_ended()
    heard(call.caller, wav("not_available.wav"))
    assert call.agent_states[-1] is CallState.DISCONNECTED


async def test_so_is_one_that_never_says_what_it_heard(
    simulator: Simulator, wav: WavLoader, services: SpeechServices
) -> None:
    services.final_after_seconds = 60
    async with run_agent(streaming.handle_call, simulator):
        call = simulator.place_call()
        await listen(call)
        await call.caller.say(wav("caller_request.wav"))
        await call.wait_ended()
    heard(call.caller, wav("not_available.wav"))


@pytest.mark.parametrize("seconds", [0.05, 4.1])
async def test_a_hangup_closes_both_connections(
    simulator: Simulator, wav: WavLoader, services: SpeechServices, seconds: float
) -> None:
    async with run_agent(streaming.handle_call, simulator) as client:
        call: SimulatedCall = simulator.place_call()
        await call.caller.wait_talking()
        call.caller.say_nowait(wav("caller_request.wav"))
        await trio.sleep(seconds)
        call.caller.hang_up()
        await trio.sleep(1.5)
        assert client.calls == ()
        assert services.connections == 0
