"""close() and disconnect(): at once, whatever else goes on, and with the goodbye heard."""

from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from tests.support.peers.one_call import FakeMedia, state_of
from tests.support.wires import as_it_is_sent
from trio_calls import (
    ActiveCall,
    CallState,
    EndCause,
    WSSCallClosedError,
    WSSCallCommandError,
    WSSCallCommandTimeoutError,
    WSSMediaError,
)
from trio_calls.audio import noise
from trio_calls.config import WireName

Leave = Callable[[ActiveCall], Awaitable[None]]

LEAVES = pytest.mark.parametrize(
    ("leave", "name"),
    [(ActiveCall.close, "call.close"), (ActiveCall.disconnect, "call.disconnect")],
)


@LEAVES
async def test_leaving_disconnects_and_ends_the_connection(
    fake_media: FakeMedia, leave: Leave, name: str
) -> None:
    async with fake_media.open_answered_call() as call:
        await fake_media.while_accepting(lambda: leave(call), name)
        assert call.state is CallState.DISCONNECTED
        await call.wait_disconnected()
        await fake_media.media.over.wait()


@LEAVES
async def test_leaving_twice_is_leaving_once(
    fake_media: FakeMedia, leave: Leave, name: str
) -> None:
    async with fake_media.open_answered_call() as call:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(leave, call)
            nursery.start_soon(leave, call)
            await trio.testing.wait_all_tasks_blocked()
            await fake_media.accept(name)
        await leave(call)
        assert [command.command for command in fake_media.commands] == ["call.answer", name]


@LEAVES
async def test_leaving_overtakes_a_ringing_connect(
    fake_media: FakeMedia, leave: Leave, name: str
) -> None:
    async with fake_media.open_answered_call() as call, trio.open_nursery() as nursery:

        async def connect() -> None:
            with pytest.raises(WSSCallClosedError, match="overtaken"):
                await call.connect()

        nursery.start_soon(connect)
        await fake_media.receive_command("call.connect")
        began = trio.current_time()
        await fake_media.while_accepting(lambda: leave(call), name)
        assert trio.current_time() == began
        assert call.state is CallState.DISCONNECTED


