"""`call.ending` and the handlers of CALL_TERMINATED: how a call has ended, whoever ended it."""

import functools
from collections.abc import Awaitable, Callable
from unittest.mock import MagicMock

import attrs
import pytest
import trio
import trio.lowlevel
import trio.testing

from tests.support.peers.frames import close
from tests.support.peers.one_call import FakeMedia
from tests.support.wires import on_the_first_wire, on_the_second_wire
from trio_calls import ActiveCall, EndCause, Ending, WSSCallClosedError, events, open_call_client
from trio_calls.simulator import SimulatedCall, Simulator, answers, cut_media

Story = Callable[[Simulator, SimulatedCall], Awaitable[None]]
Handler = Callable[[ActiveCall], Awaitable[None]]


async def wait_long(call: ActiveCall) -> None:
    await call.answer()
    await call.wait_disconnected()


async def sleep_forever(call: ActiveCall) -> None:
    await trio.sleep_forever()


async def fail_later(call: ActiveCall) -> None:
    await call.answer()
    raise ZeroDivisionError


async def fail_at_once(call: ActiveCall) -> None:
    raise ZeroDivisionError


async def connect_and_return(call: ActiveCall) -> None:
    await call.connect()


async def disconnect(call: ActiveCall) -> None:
    await call.answer()
    await call.disconnect()


async def do_nothing(simulator: Simulator, call: SimulatedCall) -> None:
    await trio.lowlevel.checkpoint()


async def hang_up(simulator: Simulator, call: SimulatedCall) -> None:
    await trio.sleep(1)
    call.caller.hang_up()


async def cut(simulator: Simulator, call: SimulatedCall) -> None:
    await trio.sleep(1)
    simulator.inject(cut_media())


@pytest.mark.parametrize(
    ("handler", "story", "cause"),
    [
        (wait_long, hang_up, EndCause.CALLER),
        (wait_long, cut, EndCause.LOST),
        (ActiveCall.answer, do_nothing, EndCause.CLOSE),
        (ActiveCall.close, do_nothing, EndCause.CLOSE),
        (disconnect, do_nothing, EndCause.DISCONNECT),
        (ActiveCall.disconnect, do_nothing, EndCause.DISCONNECT),
        (fail_later, do_nothing, EndCause.FAILED),
        (fail_at_once, do_nothing, EndCause.FAILED),
    ],
)
async def test_it_says_what_has_ended_the_call(
    simulator: Simulator, handler: Handler, story: Story, cause: EndCause
) -> None:
    await end_by(simulator, handler, story, cause)


@on_the_first_wire
async def test_a_hangup_while_it_rings_is_told(simulator: Simulator) -> None:
    await end_by(simulator, sleep_forever, hang_up, EndCause.CALLER)


@on_the_second_wire
async def test_or_noticed_by_the_first_command(simulator: Simulator) -> None:
    async def answer_late(call: ActiveCall) -> None:
        await trio.sleep(2)
        with pytest.raises(WSSCallClosedError):
            await call.answer()

    await end_by(simulator, answer_late, hang_up, EndCause.LOST)


async def end_by(simulator: Simulator, handler: Handler, story: Story, cause: EndCause) -> None:
    """Let a call end, which must be told as this cause, once."""
    endings: list[Ending] = []
    calls: list[ActiveCall] = []

    async def handle(call: ActiveCall) -> None:
        calls.append(call)
        assert call.ending is None
        call.on(events.CALL_TERMINATED)(endings.append)
        await handler(call)

    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_CALL)(handle)
        placed = simulator.place_call()
        await story(simulator, placed)
        await trio.sleep(3)
        assert [ending.cause for ending in endings] == [cause]
        assert calls[0].ending == endings[0]
        placed.caller.hang_up()


@pytest.mark.parametrize("how", ["drain", "cancel"])
@pytest.mark.parametrize("handler", [wait_long, connect_and_return, sleep_forever])
async def test_a_client_that_leaves_says_so_for_each_call(
    simulator: Simulator, handler: Handler, how: str
) -> None:
    endings: list[EndCause] = []

    async def handle(call: ActiveCall) -> None:
        @call.on(events.CALL_TERMINATED)
        async def write_down(ending: Ending) -> None:
            await trio.sleep(0.5)
            endings.append(ending.cause)

        await handler(call)

    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_CALL)(handle)
        for _ in range(3):
            simulator.place_call(pickup=answers(after_seconds=0.5))
        await trio.sleep(2)
        if how == "drain":
            await client.drain(0.2)
            assert endings == [EndCause.DRAINED] * 3
    assert endings == [EndCause.DRAINED] * 3


