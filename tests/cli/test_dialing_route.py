"""The simulator's route for calls from outside, in process and on virtual time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from trio_calls import ActiveCall, serve_calls
from trio_calls.audio import find, noise
from trio_calls.simulator import SimulatedCall, Simulator, open_simulator
from trio_calls.simulator import dialing as dialing_module
from trio_calls.transport import (
    HandshakeRefused,
    WebSocket,
    WebSocketClosed,
    connect_websocket,
)
from trio_calls.wire.codec import decode_dialing, encode
from trio_calls.wire.dialing import (
    CALLEE,
    CALLER,
    DIALING_PATH,
    Dial,
    DialEnded,
    DialHangUp,
    DialPlaced,
    DialProgress,
    DialRefused,
)
from trio_calls.wire.message import Message, UnknownMessage

RINGS = Dial("1", "2", "answers", 1.0)


@asynccontextmanager
async def open_dialer(
    simulator: Simulator, api_key: str = "simulated-key"
) -> AsyncIterator[WebSocket]:
    async with trio.open_nursery() as nursery:
        websocket = await connect_websocket(
            nursery,
            simulator.config.base_url + DIALING_PATH,
            headers={"x-api-key": api_key},
            ssl_context=None,
            open_stream=simulator.config.open_stream,
            within_seconds=5,
        )
        yield websocket
        await websocket.aclose()


async def receive(websocket: WebSocket) -> Message | UnknownMessage:
    (frame,) = await websocket.receive_batch()
    assert isinstance(frame, str)
    return decode_dialing(frame)


async def connect_callee(call: ActiveCall) -> None:
    await call.connect()


async def test_a_call_with_both_voices_and_a_recording(
    autojump_clock: trio.testing.MockClock,
) -> None:
    caller, callee = noise(1, 24000, 1), noise(1, 24000, 2)
    dial = Dial("1", "2", "answers", 1.0, wants_recording=True)
    heard = b""
    async with open_simulator() as simulator, trio.open_nursery() as nursery:
        await nursery.start(serve_calls, connect_callee, simulator.config)
        async with open_dialer(simulator) as websocket:
            await websocket.send(encode(dial))
            (call,) = await wait_for_call(simulator)
            assert await receive(websocket) == DialPlaced(call.call_id, 24000)
            await websocket.send(bytes([CALLER]) + caller)
            await websocket.send(bytes([CALLEE]) + callee)
            events = [await receive(websocket) for _ in range(3)]
            assert {event.event for event in events if isinstance(event, DialProgress)} == {
                "claimed",
                "caller_talking",
                "callee_talking",
            }
            await trio.sleep(2)
            assert find(caller, call.callee.heard).correlation > 0.99
            await websocket.send(encode(DialHangUp()))
            last: Message | UnknownMessage | None = None
            while not isinstance(last, DialEnded):
                (frame,) = await websocket.receive_batch()
                if isinstance(frame, bytes):
                    assert frame[0] == CALLER
                    heard += frame[1:]
                else:
                    last = decode_dialing(frame)
            assert last.seconds == pytest.approx(3, abs=0.1)
        await trio.testing.wait_all_tasks_blocked()
        assert call.caller.heard == b"", "nobody can ask for it any more"
        nursery.cancel_scope.cancel()
    assert find(callee, heard).correlation > 0.99


async def wait_for_call(simulator: Simulator) -> list[SimulatedCall]:
    await trio.testing.wait_all_tasks_blocked()
    return simulator.calls


async def test_a_dialer_that_is_gone_has_hung_up(autojump_clock: trio.testing.MockClock) -> None:
    async with open_simulator() as simulator:
        async with open_dialer(simulator) as websocket:
            await websocket.send(encode(RINGS))
            await receive(websocket)
        (call,) = simulator.calls
        await call.wait_ended()


async def test_speech_into_a_dead_line_is_nothing_special(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_simulator() as simulator, open_dialer(simulator) as websocket:
        await websocket.send(encode(RINGS))
        await receive(websocket)
        simulator.end_all_calls()
        await websocket.send(bytes([CALLER]) + bytes(960))
        messages = [await receive(websocket), await receive(websocket)]
        assert isinstance(messages[-1], DialEnded)


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        (["nonsense"], "JSON"),
        (['{"type":"dial","data":{"from":"1"}}'], "something is missing"),
        ([encode(Dial("1", "2", "answers", 1.0)).replace("1.0", "-1")], "out of range"),
        ([encode(Dial("1", "2", "answers", 1.0)).replace("answers", "sings")], "out of range"),
        ([encode(DialHangUp())], "makes no sense here"),
        (['{"type":"unheard of"}'], "makes no sense here"),
        ([encode(RINGS), encode(RINGS)], "makes no sense here"),
        ([b"\x01\x00\x00"], "before a call was placed"),
        ([encode(RINGS), b""], "neither the caller's nor the callee's"),
        ([encode(RINGS), b"\x07\x00\x00"], "neither the caller's nor the callee's"),
        ([encode(RINGS), b"\x01\x00"], "whole samples"),
        ([encode(RINGS), b"\x01" + bytes(2000)], "2000 bytes at the most"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_ends_the_call(
    frames: list[str | bytes],
    reason: str,
    autojump_clock: trio.testing.MockClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dialing_module, "MAX_SPEECH_BYTES", 2000)
    async with open_simulator() as simulator, open_dialer(simulator) as websocket:
        for frame in [*frames, "more", b"of it"]:
            await websocket.send(frame)
        refusal = await receive(websocket)
        if isinstance(refusal, DialPlaced):
            refusal = await receive(websocket)
        assert isinstance(refusal, DialRefused)
        assert reason in refusal.reason
        with pytest.raises(WebSocketClosed):
            await websocket.receive_batch()
        for call in simulator.calls:
            await call.wait_ended()


async def test_a_wrong_key_is_refused(autojump_clock: trio.testing.MockClock) -> None:
    async with open_simulator() as simulator:
        with pytest.raises(ExceptionGroup) as caught:
            async with open_dialer(simulator, api_key="wrong"):
                pass
        assert caught.group_contains(HandshakeRefused, match="401: x-api-key")
