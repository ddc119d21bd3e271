"""Sockets: what a slow peer gets, and what is left when the simulator is gone."""

from __future__ import annotations

from typing import NoReturn

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.support.peers.sdk import FRAME, RawSdk, open_pair, open_raw_sdk
from trio_calls.audio import noise
from trio_calls.errors import WSSConfigError
from trio_calls.simulator import answers, open_simulator
from trio_calls.simulator._placed_calls import PlacedCalls
from trio_calls.simulator.exchange.control_connection import ControlConnection
from trio_calls.simulator.exchange.exchange import Exchange
from trio_calls.simulator.exchange.media_connection import MediaConnection
from trio_calls.simulator.exchange.socket_tasks import CLOSING_SECONDS, SocketTasks
from trio_calls.simulator.exchange.taps import Tap
from trio_calls.simulator.transcript.transcript_log import TranscriptLog
from trio_calls.transport import HostUnreachable, WebSocket, WebSocketClosed
from trio_calls.wire.codec import encode
from trio_calls.wire.first.control import Setup
from trio_calls.wire.names import CONTROL_PATH


def never(*_: object) -> NoReturn:
    pytest.fail("this was not to be called")


def make_tap() -> Tap:
    return Tap(TranscriptLog(24000), "media")


class FakeWebSocket(WebSocket):
    """Sends into a list, or nowhere while `stalls`; receives what `arrives`."""

    def __init__(self) -> None:
        self.sent: list[str | bytes] = []
        self.stalls = False
        self.is_closed = False
        self.arrives, self._arrived = trio.open_memory_channel[str | bytes](100)

    async def send(self, *messages: str | bytes) -> None:
        await trio.lowlevel.checkpoint()
        if not self.send_nowait(*messages):
            await trio.sleep_forever()

    def send_nowait(self, *messages: str | bytes) -> bool:
        if self.is_closed:
            raise WebSocketClosed
        if not self.stalls:
            self.sent += messages
        return not self.stalls

    async def receive_batch(self) -> list[str | bytes]:
        try:
            return [await self._arrived.receive()]
        except (trio.EndOfChannel, trio.ClosedResourceError):
            raise WebSocketClosed from None

    async def ping(self) -> None:
        raise NotImplementedError

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        self.is_closed = True
        self._arrived.close()
        await trio.lowlevel.checkpoint()


class Polite(FakeWebSocket):
    """Reads nothing more once it is being closed, and waits, once, for the agent's close."""

    has_heard_close = False

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        is_first = not self.is_closed
        await super().aclose(code, reason)
        if is_first:
            await trio.sleep(1)
            self.has_heard_close = True


