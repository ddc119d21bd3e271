"""Two processes and a call that goes from one to the other: who hears whom, and who dies when."""

from __future__ import annotations

import math
from contextlib import AsyncExitStack

import attrs
import pytest
import trio
import trio.testing

from tests.support.phone_calls import A, C, D, P, speech
from tests.support.transports import on_one_transport
from tests.support.wires import on_the_first_wire
from trio_calls import (
    ActiveCall,
    AudioFormat,
    AudioMode,
    EndCause,
    WSSCallClosedError,
    WSSCallCommandError,
    events,
    open_call_client,
    serve_calls,
)
from trio_calls.audio import noise
from trio_calls.config import WireName
from trio_calls.errors import WSSConfigError
from trio_calls.sessions import serve_handed_over
from trio_calls.simulator import (
    PhoneState,
    SimulatedCall,
    Simulator,
    answers,
    cut_media,
    duplicate_offer,
    never_answers,
    open_simulator,
)

pytestmark = on_one_transport

GREETING, QUESTION = speech(1), speech(2)


class Desk:
    """The process that takes calls: each goes on as text, as over a network.

    Attributes:
      calls: what it has handed over.
    """

    def __init__(self) -> None:
        self.calls: list[ActiveCall] = []
        self._sent, self.documents = trio.open_memory_channel[str](math.inf)

    async def __call__(self, call: ActiveCall) -> None:
        self.calls.append(call)
        handed_over = await call.hand_over("a worker")
        self._sent.send_nowait(handed_over.to_json())


class Talker:
    """The process that talks.

    Attributes:
      heard: what it has heard.
      calls: the calls that came, in order.
    """

    def __init__(self) -> None:
        self.heard = bytearray()
        self.calls: list[ActiveCall] = []

    async def __call__(self, call: ActiveCall) -> None:
        self.calls.append(call)
        await call.answer()
        await call.send_audio(GREETING)
        async for chunk in call.audio_stream():
            self.heard += chunk


async def talk(call: SimulatedCall) -> None:
    await call.caller.wait_talking()
    await trio.sleep(1.2)
    await call.caller.say(QUESTION)
    await trio.sleep(0.2)


async def test_the_caller_talks_with_the_second_process(simulator: Simulator) -> None:
    desk, talker = Desk(), Talker()
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_handed_over, desk.documents, talker, simulator.config)
        client = await nursery.start(serve_calls, desk, simulator.config)
        call = simulator.place_call()
        await talk(call)
        assert client.calls == ()
        call.caller.hang_up()
        await call.wait_ended()
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert GREETING in call.caller.heard
    assert QUESTION in talker.heard
    assert call.agent_states == [P, A, D]
    (here,), (there,) = desk.calls, talker.calls
    assert str(here.ending) == "it was handed over (to a worker)"
    assert there.ending is not None
    assert there.ending.cause is EndCause.CALLER
    assert here.call_id == there.call_id
    assert simulator.violations == []


async def test_a_client_adopts_calls_beside_its_own(simulator: Simulator) -> None:
    desk, talker = Desk(), Talker()
    async with trio.open_nursery() as nursery, open_call_client(simulator.config) as other:
        await nursery.start(serve_calls, desk, simulator.config)
        call = simulator.place_call()
        document = await desk.documents.receive()
        other.on(events.INCOMING_CALL)(talker)
        nursery.start_soon(other.adopt, document)
        await talk(call)
        assert other.calls == tuple(talker.calls)
        call.caller.hang_up()
        await call.wait_ended()
        nursery.cancel_scope.cancel()
    assert GREETING in call.caller.heard
    assert QUESTION in talker.heard


async def test_the_second_process_may_connect_and_leave(simulator: Simulator) -> None:
    desk = Desk()

    async def put_through(call: ActiveCall) -> None:
        await call.connect()
        await call.close()

    async with trio.open_nursery() as nursery:
        await nursery.start(serve_handed_over, desk.documents, put_through, simulator.config)
        await nursery.start(serve_calls, desk, simulator.config)
        call = simulator.place_call(pickup=answers(after_seconds=1))
        await call.wait_agent_left()
        await call.caller.say(QUESTION)
        await trio.sleep(0.1)
        call.caller.hang_up()
        await call.wait_ended()
        nursery.cancel_scope.cancel()
    assert call.agent_states == [P, C, D]
    assert QUESTION in call.callee.heard


