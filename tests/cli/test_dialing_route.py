"""The simulator's route for calls from outside, in process and on virtual time."""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from trio_calls import ActiveCall, serve_calls
from trio_calls.audio import find, noise
from trio_calls.simulator import SimulatedCall, Simulator, open_simulator
from trio_calls.simulator import _dialed_lines as dialed_lines_module
from trio_calls.simulator import _dialing as dialing_module
from trio_calls.transport import (
    HandshakeRefused,
    WebSocket,
    WebSocketClosed,
    connect_websocket,
)
from trio_calls.wire.codec import encode
from trio_calls.wire.dialing import (
    CALLEE,
    CALLER,
    DIALING_PATH,
    Dial,
    DialEnded,
    DialHangUp,
    DialLine,
    DialPlaced,
    DialProgress,
    DialRefused,
    DialSay,
    DialStatus,
    decode_dialing,
)
from trio_calls.wire.message import Message, UnknownMessage

pytestmark = pytest.mark.slow

RINGS = Dial("1", "2", "answers", 1.0)


class Dialer:
    """The other end of a dialing connection."""

    def __init__(self, websocket: WebSocket) -> None:
        self.send = websocket.send
        self._websocket = websocket
        self._unread: deque[str | bytes] = deque()

    async def receive_frame(self) -> str | bytes:
        if not self._unread:
            self._unread += await self._websocket.receive_batch()
        return self._unread.popleft()

    async def receive(self) -> Message | UnknownMessage:
        frame = await self.receive_frame()
        assert isinstance(frame, str)
        return decode_dialing(frame)


@asynccontextmanager
async def open_dialer(
    simulator: Simulator, api_key: str = "simulated-key"
) -> AsyncIterator[Dialer]:
    async with trio.open_nursery() as nursery:
        websocket = await connect_websocket(
            nursery,
            simulator.config.base_url + DIALING_PATH,
            headers={"x-api-key": api_key},
            ssl_context=None,
            open_stream=simulator.config.open_stream,
            within_seconds=5,
        )
        yield Dialer(websocket)
        await websocket.aclose()


async def connect_callee(call: ActiveCall) -> None:
    await call.connect()


async def test_a_caller_is_answered_before_they_speak(
    autojump_clock: trio.testing.MockClock,
) -> None:
    pcm = noise(0.1, 24000, 1)
    async with open_simulator() as simulator, trio.open_nursery() as nursery:
        await nursery.start(serve_calls, connect_callee, simulator.config)
        # Both happen at the same time, and Trio runs tasks in no order.
        for _ in range(10):
            async with open_dialer(simulator) as dialer:
                await dialer.send(encode(RINGS))
                await dialer.send(encode(DialSay(len(pcm), 0.0, False)))
                await dialer.send(bytes([CALLER]) + pcm)
                told: list[str] = []
                while "line" not in told:
                    match await dialer.receive():
                        case DialProgress(event=event):
                            told.append(event)
                        case DialLine():
                            told.append("line")
                assert told.index("caller_talking") < told.index("line")
        nursery.cancel_scope.cancel()


async def test_a_call_with_both_voices_and_a_recording(
    autojump_clock: trio.testing.MockClock,
) -> None:
    caller, callee = noise(1, 24000, 1), noise(1, 24000, 2)
    dial = Dial("1", "2", "answers", 1.0, wants_recording=True)
    heard = b""
    async with open_simulator() as simulator, trio.open_nursery() as nursery:
        await nursery.start(serve_calls, connect_callee, simulator.config)
        async with open_dialer(simulator) as dialer:
            await dialer.send(encode(dial))
            (call,) = await wait_for_call(simulator)
            assert await dialer.receive() == DialPlaced(call.call_id, 24000)
            await dialer.send(bytes([CALLER]) + caller)
            await dialer.send(bytes([CALLEE]) + callee)
            events = [await dialer.receive() for _ in range(3)]
            assert {event.event for event in events if isinstance(event, DialProgress)} == {
                "claimed",
                "caller_talking",
                "callee_talking",
            }
            await trio.sleep(2)
            assert find(caller, call.callee.heard).correlation > 0.99
            await dialer.send(encode(DialHangUp()))
            last: Message | UnknownMessage | None = None
            while not isinstance(last, DialEnded):
                frame = await dialer.receive_frame()
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


