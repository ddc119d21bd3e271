"""Every command in every state: what the exchange does, and what it refuses."""

from __future__ import annotations

import json

import pytest
import trio
from trio.testing import MockClock

from tests.support.peers.sdk import RawMedia, RawSdk, open_pair, phone_states
from trio_calls.simulator import (
    PhoneState,
    SimulatedCall,
    Simulator,
    answers,
    declines,
    never_answers,
)
from trio_calls.simulator.phones.jitter_buffer import JITTER_FRAMES
from trio_calls.state import AgentMode, CallState, Command
from trio_calls.wire.commands import CallEvent, CommandResponse
from trio_calls.wire.first.media import BufferRequest

IN_CONFERENCE = {Command.BARGE, Command.WHISPER, Command.SPY}
ENDING = {Command.CLOSE, Command.DISCONNECT}

#: What a call may be doing, and which commands the exchange then does.
SITUATIONS = {
    "PENDING": {Command.ANSWER, Command.CONNECT} | ENDING,
    "PENDING, ringing": {Command.ANSWER} | ENDING,
    "ANSWERED": {Command.CONNECT, Command.INTERRUPT} | ENDING,
    "ANSWERED, ringing": {Command.INTERRUPT} | ENDING,
    "CONNECTED": {Command.INTERRUPT} | IN_CONFERENCE | ENDING,
    "CONNECTED, being left": set(),
}


async def bring_about(
    situation: str, simulator: Simulator, sdk: RawSdk
) -> tuple[SimulatedCall, RawMedia]:
    pickup = answers(after_seconds=5)
    call = simulator.place_call(pickup=pickup)
    media = await sdk.take_call(call)
    if situation.startswith("ANSWERED"):
        await media.succeed("call.answer")
    if situation.endswith("ringing"):
        media.start("call.connect", 60)
        await trio.sleep(0.01)
        assert phone_states(call)[1] is PhoneState.RINGING
    if situation.startswith("CONNECTED"):
        await media.succeed("call.connect", 60)
    if situation.endswith("being left"):
        media.say(b"\1\0" * 480)
        await trio.sleep(0.001)
        media.start("call.close")
    return call, media


@pytest.mark.parametrize("command", Command)
@pytest.mark.parametrize("situation", SITUATIONS)
async def test_what_is_possible_when(
    situation: str, command: Command, autojump_clock: MockClock
) -> None:
    async with open_pair() as (simulator, sdk):
        call, media = await bring_about(situation, simulator, sdk)
        states, mode = call.agent_states, call.agent_mode
        response = await media.do(command.value, 60 if command is Command.CONNECT else None)
        assert response.success == (command in SITUATIONS[situation]), response
        if not response.success:
            assert response.error_code == "INVALID_STATE"
            assert situation in (response.error_message or "")
            assert (call.agent_states, call.agent_mode) == (states, mode)
            assert not media.closed.is_set()
        assert simulator.violations == []


