"""What an SDK must not do on the second wire, and what comes of it."""

from __future__ import annotations

import json

import pytest
import trio
from trio.testing import MockClock

from tests.support.peers.second_sdk import SecondControlEnd, open_second_sdk
from trio_calls.simulator import open_simulator
from trio_calls.wire.codec import encode
from trio_calls.wire.commands import CallEvent, CommandResponse
from trio_calls.wire.message import Message
from trio_calls.wire.responses import Response, SetupDone
from trio_calls.wire.second.audio_frame import END_OF_TURN, pack_frame, pack_silence
from trio_calls.wire.second.control import CallNotify, MessageIn, Setup
from trio_calls.wire.second.media import Config, Flow

PCM = b"\1\0" * 480


def flagged(flags: int, payload: bytes = b"") -> bytes:
    return bytes((0, flags, 0, 0, 0, 0, 0, 0)) + payload


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (Setup(24000, "mixed", 2), "a second setup"),
        (SetupDone("x"), "setup.done is for the exchange to send"),
        (CallNotify("x", "+1"), "call.notify is for the exchange to send"),
        (Response("x", is_ok=True), "response is for the exchange to send"),
        (MessageIn("x", "+1", "2", "WA", {}), "msg.in is for the exchange to send"),
    ],
)
async def test_what_only_an_exchange_says_is_a_violation(
    autojump_clock: MockClock, message: Message, fault: str
) -> None:
    async with open_simulator() as simulator, open_second_sdk(simulator.config) as sdk:
        control = await sdk.open_second_control()
        await control.send(message)
        assert await control.is_quiet()
        assert [violation.fault for violation in simulator.violations] == [fault]


async def ask_raw(control: SecondControlEnd, **frame: object) -> object:
    await control.websocket.send(json.dumps({"reqId": "r", **frame}))
    response = await control.expect(Response)
    assert (response.request_id, response.is_ok) == ("r", False)
    return response.error_code


async def test_a_request_that_makes_no_sense_is_refused(autojump_clock: MockClock) -> None:
    async with open_simulator() as simulator, open_second_sdk(simulator.config) as sdk:
        control = await sdk.open_second_control()
        for frame in (
            {"type": "session.open", "sessionId": "s"},
            {"type": "session.claim", "sessionId": "s", "txnUuid": 7},
            {"type": "session.create_call", "sessionId": "s", "dest": "+65"},
            {"type": "msg.out", "channel": "WA", "sessionId": "s", "clientMsgId": "m", "data": 7},
            {"type": "trigger_conditions.setup", "data": {"inboundCall": "SOME"}},
        ):
            assert await ask_raw(control, **frame) == "INVALID_REQUEST"
        faults = [violation.fault for violation in simulator.violations]
        assert len(faults) == 5
        assert all(fault.startswith("a malformed frame: ") for fault in faults)


async def test_what_is_newer_or_of_the_first_wire_is_refused(autojump_clock: MockClock) -> None:
    async with open_simulator() as simulator, open_second_sdk(simulator.config) as sdk:
        control = await sdk.open_second_control()
        for wire_type in ("session.get", "session.create", "call_flow.setup", "wa.msg.out"):
            assert await ask_raw(control, type=wire_type) == "INVALID_REQUEST"
        await control.websocket.send('{"type":"session.ready","sessionId":"s"}')
        assert await control.is_quiet()
        assert simulator.violations == []


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (b"", "unusable audio: an audio message must begin with a whole header"),
        (b"\0" + PCM, "unusable audio: a silence must hold nothing but its length"),
        (pack_frame(1, 0, 0, PCM), "unusable audio: an agent sends on track 0 only"),
        (pack_frame(0, 1, 0, PCM), "unusable audio: an audio message has another number"),
        (pack_frame(0, 0, 20, PCM), "unusable audio: an audio message has another number"),
        (pack_frame(0, 0, 0, PCM + b"\1\0"), "unusable audio: an audio message is longer than"),
        (pack_silence(0, 0, 0, 21), "unusable audio: an audio message is longer than"),
        (flagged(0x40, PCM), "unusable audio: an audio message has flags that are not used"),
        (flagged(0), "unusable audio: an audio message must hold one or more whole samples"),
        ("{", "a malformed frame: a frame must be JSON"),
        (encode(Config(20)), "config is for the exchange to send"),
        (encode(Flow()), "flow is for the exchange to send"),
        (encode(CallEvent("x")), "call_event is for the exchange to send"),
        (encode(CommandResponse("x", success=True)), "command_response is for the exchange"),
    ],
)
async def test_a_bad_frame_is_a_violation_and_not_heard(
    autojump_clock: MockClock, message: str | bytes, fault: str
) -> None:
    async with open_simulator() as simulator, open_second_sdk(simulator.config) as sdk:
        call = simulator.place_call()
        media = await sdk.take_second_call(call)
        await media.succeed("call.answer")
        media.send_raw(message)
        await trio.sleep(0.2)
        (violation,) = simulator.violations
        assert violation.fault.startswith(fault)
        assert not any(call.caller.heard)
        await media.succeed("call.close")


async def test_more_than_was_allowed_is_a_violation(autojump_clock: MockClock) -> None:
    async with open_simulator() as simulator, open_second_sdk(simulator.config) as sdk:
        call = simulator.place_call()
        media = await sdk.take_second_call(call)
        await media.succeed("call.answer")
        for _ in range(4):
            media.send_raw(media.writer.write(PCM))
        await trio.sleep(0.3)
        assert [violation.fault for violation in simulator.violations] == [
            "unusable audio: 960 bytes came, 0 were asked for"
        ]
        assert call.caller.heard.count(PCM) == 3


async def test_silence_and_marks_of_an_agent_are_understood(autojump_clock: MockClock) -> None:
    async with open_simulator() as simulator, open_second_sdk(simulator.config) as sdk:
        call = simulator.place_call()
        media = await sdk.take_second_call(call)
        await media.succeed("call.answer")
        media.send_raw(media.writer.write(PCM))
        media.send_raw(media.writer.write_silence(20))
        last = media.writer.write(PCM)
        media.send_raw(last[:1] + bytes((END_OF_TURN,)) + last[2:])
        await trio.sleep(0.2)
        assert PCM + bytes(960) + PCM in call.caller.heard
        assert media.flows[-1].drained_ms == 60
        assert simulator.violations == []


async def test_an_old_sdk_is_told_by_either_header(autojump_clock: MockClock) -> None:
    async with (
        open_simulator(minimum_sdk_version="1.1") as simulator,
        open_second_sdk(simulator.config) as sdk,
    ):
        url = f"{simulator.config.base_url}/v1/agent/session-manager"
        headers = {**sdk.credentials(), "x-sdk-client": "python/1.0.0b8"}
        assert await sdk.refusal(url, headers) == 426
        await sdk.open(url, {**headers, "x-sdk-client": "python/1.1.0b10"})