async def test_what_waits_behind_a_ringing_connect_is_overtaken_too(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call, trio.open_nursery() as nursery:

        async def connect() -> None:
            with pytest.raises(WSSCallClosedError):
                await call.connect()

        for _ in range(2):
            nursery.start_soon(connect)
        await fake_media.receive_command("call.connect")
        await fake_media.while_accepting(call.close, "call.close")
        assert [command.command for command in fake_media.commands] == [
            "call.answer",
            "call.connect",
            "call.close",
        ]


async def test_a_connect_that_succeeds_does_not_stop_leaving(
    fake_media: FakeMedia,
) -> None:
    async with fake_media.open_answered_call() as call, trio.open_nursery() as nursery:
        with trio.move_on_after(1):
            await call.connect()
        connect = await fake_media.receive_command("call.connect")
        nursery.start_soon(call.close)
        close = await fake_media.receive_command("call.close")
        await fake_media.succeed(connect)
        await trio.testing.wait_all_tasks_blocked()
        assert call.state is CallState.CONNECTED
        await fake_media.succeed(close)
        await call.wait_disconnected()


async def test_a_refused_close_raises_and_the_call_goes_on(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call, trio.open_nursery() as nursery:

        async def close() -> None:
            with pytest.raises(WSSCallCommandError):
                await call.close()

        nursery.start_soon(close)
        await fake_media.fail(await fake_media.receive_command("call.close"), "NOT_NOW")
        await trio.testing.wait_all_tasks_blocked()
        assert call.state is CallState.ANSWERED
        await fake_media.while_accepting(call.connect, "call.connect")
        assert state_of(call) is CallState.CONNECTED


async def test_a_close_that_is_never_answered_raises_after_15_s(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        began = trio.current_time()
        with pytest.raises(WSSCallCommandTimeoutError):
            await call.close()
        assert trio.current_time() - began == pytest.approx(15)


@pytest.mark.parametrize("name", ["close", "disconnect"])
async def test_a_close_that_nobody_waits_for_is_given_up_too(
    fake_media: FakeMedia, name: str
) -> None:
    async with fake_media.open_answered_call() as call:
        with trio.move_on_after(1):
            await call.close()
        await fake_media.receive_command("call.close")
        await trio.sleep(15)
        await fake_media.while_accepting(call.connect, "call.connect")
        await fake_media.while_accepting(getattr(call, name), f"call.{name}")
        assert call.ending is not None
        assert call.ending.cause is EndCause(name.upper())


async def test_a_refused_close_is_not_how_the_call_has_ended(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        with trio.move_on_after(1):
            await call.close()
        await fake_media.fail(await fake_media.receive_command("call.close"), "NOT_NOW")
        await trio.testing.wait_all_tasks_blocked()
        await fake_media.while_accepting(call.disconnect, "call.disconnect")
        assert call.ending is not None
        assert call.ending.cause is EndCause.DISCONNECT


async def test_a_call_that_ends_while_it_is_left_has_been_left(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call, trio.open_nursery() as nursery:
        nursery.start_soon(call.disconnect)
        await fake_media.receive_command("call.disconnect")
        await fake_media.terminate()


async def test_a_lost_connection_is_close_but_not_disconnect(
    fake_media: FakeMedia,
) -> None:
    async with fake_media.open_answered_call() as call, trio.open_nursery() as nursery:

        async def disconnect() -> None:
            with pytest.raises(WSSMediaError):
                await call.disconnect()

        nursery.start_soon(call.close)
        nursery.start_soon(disconnect)
        await trio.testing.wait_all_tasks_blocked()
        await fake_media.cut()


async def test_close_lets_a_pending_call_ring_on_without_a_word(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call:
        await call.close()
        assert call.state is CallState.DISCONNECTED
        assert fake_media.connections == 0


async def test_disconnect_declines_a_pending_call(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call:
        await fake_media.while_accepting(call.disconnect, "call.disconnect")
        assert call.state is CallState.DISCONNECTED


async def test_close_ends_a_connect_that_rings_for_a_pending_call(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call, trio.open_nursery() as nursery:

        async def connect() -> None:
            with pytest.raises(WSSCallClosedError):
                await call.connect()

        nursery.start_soon(connect)
        await fake_media.receive_command("call.connect")
        await fake_media.while_accepting(call.close, "call.close")
        assert call.state is CallState.DISCONNECTED


async def test_close_wins_over_what_opens_the_connection(
    fake_media: FakeMedia,
) -> None:
    async with fake_media.open_call() as call, trio.open_nursery() as nursery:
        fake_media.exchange.accepting = trio.Event()

        async def answer() -> None:
            with pytest.raises((WSSCallClosedError, WSSMediaError)):
                await call.answer()

        nursery.start_soon(answer)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(call.close)
        await trio.testing.wait_all_tasks_blocked()
        fake_media.exchange.accepting.set()
        await trio.testing.wait_all_tasks_blocked()
        for command in list(fake_media.commands):
            await fake_media.succeed(command)
        await call.wait_disconnected()


@LEAVES
async def test_queued_audio_goes_out_before_the_command(
    fake_media: FakeMedia, leave: Leave, name: str
) -> None:
    goodbye = noise(0.5, 24000, seed=1)
    async with fake_media.open_answered_call() as call, trio.open_nursery() as nursery:
        await call.send_audio(goodbye)
        nursery.start_soon(leave, call)
        await trio.testing.wait_all_tasks_blocked()
        assert fake_media.commands[-1].command == "call.answer"
        for _ in range(len(goodbye) // 960):
            await fake_media.grant(960)
        await fake_media.accept(name)
    assert fake_media.said == goodbye


async def test_who_leaves_waits_for_no_whole_frame(fake_media: FakeMedia, wire: WireName) -> None:
    goodbye = noise(0.01, 24000, seed=1)
    async with fake_media.open_answered_call() as call:
        await fake_media.grant(9600)
        await call.send_audio(goodbye)
        await trio.testing.wait_all_tasks_blocked()
        assert fake_media.audio == []
        await fake_media.while_accepting(call.close, "call.close")
    assert fake_media.audio == [as_it_is_sent(goodbye, wire)]


async def test_who_does_not_pull_is_waited_for_the_audio_plus_2_s(
    fake_media: FakeMedia,
) -> None:
    async with fake_media.open_answered_call() as call:
        await call.send_audio(noise(3.0, 24000, seed=1))
        began = trio.current_time()
        await fake_media.while_accepting(call.disconnect, "call.disconnect")
        assert trio.current_time() - began == pytest.approx(5)


@LEAVES
async def test_without_flush_the_command_goes_out_at_once(
    fake_media: FakeMedia, leave: Callable[..., Awaitable[None]], name: str
) -> None:
    async with fake_media.open_answered_call() as call:
        await call.send_audio(noise(3.0, 24000, seed=1))
        began = trio.current_time()
        await fake_media.while_accepting(lambda: leave(call, flush=False), name)
        assert trio.current_time() == began


@LEAVES
async def test_cancelling_skips_the_flush_and_still_leaves(
    fake_media: FakeMedia, leave: Leave, name: str
) -> None:
    async with fake_media.open_answered_call() as call:
        await call.send_audio(noise(3.0, 24000, seed=1))
        with trio.move_on_after(1) as patience:
            await leave(call)
        assert patience.cancelled_caught
        await fake_media.accept(name)
        await call.wait_disconnected()


@LEAVES
async def test_a_scope_that_was_cancelled_before_still_leaves(
    fake_media: FakeMedia, leave: Leave, name: str
) -> None:
    async with fake_media.open_answered_call() as call:
        with trio.CancelScope() as scope:
            scope.cancel()
            await leave(call)
        assert scope.cancelled_caught
        await fake_media.accept(name)
        await call.wait_disconnected()


async def test_a_call_that_ends_during_the_flush_needs_no_command(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call, trio.open_nursery() as nursery:
        await call.send_audio(noise(3.0, 24000, seed=1))
        nursery.start_soon(call.close)
        await trio.testing.wait_all_tasks_blocked()
        await fake_media.terminate()
    assert [command.command for command in fake_media.commands] == ["call.answer"]


async def test_closing_a_call_that_cannot_be_opened_releases_it(
    fake_media: FakeMedia,
) -> None:
    async with fake_media.open_call() as call, trio.open_nursery() as nursery:
        fake_media.exchange.accepting = trio.Event()

        async def answer() -> None:
            with pytest.raises((WSSCallClosedError, WSSMediaError)):
                await call.answer()

        nursery.start_soon(answer)
        await trio.testing.wait_all_tasks_blocked()
        await call.close()
        assert call.state is CallState.DISCONNECTED
        fake_media.exchange.accepting.set()