async def test_the_audio_is_as_the_first_process_has_asked_for_it(
    no_task_left: None, wire: WireName
) -> None:
    desk, talker = Desk(), Talker()
    async with (
        open_simulator(sample_rate=8000, wire=wire) as simulator,
        trio.open_nursery() as nursery,
    ):
        first = attrs.evolve(simulator.config, audio_mode=AudioMode.ISOLATED)
        second = attrs.evolve(simulator.config, sample_rate=24000)
        await nursery.start(serve_handed_over, desk.documents, talker, second)
        await nursery.start(serve_calls, desk, first)
        call = simulator.place_call()
        await call.caller.wait_talking()
        voice = noise(0.5, 8000, seed=3)
        await call.caller.say(voice)
        await trio.sleep(0.2)
        call.caller.hang_up()
        await call.wait_ended()
        nursery.cancel_scope.cancel()
    assert talker.calls[0].audio_format == AudioFormat(8000, AudioMode.ISOLATED)
    assert voice in talker.heard


@on_the_first_wire  # on the second its claim stands
async def test_a_first_that_leaves_too_early_has_it_offered_again(
    simulator: Simulator,
) -> None:
    desk, third = Desk(), Talker()
    endings = []

    async def answer_too_late(call: ActiveCall) -> None:
        with pytest.raises(WSSCallClosedError):
            await call.answer()
        endings.append(call.ending)

    async with trio.open_nursery() as nursery:
        async with open_call_client(simulator.config) as first:
            first.on(events.INCOMING_CALL)(desk)
            call = simulator.place_call()
            document = await desk.documents.receive()
        await nursery.start(serve_calls, third, simulator.config)
        await call.caller.wait_talking()
        async with open_call_client(simulator.config) as second:
            await second.adopt(document, answer_too_late)
        await talk(call)
        call.caller.hang_up()
        await call.wait_ended()
        nursery.cancel_scope.cancel()
    (ending,) = endings
    assert ending is not None
    assert ending.cause is EndCause.LOST
    assert "HTTP 401" in ending.detail
    assert GREETING in call.caller.heard
    assert call.agent_states == [P, A, D]


async def test_a_first_that_leaves_afterwards_is_not_missed(simulator: Simulator) -> None:
    desk, talker = Desk(), Talker()
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_handed_over, desk.documents, talker, simulator.config)
        async with open_call_client(simulator.config) as first:
            first.on(events.INCOMING_CALL)(desk)
            call = simulator.place_call()
            await call.caller.wait_talking()
            await first.drain()
        await talk(call)
        call.caller.hang_up()
        await call.wait_ended()
        nursery.cancel_scope.cancel()
    assert QUESTION in talker.heard
    assert call.agent_states == [P, A, D]


async def test_what_the_second_loses_is_handed_over_anew(
    simulator: Simulator,
) -> None:
    desk, talker = Desk(), Talker()
    attempts: list[ActiveCall] = []

    async def ring_out_first(call: ActiveCall) -> None:
        attempts.append(call)
        if len(attempts) == 1:
            await call.connect()
        await talker(call)

    async with trio.open_nursery() as nursery:
        await nursery.start(serve_handed_over, desk.documents, ring_out_first, simulator.config)
        await nursery.start(serve_calls, desk, simulator.config)
        call = simulator.place_call(pickup=never_answers())
        await trio.sleep(1)
        assert call.callee.state is PhoneState.RINGING
        simulator.inject(cut_media(), call=call)
        await talk(call)
        call.caller.hang_up()
        await call.wait_ended()
        nursery.cancel_scope.cancel()
    assert len(desk.calls) == len(attempts) == 2
    assert GREETING in call.caller.heard


async def test_a_caller_who_gives_up_meanwhile_is_nobodys_failure(simulator: Simulator) -> None:
    desk, talker = Desk(), Talker()
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, desk, simulator.config)
        call = simulator.place_call()
        document = await desk.documents.receive()
        call.caller.hang_up()
        await call.wait_ended()
        async with open_call_client(simulator.config) as second:
            await second.adopt(document, talker)
        nursery.cancel_scope.cancel()
    (late,) = talker.calls
    assert late.ending is not None
    assert "HTTP 404" in late.ending.detail