async def test_the_end_of_reading_does_not_cut_the_close_short(
    autojump_clock: MockClock,
) -> None:
    # A TCP connection that is closed while audio comes in takes back what the agent has not read.
    websocket, tasks = Polite(), SocketTasks(10, never, make_tap())
    tasks.send("1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tasks.run, websocket, never)
        await trio.testing.wait_all_tasks_blocked()
        tasks.close()
        began = trio.current_time()
    assert websocket.has_heard_close
    assert trio.current_time() - began < CLOSING_SECONDS


async def test_everything_queued_goes_out_before_the_end(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    websocket, tasks = FakeWebSocket(), SocketTasks(10, never, make_tap())
    for message in ("1", b"2", "3"):
        tasks.send(message)
    tasks.close()
    tasks.close()
    tasks.send("too late")
    await tasks.run(websocket, never)
    assert websocket.sent == ["1", b"2", "3"]
    assert websocket.is_closed


async def test_what_arrives_is_passed_on_until_the_peer_closes(autojump_clock: MockClock) -> None:
    websocket, tasks = FakeWebSocket(), SocketTasks(10, never, make_tap())
    received: list[str | bytes] = []
    for message in ("1", b"2"):
        websocket.arrives.send_nowait(message)
    websocket.arrives.close()
    await tasks.run(websocket, received.append)
    assert received == ["1", b"2"]
    assert websocket.is_closed
    tasks.send("too late")


async def test_a_peer_that_is_gone_is_the_readers_to_notice(autojump_clock: MockClock) -> None:
    websocket, tasks = FakeWebSocket(), SocketTasks(10, never, make_tap())
    websocket.is_closed = True
    tasks.send("1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tasks.run, websocket, never)
        await wait_all_tasks_blocked()
        tasks.send("2")
        websocket.arrives.close()
    assert websocket.sent == []


async def test_a_peer_that_is_gone_does_not_count_as_slow(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    overflows: list[None] = []
    websocket, tasks = FakeWebSocket(), SocketTasks(3, lambda: overflows.append(None), make_tap())
    nursery.start_soon(tasks.run, websocket, never)
    await trio.testing.wait_all_tasks_blocked()
    websocket.is_closed = True
    for number in range(10):
        tasks.send(str(number))
    assert overflows == []
    nursery.cancel_scope.cancel()


async def test_a_peer_that_reads_too_slowly_is_dropped(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    overflows: list[None] = []
    websocket, tasks = FakeWebSocket(), SocketTasks(3, lambda: overflows.append(None), make_tap())
    websocket.stalls = True
    nursery.start_soon(tasks.run, websocket, never)
    for number in range(10):
        tasks.send(str(number))
        await trio.sleep(1)
        assert websocket.is_closed == (number >= 4)
    assert len(overflows) == 1


async def test_closing_does_not_wait_for_ever(autojump_clock: MockClock) -> None:
    websocket, tasks = FakeWebSocket(), SocketTasks(3, never, make_tap())
    websocket.stalls = True
    tasks.send("1")
    tasks.close()
    await tasks.run(websocket, never)
    assert trio.current_time() == CLOSING_SECONDS
    assert websocket.is_closed


async def test_a_stalled_agent_does_not_stop_the_clock(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        exchange = Exchange(base_url="ws://x", sample_rate=24000, nursery=nursery)
        placed = PlacedCalls(exchange).place(
            caller="1", callee="2", pickup=answers(after_seconds=0)
        )
        session = exchange.find_session(placed.call_id)
        assert session is not None
        connection, websocket = MediaConnection(exchange, session), FakeWebSocket()
        websocket.stalls = True

        @nursery.start_soon
        async def serve() -> None:
            await connection.run(websocket)
            connection.lost()

        session.call.ring("1", 60)
        await placed.callee.wait_talking()
        await placed.wait_agent_left()
        assert 10 <= trio.current_time() < 25
        assert not placed.ended
        (violation,) = exchange.violations.violations
        assert "does not read" in violation.fault
        await placed.caller.say(noise(1, 24000, 1))
        placed.caller.hang_up()


async def test_a_stalled_sdk_loses_its_control_connection(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trio_calls.simulator.exchange.control_connection._QUEUE_SIZE", 10)
    async with trio.open_nursery() as nursery:
        exchange = Exchange(base_url="ws://x", sample_rate=24000, nursery=nursery)
        connection, websocket = ControlConnection(exchange), FakeWebSocket()
        websocket.stalls = True
        websocket.arrives.send_nowait(encode(Setup(24000, "mixed")))
        nursery.start_soon(connection.run, websocket)
        await trio.sleep(1)
        for _ in range(20):
            PlacedCalls(exchange).place(caller="1", callee="2", pickup=answers())
        await trio.sleep(1)
        assert websocket.is_closed
        assert len(exchange.violations.violations) == 1


async def test_violations_are_bounded(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        exchange = Exchange(base_url="ws://x", sample_rate=24000, nursery=nursery)
        for number in range(2000):
            exchange.violations.add("somewhere", str(number))
        assert len(exchange.violations.violations) == 1000
        assert exchange.violations.violations[-1].fault == "999"


async def test_leaving_the_simulator_ends_everything(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        async with open_simulator() as simulator:
            sdk = RawSdk(nursery, simulator.config)
            control = await sdk.open_control()
            media = []
            for command, ring_seconds in (("call.answer", None), ("call.connect", 60)):
                call = simulator.place_call()
                media.append(await sdk.open_media(await control.take_call(call)))
                await media[-1].succeed(command, ring_seconds)
            await sdk.open_media(await control.take_call(simulator.place_call()))
            simulator.place_call()
        assert len(simulator.calls) == 4
        assert all(call.ended for call in simulator.calls)
        for connection in media:
            await connection.closed.wait()
        with pytest.raises(WebSocketClosed):
            await _read_to_the_end(control.websocket)
        with pytest.raises(HostUnreachable, match="closed"):
            await sdk.open(simulator.config.base_url + CONTROL_PATH, sdk.credentials())


async def _read_to_the_end(websocket: WebSocket) -> None:
    while True:
        await websocket.receive_batch()


async def test_a_cancelled_simulator_ends_everything(autojump_clock: MockClock) -> None:
    with trio.move_on_after(1):
        async with open_pair() as (simulator, sdk):
            call = simulator.place_call()
            media = await sdk.take_call(call)
            await media.succeed("call.answer")
            await trio.sleep_forever()
    assert call.ended


async def test_a_setting_that_makes_no_sense(autojump_clock: MockClock) -> None:
    with pytest.raises(WSSConfigError, match="sample_rate"):
        async with open_simulator(sample_rate=44100):
            pass


def frames_with_sound(recording: bytes) -> bytes:
    frames = [recording[start : start + FRAME] for start in range(0, len(recording), FRAME)]
    return b"".join(frame for frame in frames if any(frame))


async def can_serve_on(host: str) -> bool:
    try:
        for listener in await trio.open_tcp_listeners(0, host=host):
            await listener.aclose()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_the_same_exchange_on_a_port(host: str) -> None:
    if not await can_serve_on(host):
        pytest.skip(f"{host} is no address of this machine")
    async with (
        open_simulator(port=0, host=host) as simulator,
        open_raw_sdk(simulator.config) as sdk,
    ):
        assert simulator.port
        assert simulator.config.open_stream is None
        assert simulator.config.base_url.endswith(f":{simulator.port}")
        assert await sdk.refusal(simulator.config.base_url, {}) == 404
        call = simulator.place_call(pickup=answers(after_seconds=0.1))
        media = await sdk.take_call(call)
        await media.succeed("call.connect", 60)
        agent, callee = noise(0.1, 24000, 1), noise(0.1, 24000, 2)
        media.say(agent)
        await trio.sleep(0.3)
        assert frames_with_sound(call.caller.heard) == agent
        await call.callee.say(callee)
        await media.succeed("call.disconnect")
        await media.closed.wait()
        assert frames_with_sound(bytes(media.heard[0])) == callee
        await call.wait_ended()
        assert simulator.violations == []


async def test_a_port_in_use() -> None:
    async with open_simulator(port=0) as simulator:
        with pytest.raises(OSError, match="in use"):
            async with open_simulator(port=simulator.port):
                pass
