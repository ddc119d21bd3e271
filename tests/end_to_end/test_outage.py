"""The exchange takes no control connections for some seconds: people talk on, and callers wait."""

from collections import Counter

import attrs
import pytest
import trio

from tests.support.phone_calls import speech
from trio_calls import ActiveCall, CallState, events, open_call_client
from trio_calls.config import ClientConfig, StreamOpener, WireName
from trio_calls.simulator import Simulator, answers, cut_control, open_simulator

OUTAGE_SECONDS = 3
WORDS_SECONDS = 6
#: What is said from a second before the outage until well after it.
WORDS = {name: speech(seed, WORDS_SECONDS) for seed, name in enumerate(("caller", "agent"), 1)}


class Network:
    """What lies between a client and the exchange. While it is down nothing new gets through."""

    def __init__(self, simulator: Simulator) -> None:
        self.is_down = False
        self.refusals = 0
        assert simulator.config.open_stream is not None
        self._open_stream: StreamOpener = simulator.config.open_stream
        self._simulator = simulator

    @property
    def config(self) -> ClientConfig:
        return attrs.evolve(self._simulator.config, open_stream=self._open)

    async def fail(self) -> None:
        """Lose the control connections, and let nobody through for some seconds."""
        self.is_down = True
        self._simulator.inject(cut_control())
        await trio.sleep(OUTAGE_SECONDS)
        self.is_down = False

    async def _open(self, host: str, port: int) -> trio.abc.Stream:
        if self.is_down:
            self.refusals += 1
            raise ConnectionRefusedError("the network is down")
        return await self._open_stream(host, port)


@attrs.define
class Heard:
    """What each party has heard, from the first byte to the last."""

    caller: bytes
    callee: bytes
    agent: bytes


async def talk(wire: WireName, state: CallState, *, with_outage: bool) -> Heard:
    """Caller and agent talk at the same time, for longer than an outage takes."""
    agent_heard = bytearray()
    talking = trio.Event()

    async def handle(call: ActiveCall) -> None:
        await (call.answer() if state is CallState.ANSWERED else call.connect())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call.send_audio, WORDS["agent"])
            talking.set()
            async for chunk in call.audio_stream():
                agent_heard.extend(chunk)

    async with open_simulator(wire=wire) as simulator:
        network = Network(simulator)
        async with open_call_client(network.config) as client, trio.open_nursery() as nursery:
            client.on(events.INCOMING_CALL)(handle)
            call = simulator.place_call(pickup=answers(after_seconds=1))
            await talking.wait()
            nursery.start_soon(call.caller.say, WORDS["caller"])
            await trio.sleep(1)
            if with_outage:
                nursery.start_soon(network.fail)
            await trio.sleep(WORDS_SECONDS + 0.5)
            assert call.agent_states[-1] is state
            call.caller.hang_up()
            await call.wait_ended()
    assert (network.refusals > 0) == with_outage
    assert simulator.violations == []
    return Heard(call.caller.heard, call.callee.heard, bytes(agent_heard))


@pytest.mark.parametrize("state", [CallState.ANSWERED, CallState.CONNECTED])
async def test_a_talk_loses_not_one_frame_in_either_direction(
    wire: WireName, state: CallState
) -> None:
    heard = await talk(wire, state, with_outage=True)
    assert WORDS["agent"] in heard.caller
    assert WORDS["caller"] in heard.agent
    # The callee hears the sum of both, so it takes a talk without an outage to tell.
    assert bool(heard.callee) == (state is CallState.CONNECTED)
    assert heard == await talk(wire, state, with_outage=False)


async def test_calls_that_come_meanwhile_are_each_taken_up_once(simulator: Simulator) -> None:
    network = Network(simulator)
    handled: Counter[str] = Counter()

    async def handle(call: ActiveCall) -> None:
        handled[call.call_id] += 1
        await call.answer()
        await call.wait_disconnected()

    async with open_call_client(network.config) as client, trio.open_nursery() as nursery:
        client.on(events.INCOMING_CALL)(handle)
        before = [simulator.place_call() for _ in range(5)]
        for call in before:
            await call.caller.wait_talking()
        nursery.start_soon(network.fail)
        meanwhile = []
        for _ in range(5):
            await trio.sleep(OUTAGE_SECONDS / 7)
            meanwhile.append(simulator.place_call())
        assert handled.total() == len(before)
        for call in meanwhile:
            await call.caller.wait_talking()
        await trio.sleep(2)
        for call in (*before, *meanwhile):
            call.caller.hang_up()
            await call.wait_ended()
    assert handled == Counter(call.call_id for call in (*before, *meanwhile))
    assert network.refusals > 0
    assert simulator.violations == []