async def test_an_offer_that_is_repeated_costs_nobody_the_call(simulator: Simulator) -> None:
    desk, talker = Desk(), Talker()
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, desk, simulator.config)
        call = simulator.place_call()
        await trio.testing.wait_all_tasks_blocked()
        simulator.inject(duplicate_offer(), call=call)
        await trio.testing.wait_all_tasks_blocked()
        await nursery.start(serve_handed_over, desk.documents, talker, simulator.config)
        await talk(call)
        call.caller.hang_up()
        await call.wait_ended()
        nursery.cancel_scope.cancel()
    assert call.agent_states == [P, A, D]
    assert QUESTION in talker.heard


async def test_what_cannot_be_sent_is_taken_back(simulator: Simulator) -> None:
    talker = Talker()

    async def fail_to_send(call: ActiveCall) -> None:
        handed_over = await call.hand_over("a worker")
        # The queue is down.
        nursery.start_soon(client.adopt, handed_over, talker)

    async with (
        open_call_client(attrs.evolve(simulator.config, after_call_seconds=1)) as client,
        trio.open_nursery() as nursery,
    ):
        client.on(events.INCOMING_CALL)(fail_to_send)
        call = simulator.place_call()
        # This takes longer than a handler may after its call has ended.
        await talk(call)
        assert not call.ended
        call.caller.hang_up()
        await call.wait_ended()
    assert GREETING in call.caller.heard
    assert QUESTION in talker.heard


async def hold_twice(simulator: Simulator) -> tuple[SimulatedCall, list[ActiveCall]]:
    """Let two processes answer a call with the same document, one after the other.

    Returns when the caller has hung up: the call, and the two as the processes saw it.
    """
    desk = Desk()
    calls: list[ActiveCall] = []

    async def answer(call: ActiveCall) -> None:
        calls.append(call)
        await call.answer()
        await call.wait_disconnected()

    async def answer_what_is_answered(call: ActiveCall) -> None:
        calls.append(call)
        with pytest.raises((WSSCallClosedError, WSSCallCommandError)):
            await call.answer()
        await call.wait_disconnected()

    async with AsyncExitStack() as stack:
        nursery = await stack.enter_async_context(trio.open_nursery())
        await nursery.start(serve_calls, desk, simulator.config)
        one, other = [
            await stack.enter_async_context(open_call_client(simulator.config)) for _ in range(2)
        ]
        call = simulator.place_call()
        document = await desk.documents.receive()
        nursery.start_soon(one.adopt, document, answer)
        await call.caller.wait_talking()
        nursery.start_soon(other.adopt, document, answer_what_is_answered)
        await trio.sleep(1)
        call.caller.hang_up()
        await call.wait_ended()
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    return call, calls


async def test_of_two_that_open_it_the_second_is_refused(simulator: Simulator) -> None:
    call, (first, second) = await hold_twice(simulator)
    assert first.ending is not None
    assert second.ending is not None
    assert first.ending.cause is EndCause.CALLER
    assert second.ending.cause is EndCause.LOST
    assert "HTTP 409" in second.ending.detail
    assert call.agent_states == [P, A, D]


async def test_or_replaces_the_first_if_the_exchange_is_like_that(
    no_task_left: None, wire: WireName
) -> None:
    async with open_simulator(second_media_connection="replace", wire=wire) as simulator:
        call, (first, second) = await hold_twice(simulator)
        assert simulator.violations == []
    assert first.ending is not None
    assert second.ending is not None
    assert first.ending.cause is EndCause.LOST
    assert second.ending.cause is EndCause.CALLER
    assert call.agent_states == [P, A, D]


async def test_an_exchange_is_like_the_one_or_the_other() -> None:
    with pytest.raises(WSSConfigError, match="second_media_connection must be refuse or replace"):
        async with open_simulator(second_media_connection="both"):  # type: ignore[arg-type]
            pytest.fail("it was opened")