@pytest.mark.parametrize("keep_audio_seconds", [None, 0.5])
async def test_a_recording_is_complete_and_only_for_who_asks(
    keep_audio_seconds: float | None, autojump_clock: trio.testing.MockClock
) -> None:
    said = noise(4, 24000, 2)
    async with (
        open_simulator(keep_audio_seconds=keep_audio_seconds) as simulator,
        trio.open_nursery() as nursery,
    ):
        await nursery.start(serve_calls, connect_callee, simulator.config)
        heard = {True: b"", False: b""}
        for wants_recording in heard:
            async with open_dialer(simulator) as dialer:
                dial = Dial("1", "2", "answers", 0.0, wants_recording)
                await dialer.send(encode(dial))
                (*_, call) = await wait_for_call(simulator)
                await call.callee.say(said)
                call.caller.hang_up()
                heard[wants_recording] = await receive_recording(dialer)
        assert heard[False] == b""
        assert said in heard[True]
        nursery.cancel_scope.cancel()


async def test_what_the_caller_hears_comes_as_it_is_heard(
    autojump_clock: trio.testing.MockClock,
) -> None:
    said = noise(1, 24000, 2)
    async with open_simulator() as simulator, trio.open_nursery() as nursery:
        await nursery.start(serve_calls, connect_callee, simulator.config)
        async with open_dialer(simulator) as dialer:
            await dialer.send(encode(Dial("1", "2", "answers", 0.0, wants_recording=True)))
            (call,) = await wait_for_call(simulator)
            await call.callee.say(said)
            heard = b""
            with trio.move_on_after(0.5):
                while True:
                    frame = await dialer.receive_frame()
                    heard += frame[1:] if isinstance(frame, bytes) else b""
            assert said in heard
            assert not call.ended
        nursery.cancel_scope.cancel()


async def test_a_line_waits_for_its_turn_and_audio_for_it(
    autojump_clock: trio.testing.MockClock,
) -> None:
    plain, first, second = (noise(0.5, 24000, seed) for seed in (1, 2, 3))
    async with open_simulator() as simulator, trio.open_nursery() as nursery:
        await nursery.start(serve_calls, connect_callee, simulator.config)
        async with open_dialer(simulator) as dialer:
            await dialer.send(encode(Dial("1", "2", "answers", 0.0)))
            (call,) = await wait_for_call(simulator)
            await dialer.send(encode(DialSay(len(first), 2.0)))
            await dialer.send(bytes([CALLER]) + first[:1000])
            await dialer.send(bytes([CALLEE]) + plain)
            await dialer.send(bytes([CALLER]) + first[1000:])
            await dialer.send(encode(DialSay(len(second), 1.0, for_silence=True)))
            await dialer.send(bytes([CALLER]) + second)
            told: list[DialLine] = []
            while len(told) < 4:
                message = await dialer.receive()
                told += [message] if isinstance(message, DialLine) else []
        nursery.cancel_scope.cancel()
    assert [(line.number, line.was_said) for line in told] == [
        (1, False),
        (1, True),
        (2, False),
        (2, True),
    ]
    assert [line.seconds for line in told] == pytest.approx([2, 2.5, 3.5, 4], abs=0.1)
    assert call.ended