async def test_a_plain_handler_of_a_drained_call_is_called(simulator: Simulator) -> None:
    told: list[str] = []

    async def handle(call: ActiveCall) -> None:
        call.on(events.CALL_TERMINATED)(lambda: told.append(call.call_id))
        await wait_long(call)

    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_CALL)(handle)
        calls = [simulator.place_call() for _ in range(3)]
        await trio.sleep(1)
        calls[0].caller.hang_up()
        await client.drain(5)
        assert sorted(told) == sorted(call.call_id for call in calls)


async def test_a_slow_last_handler_is_cut_off(simulator: Simulator) -> None:
    reached = []

    async def handle(call: ActiveCall) -> None:
        @call.on(events.CALL_TERMINATED)
        async def write_down(ending: Ending) -> None:
            try:
                await trio.sleep(60)
            finally:
                reached.append(trio.current_time())

        await wait_long(call)

    config = attrs.evolve(simulator.config, close_grace_seconds=2)
    async with open_call_client(config) as client:
        client.on(events.INCOMING_CALL)(handle)
        simulator.place_call()
        await trio.sleep(1)
        began = trio.current_time()
        await client.drain(0)
    assert reached == [pytest.approx(began + 3, abs=0.1)]


async def test_handlers_take_the_ending_or_nothing(fake_media: FakeMedia) -> None:
    got: list[object] = []

    def with_default(cause: object = "a value of its own") -> None:
        got.append(cause)

    async with fake_media.open_answered_call() as call:
        call.on(events.CALL_TERMINATED)(got.append)
        call.on(events.CALL_TERMINATED)(functools.partial(got.append, "nothing"))
        call.on(events.CALL_TERMINATED)(with_default)
        await fake_media.terminate()
        await trio.testing.wait_all_tasks_blocked()
        assert got == [Ending(EndCause.CALLER), "nothing", "a value of its own"]


async def test_handlers_that_take_anything_get_the_ending(fake_media: FakeMedia) -> None:
    got: list[object] = []

    def traced(handler: Callable[..., object]) -> Callable[..., object]:
        def wrapper(*args: object, **kwargs: object) -> object:
            return handler(*args, **kwargs)

        return wrapper

    async def write_down(ending: Ending) -> None:
        got.append(ending)

    async with fake_media.open_answered_call() as call:
        call.on(events.CALL_TERMINATED)(traced(write_down))
        call.on(events.CALL_TERMINATED)(lambda *args: got.extend(args))
        call.on(events.CALL_TERMINATED)(mock := MagicMock())
        await fake_media.terminate()
        await trio.testing.wait_all_tasks_blocked()
    mock.assert_called_once_with(Ending(EndCause.CALLER))
    assert got == [Ending(EndCause.CALLER)] * 2


async def test_a_refused_close_is_not_how_it_ended(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call, trio.open_nursery() as nursery:

        async def close() -> None:
            with pytest.raises(Exception, match="NOT_NOW"):
                await call.close()

        nursery.start_soon(close)
        await fake_media.fail(await fake_media.receive_command("call.close"), "NOT_NOW")
        await trio.testing.wait_all_tasks_blocked()
        await fake_media.while_accepting(call.disconnect, "call.disconnect")
        assert call.ending == Ending(EndCause.DISCONNECT)


async def test_a_lost_call_tells_the_close_code(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        await fake_media.media.wire.send_all(close(1011, b"out of memory"))
        await call.wait_disconnected()
        detail = "closed by the exchange: 1011 out of memory"
        assert call.ending == Ending(EndCause.LOST, close_code=1011, detail=detail)


@pytest.mark.pure
@pytest.mark.parametrize("cause", EndCause)
def test_each_ending_reads_as_a_phrase(cause: EndCause) -> None:
    assert str(Ending(cause)).islower()
    assert str(Ending(cause, detail="1011")) == f"{Ending(cause)} (1011)"