async def test_an_unknown_command_is_refused(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call, media = await bring_about("PENDING", simulator, sdk)
        assert await media.fail("call.fly") == "INVALID_COMMAND"
        assert await media.fail("call.connect") == "INVALID_COMMAND"
        assert call.agent_states == [CallState.PENDING]
        await media.succeed("call.answer")


@pytest.mark.parametrize(
    "damage",
    [
        {"timeout_ms": "soon"},
        {"timeout_ms": None},
        {"command": 7},
        {"command": None},
        {"command": "x" * 513},
        {"data": {"ringTimeSeconds": 600}},
        {"data": {}},
        {"data": "60"},
    ],
)
async def test_a_malformed_command_with_an_id_is_refused(
    damage: dict[str, object], autojump_clock: MockClock
) -> None:
    async with open_pair() as (simulator, sdk):
        call, media = await bring_about("PENDING", simulator, sdk)
        command = {"command_id": "the-id", "command": "call.connect", "timeout_ms": 1000, **damage}
        media.send_raw(json.dumps({"type": "command", "data": command}))
        response = await media.response("the-id")
        assert (response.success, response.error_code) == (False, "INVALID_REQUEST")
        assert response.error_message
        assert response.error_message.startswith("command: $")
        assert len(simulator.violations) == 1
        assert call.agent_states == [CallState.PENDING]
        await media.succeed("call.answer")


@pytest.mark.parametrize("command_id", [None, 7, ["x"], "x" * 513])
async def test_a_malformed_command_without_an_id_is_not_answered(
    command_id: object, autojump_clock: MockClock
) -> None:
    async with open_pair() as (simulator, sdk):
        _, media = await bring_about("PENDING", simulator, sdk)
        media.send_raw(json.dumps({"type": "command", "data": {"command_id": command_id}}))
        await media.succeed("call.answer")
        assert len(simulator.violations) == 1
        assert len(media.order) == 1


async def test_answering_connects_the_caller(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call, media = await bring_about("PENDING", simulator, sdk)
        assert phone_states(call) == (PhoneState.CALLING, PhoneState.IDLE)
        await media.succeed("call.answer")
        await call.caller.wait_talking()
        assert phone_states(call) == (PhoneState.TALKING, PhoneState.IDLE)
        assert call.agent_states == [CallState.PENDING, CallState.ANSWERED]
        assert call.agent_mode is None


@pytest.mark.parametrize("answer_first", [True, False])
async def test_connecting_takes_as_long_as_the_callee_does(
    answer_first: bool, autojump_clock: MockClock
) -> None:
    async with open_pair() as (simulator, sdk):
        call = simulator.place_call(pickup=answers(after_seconds=3))
        media = await sdk.take_call(call)
        if answer_first:
            await media.succeed("call.answer")
        started = trio.current_time()
        await media.succeed("call.connect", 60)
        assert trio.current_time() - started == pytest.approx(3)
        assert phone_states(call) == (PhoneState.TALKING, PhoneState.TALKING)
        assert call.agent_states[-1] is CallState.CONNECTED
        assert len(call.agent_states) == 2 + answer_first
        assert call.agent_mode is AgentMode.BARGE


@pytest.mark.parametrize(("answer_first", "ring_seconds"), [(False, 60), (False, 120), (True, 5)])
async def test_a_callee_who_does_not_pick_up(
    answer_first: bool, ring_seconds: float, autojump_clock: MockClock
) -> None:
    async with open_pair() as (simulator, sdk):
        call = simulator.place_call(pickup=never_answers())
        media = await sdk.take_call(call)
        if answer_first:
            await media.succeed("call.answer")
        states = call.agent_states
        started = trio.current_time()
        assert await media.fail("call.connect", ring_seconds) == "CALL_UNANSWERED"
        assert trio.current_time() - started == pytest.approx(ring_seconds)
        assert call.agent_states == states
        assert phone_states(call)[1] is PhoneState.IDLE
        assert await media.fail("call.connect", 1) == "CALL_UNANSWERED"
        await media.succeed("agent.interrupt" if answer_first else "call.answer")


async def test_a_callee_who_declines(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call = simulator.place_call(pickup=declines(after_seconds=1))
        media = await sdk.take_call(call)
        started = trio.current_time()
        assert await media.fail("call.connect", 60) == "CALL_DECLINED"
        assert trio.current_time() - started == pytest.approx(1)
        assert phone_states(call)[1] is PhoneState.IDLE
        assert call.agent_states == [CallState.PENDING]


async def test_a_callee_who_hangs_up_the_ringing_phone_declines(
    autojump_clock: MockClock,
) -> None:
    async with open_pair() as (simulator, sdk):
        call, media = await bring_about("PENDING", simulator, sdk)
        command_id = media.start("call.connect", 60)
        await trio.sleep(1)
        call.callee.hang_up()
        response = await media.response(command_id)
        assert response.error_code == "CALL_DECLINED"
        assert phone_states(call)[1] is PhoneState.IDLE
        await trio.sleep(10)
        assert call.agent_states == [CallState.PENDING]


async def test_declining_at_the_moment_of_picking_up(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        for _ in range(20):
            call = simulator.place_call(pickup=answers(after_seconds=1))
            media = await sdk.take_call(call)
            command_id = media.start("call.connect", 60)
            await trio.sleep_until(round(trio.current_time()) + 1)
            call.callee.hang_up()
            response = await media.response(command_id)
            assert response.success or response.error_code == "CALL_DECLINED"
            assert call.ended == response.success
            call.caller.hang_up()


async def test_an_idle_callee_has_nothing_to_hang_up(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call, media = await bring_about("ANSWERED", simulator, sdk)
        call.callee.hang_up()
        assert phone_states(call)[1] is PhoneState.IDLE
        await media.succeed("call.connect", 60)


async def test_answering_does_not_stop_the_ringing_of_the_callee(
    autojump_clock: MockClock,
) -> None:
    async with open_pair() as (simulator, sdk):
        call, media = await bring_about("PENDING, ringing", simulator, sdk)
        await media.succeed("call.answer")
        await call.callee.wait_talking()
        assert call.agent_states == [CallState.PENDING, CallState.ANSWERED, CallState.CONNECTED]


@pytest.mark.parametrize("command", ["call.close", "call.disconnect"])
@pytest.mark.parametrize("answer_first", [True, False])
async def test_leaving_overtakes_a_ringing_connect(
    command: str, answer_first: bool, autojump_clock: MockClock
) -> None:
    async with open_pair() as (simulator, sdk):
        call = simulator.place_call(pickup=answers(after_seconds=5))
        media = await sdk.take_call(call)
        if answer_first:
            await media.succeed("call.answer")
        connecting = media.start("call.connect", 60)
        await trio.sleep(1)
        started = trio.current_time()
        leaving = media.start(command)
        assert (await media.response(leaving)).success
        assert (await media.response(connecting)).error_code == "CALL_CLOSED"
        assert media.order[-2:] == [connecting, leaving]
        assert trio.current_time() == started
        await call.wait_ended()
        await trio.sleep(10)
        assert phone_states(call)[1] is PhoneState.HUNG_UP
        assert CallState.CONNECTED not in call.agent_states


async def test_each_mode(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call, media = await bring_about("CONNECTED", simulator, sdk)
        for command, mode in (
            ("agent.whisper", AgentMode.WHISPER),
            ("agent.spy", AgentMode.SPY),
            ("agent.spy", AgentMode.SPY),
            ("agent.barge", AgentMode.BARGE),
        ):
            await media.succeed(command)
            assert call.agent_mode is mode
        assert call.agent_states == [CallState.PENDING, CallState.CONNECTED]


async def test_interrupting_drops_what_was_not_played(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call, media = await bring_about("ANSWERED", simulator, sdk)
        media.say(b"\1\0" * 480 * JITTER_FRAMES)
        await trio.sleep(0.03)
        await media.succeed("agent.interrupt")
        await trio.sleep(0.2)
        asked_for = sum(request.requested_bytes for request in media.requests)
        assert asked_for == 2 * JITTER_FRAMES * 960
        assert len(call.agent_said.strip(b"\0")) == 959
        assert simulator.violations == []


@pytest.mark.parametrize(
    ("frame", "fault"),
    [
        ("nonsense", "a malformed frame: a frame must be JSON"),
        ('{"type":"command","data":{"command":"call.answer"}}', "malformed"),
        (CallEvent("call.terminated"), "call_event is for the exchange to send"),
        (CommandResponse("x", success=True), "command_response is for the exchange to send"),
        (BufferRequest(960), "buffer_request is for the exchange to send"),
        (b"", "unusable audio"),
        (b"\0\1", "unusable audio"),
        (b"\1\1\1", "unusable audio"),
        (b"\0" + bytes(2 * 960 * JITTER_FRAMES), "unusable audio"),
    ],
)
@pytest.mark.parametrize("situation", ["PENDING", "ANSWERED", "CONNECTED"])
async def test_nonsense_is_a_violation_and_no_more(
    situation: str,
    frame: object,
    fault: str,
    autojump_clock: MockClock,
) -> None:
    async with open_pair() as (simulator, sdk):
        call, media = await bring_about(situation, simulator, sdk)
        media.send_message(frame)
        await trio.sleep(0.1)
        (violation,) = simulator.violations
        assert fault in violation.fault
        assert violation.connection == f"media connection of call {call.call_id}"
        assert not call.agent_said.strip(b"\0")
        await media.succeed("call.disconnect")


async def test_audio_before_it_is_asked_for_is_a_violation(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call, media = await bring_about("PENDING", simulator, sdk)
        media.send_message(bytes(3))
        await media.succeed("call.answer")
        assert len(simulator.violations) == 1
        assert call.agent_said == b""


async def test_what_is_unknown_is_ignored(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        _, media = await bring_about("PENDING", simulator, sdk)
        media.send_message(json.dumps({"type": "news", "data": {}}))
        await media.succeed("call.answer")
        assert simulator.violations == []