async def test_a_dialer_that_asks_is_told_state_mode_and_levels(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_simulator() as simulator, trio.open_nursery() as nursery:
        await nursery.start(serve_calls, connect_callee, simulator.config)
        async with open_dialer(simulator) as dialer:
            await dialer.send(encode(Dial("1", "2", "answers", 1.0, wants_status=True)))
            (call,) = await wait_for_call(simulator)
            call.callee.say_nowait(noise(2, 24000, 1))
            told: list[DialStatus] = []
            while not told or told[-1].seconds < 2:
                message = await dialer.receive()
                told += [message] if isinstance(message, DialStatus) else []
        nursery.cancel_scope.cancel()
    assert [(told[0].state, told[0].mode, told[0].caller)] == [("PENDING", None, None)]
    assert (told[-1].state, told[-1].mode, told[-1].caller) == ("CONNECTED", "BARGE", -120)
    assert told[-1].callee == pytest.approx(-15, abs=1)
    assert len(told) == pytest.approx(2 / 0.25, abs=4)


class Unread:
    """A connection whose other end does not read for a while.

    Attributes:
      sent: what went out.
    """

    def __init__(self, *received: str) -> None:
        self.sent: list[str | bytes] = []
        self.is_read = trio.Event()
        self._received = received

    async def receive_batch(self) -> tuple[str, ...]:
        batch, self._received = self._received, ()
        if not batch:
            await trio.sleep_forever()
        return batch

    async def send(self, message: str | bytes) -> None:
        self.sent.append(message)
        await self.is_read.wait()

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


async def test_of_a_recording_that_nobody_reads_the_latest_waits(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialing_module, "MAX_WAITING_SECONDS", 2.0)
    said = noise(10, 24000, 2)
    unread = Unread(encode(Dial("1", "2", "answers", 0.0, wants_recording=True)))
    async with open_simulator() as simulator, trio.open_nursery() as nursery:
        await nursery.start(serve_calls, connect_callee, simulator.config)
        connection = dialing_module.DialerConnection(simulator._calls, 24000)
        nursery.start_soon(connection.run, unread)  # type: ignore[arg-type]  # all it needs
        (call,) = await wait_for_call(simulator)
        await call.callee.say(said)
        unread.is_read.set()
        call.caller.hang_up()
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    heard = b"".join(frame[1:] for frame in unread.sent if isinstance(frame, bytes))
    assert len(heard) <= 3 * 48000
    assert said[-1 * 48000 :] in heard
    assert isinstance(decode_dialing(str(unread.sent[-1])), DialEnded)


async def receive_recording(dialer: Dialer) -> bytes:
    heard = b""
    while True:
        frame = await dialer.receive_frame()
        if isinstance(frame, bytes):
            heard += frame[1:]
        elif isinstance(decode_dialing(frame), DialEnded):
            return heard


async def wait_for_call(simulator: Simulator) -> list[SimulatedCall]:
    await trio.testing.wait_all_tasks_blocked()
    return simulator.calls


async def test_a_dialer_that_is_gone_has_hung_up(autojump_clock: trio.testing.MockClock) -> None:
    async with open_simulator() as simulator:
        async with open_dialer(simulator) as dialer:
            await dialer.send(encode(RINGS))
            await dialer.receive()
        (call,) = simulator.calls
        await call.wait_ended()


async def test_speech_into_a_dead_line_is_nothing_special(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_simulator() as simulator, open_dialer(simulator) as dialer:
        await dialer.send(encode(RINGS))
        await dialer.receive()
        simulator.end_all_calls()
        await dialer.send(bytes([CALLER]) + bytes(960))
        assert isinstance(await dialer.receive(), DialEnded)


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
        ([encode(DialSay(2))], "makes no sense here"),
        ([encode(RINGS), encode(DialSay(2)).replace(":2", ":1")], "out of range"),
        ([encode(RINGS), encode(DialSay(2)).replace("0.0", "-1")], "out of range"),
        ([encode(RINGS), encode(DialSay(2)).replace("0.0", "1e9")], "out of range"),
        ([encode(RINGS), encode(DialSay(4)), encode(DialSay(4))], "not complete yet"),
        ([encode(RINGS), encode(DialSay(4)), b"\x01" + bytes(6)], "no more than the line has"),
        ([encode(RINGS), encode(DialSay(4)), b"\x01" + bytes(3)], "whole samples"),
        (
            [encode(RINGS), *[encode(DialSay(2)), b"\x01\0\0"] * 2, encode(DialSay(2))],
            "2 lines at the most",
        ),
    ],
)
async def test_what_makes_no_sense_is_refused_and_ends_the_call(
    frames: list[str | bytes],
    reason: str,
    autojump_clock: trio.testing.MockClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dialing_module, "MAX_SPEECH_BYTES", 2000)
    monkeypatch.setattr(dialed_lines_module, "MAX_LINES", 2)
    async with open_simulator() as simulator, open_dialer(simulator) as dialer:
        for frame in [*frames, "more", b"of it"]:
            await dialer.send(frame)
        refusal = await dialer.receive()
        if isinstance(refusal, DialPlaced):
            refusal = await dialer.receive()
        assert isinstance(refusal, DialRefused)
        assert reason in refusal.reason
        with pytest.raises(WebSocketClosed):
            await dialer.receive_frame()
        for call in simulator.calls:
            await call.wait_ended()


async def test_a_wrong_key_is_refused(autojump_clock: trio.testing.MockClock) -> None:
    async with open_simulator() as simulator:
        with pytest.raises(ExceptionGroup) as caught:
            async with open_dialer(simulator, api_key="wrong"):
                pass
        assert caught.group_contains(HandshakeRefused, match="401: x-api-key")
