"""An application's commands, and what the exchange may make of them."""

from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from tests.support.peers.exchange import http
from tests.support.peers.one_call import FakeMedia, state_of
from trio_calls import (
    ActiveCall,
    AgentMode,
    CallState,
    WSSCallClosedError,
    WSSCallCommandError,
    WSSCallCommandTimeoutError,
    WSSCallStateError,
    WSSMediaError,
    __version__,
)
from trio_calls.config import WireName

#: As which version of the official client an agent introduces itself.
SDK_VERSIONS = {"first": "1.0.0", "second": "1.0.0b8"}


def mode_of(call: ActiveCall) -> AgentMode | None:
    return call.mode


async def test_the_media_connection_opens_with_the_first_command(
    fake_media: FakeMedia, wire: WireName
) -> None:
    async with fake_media.open_call() as call:
        assert fake_media.connections == 0
        await fake_media.while_accepting(call.answer, "call.answer")
        assert fake_media.connections == 1
        [(_, headers)] = fake_media.exchange.requests
        assert headers["authorization"] == "Bearer bearer-token"
        assert headers["x-sdk-version"] == SDK_VERSIONS[wire]
        assert headers["user-agent"] == f"trio_calls/{__version__}"
        assert call.state is CallState.ANSWERED


async def test_each_mode_is_a_command_and_then_a_fact(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call:
        assert mode_of(call) is None
        await fake_media.while_accepting(call.connect, "call.connect")
        assert call.state is CallState.CONNECTED
        assert mode_of(call) is AgentMode.BARGE
        for method, name, mode in (
            (call.whisper, "agent.whisper", AgentMode.WHISPER),
            (call.spy, "agent.spy", AgentMode.SPY),
            (call.barge, "agent.barge", AgentMode.BARGE),
        ):
            await fake_media.while_accepting(method, name)
            assert mode_of(call) is mode


async def test_the_ring_time_travels_with_connect(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call, trio.open_nursery() as nursery:
        nursery.start_soon(call.connect, 45)
        command = await fake_media.receive_command("call.connect")
        assert command.data is not None
        assert command.data.ring_time_seconds == 45
        assert command.timeout_ms == 45_000
        await fake_media.succeed(command)


@pytest.mark.parametrize("seconds", [0, 0.5, 121, -1, float("nan"), True, "60"])
async def test_a_senseless_ring_time_is_refused_unsent(
    fake_media: FakeMedia, seconds: float
) -> None:
    async with fake_media.open_call() as call:
        with pytest.raises(ValueError, match="from 1 to 120"):
            await call.connect(ring_time_seconds=seconds)
        assert fake_media.connections == 0


async def test_an_illegal_command_sends_nothing(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call:
        with pytest.raises(WSSCallStateError, match=r"whisper\(\) is not allowed in PENDING"):
            await call.whisper()
        assert fake_media.connections == 0


async def test_a_refused_command_leaves_the_call_as_it_was(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call, trio.open_nursery() as nursery:

        async def connect() -> None:
            with pytest.raises(WSSCallCommandError) as caught:
                await call.connect()
            assert caught.value.error_code == "CALL_UNANSWERED"
            assert caught.value.error_message == "nobody home"

        nursery.start_soon(connect)
        command = await fake_media.receive_command("call.connect")
        await fake_media.fail(command, "CALL_UNANSWERED", "nobody home")
        await trio.testing.wait_all_tasks_blocked()
        assert call.state is CallState.ANSWERED


async def test_the_exchange_s_own_timeout_has_an_error_of_its_own(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call, trio.open_nursery() as nursery:

        async def answer() -> None:
            with pytest.raises(WSSCallCommandTimeoutError):
                await call.answer()

        nursery.start_soon(answer)
        await fake_media.fail(await fake_media.receive_command("call.answer"), "TIMEOUT")


async def test_an_exchange_that_never_answers_is_given_up_after_15_s(
    fake_media: FakeMedia,
) -> None:
    async with fake_media.open_call() as call:
        began = trio.current_time()
        with pytest.raises(WSSCallCommandTimeoutError):
            await call.answer()
        assert trio.current_time() - began == pytest.approx(15)
        assert call.state is CallState.PENDING


async def test_an_answer_after_the_exchange_was_given_up_still_counts(
    fake_media: FakeMedia,
) -> None:
    async with fake_media.open_call() as call:
        with pytest.raises(WSSCallCommandTimeoutError):
            await call.answer()
        await fake_media.accept("call.answer")
        await trio.testing.wait_all_tasks_blocked()
        assert call.state is CallState.ANSWERED


async def test_a_cancelled_connect_that_succeeds_late_still_connects(
    fake_media: FakeMedia,
) -> None:
    async with fake_media.open_call() as call:
        with trio.move_on_after(3) as patience:
            await call.connect()
        assert patience.cancelled_caught
        assert call.state is CallState.PENDING
        await fake_media.accept("call.connect")
        await trio.testing.wait_all_tasks_blocked()
        assert state_of(call) is CallState.CONNECTED


async def test_commands_go_out_one_at_a_time_and_in_order(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call, trio.open_nursery() as nursery:
        await fake_media.while_accepting(call.connect, "call.connect")
        for method in (call.whisper, call.spy, call.barge):
            nursery.start_soon(method)
            await trio.testing.wait_all_tasks_blocked()
        for name in ("agent.whisper", "agent.spy", "agent.barge"):
            await trio.testing.wait_all_tasks_blocked()
            assert fake_media.commands[-1].command == name
            await fake_media.accept(name)


async def test_a_command_whose_waiter_was_cancelled_keeps_its_turn(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call, trio.open_nursery() as nursery:
        with trio.move_on_after(1):
            await call.connect()
        nursery.start_soon(call.answer)
        await trio.testing.wait_all_tasks_blocked()
        connect = await fake_media.receive_command("call.connect")
        assert len(fake_media.commands) == 1
        await fake_media.fail(connect, "CALL_UNANSWERED")
        await fake_media.accept("call.answer")
        await trio.testing.wait_all_tasks_blocked()
        assert call.state is CallState.ANSWERED


async def test_an_unanswered_predecessor_holds_its_turn_for_its_time(
    fake_media: FakeMedia,
) -> None:
    async with fake_media.open_call() as call:
        with trio.move_on_after(1):
            await call.connect(ring_time_seconds=20)
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call.answer)
            await fake_media.receive_command("call.connect")
            await fake_media.accept("call.answer")
        assert trio.current_time() - began == pytest.approx(24)


async def test_what_became_illegal_while_it_waited_is_not_sent(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call, trio.open_nursery() as nursery:
        nursery.start_soon(call.connect)
        await trio.testing.wait_all_tasks_blocked()

        async def answer_too_late() -> None:
            with pytest.raises(WSSCallStateError):
                await call.answer()

        nursery.start_soon(answer_too_late)
        await trio.testing.wait_all_tasks_blocked()
        await fake_media.accept("call.connect")
        await trio.testing.wait_all_tasks_blocked()
        assert [command.command for command in fake_media.commands] == ["call.connect"]


async def test_the_exchange_s_word_does_not_wait_for_a_waiter(fake_media: FakeMedia) -> None:
    """A duplicate or an unknown response changes nothing and is counted."""
    async with fake_media.open_call() as call, trio.open_nursery() as nursery:
        nursery.start_soon(call.answer)
        command = await fake_media.receive_command("call.answer")
        await fake_media.succeed(command)
        await fake_media.succeed(command)
        await fake_media.fail(command, "LATE")
        await trio.testing.wait_all_tasks_blocked()
        assert call.state is CallState.ANSWERED
        assert call.statistics().invalid_messages == 2


@pytest.mark.parametrize(
    ("end", "expected"),
    [(FakeMedia.terminate, WSSCallClosedError), (FakeMedia.cut, WSSMediaError)],
)
@pytest.mark.parametrize("method", [ActiveCall.answer, ActiveCall.connect])
async def test_a_command_ends_at_once_with_its_call(
    fake_media: FakeMedia,
    method: Callable[[ActiveCall], Awaitable[None]],
    end: Callable[[FakeMedia], Awaitable[None]],
    expected: type[Exception],
) -> None:
    async with fake_media.open_call() as call, trio.open_nursery() as nursery:
        began = trio.current_time()

        async def run_command() -> None:
            with pytest.raises(expected):
                await method(call)
            assert trio.current_time() == began
            assert call.state is CallState.DISCONNECTED

        nursery.start_soon(run_command)
        await trio.testing.wait_all_tasks_blocked()
        await end(fake_media)


async def test_commands_that_wait_for_their_turn_end_with_the_call(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call, trio.open_nursery() as nursery:
        await fake_media.while_accepting(call.connect, "call.connect")

        async def fail(method: Callable[[], Awaitable[object]]) -> None:
            with pytest.raises(WSSCallClosedError):
                await method()

        for method in (call.whisper, call.spy):
            nursery.start_soon(fail, method)
            await trio.testing.wait_all_tasks_blocked()
        await fake_media.terminate()


async def test_a_refused_media_connection_leaves_the_call_ringing(
    fake_media: FakeMedia,
) -> None:
    async with fake_media.open_call() as call:
        fake_media.exchange.answers.append(http(401, "bearer-token is not known"))
        with pytest.raises(WSSMediaError) as caught:
            await call.answer()
        assert "401" in str(caught.value)
        assert "bearer-token" not in str(caught.value)
        assert call.state is CallState.PENDING
        await fake_media.while_accepting(call.answer, "call.answer")
        assert state_of(call) is CallState.ANSWERED


async def test_a_media_connection_is_given_up_after_10_s(
    fake_media: FakeMedia,
) -> None:
    async with fake_media.open_call() as call:
        fake_media.exchange.accepting = trio.Event()
        began = trio.current_time()
        with pytest.raises(WSSMediaError, match="no answer within 10 s"):
            await call.answer()
        assert trio.current_time() - began == pytest.approx(10)
        fake_media.exchange.accepting.set()


async def test_a_cancelled_command_leaves_its_connection_opening(
    fake_media: FakeMedia,
) -> None:
    async with fake_media.open_call() as call:
        fake_media.exchange.accepting = trio.Event()
        with trio.move_on_after(1):
            await call.answer()
        fake_media.exchange.accepting.set()
        await fake_media.while_accepting(call.answer, "call.answer")
        assert fake_media.connections == 1
        assert len(fake_media.commands) == 1


async def test_two_first_commands_share_one_connection(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call, trio.open_nursery() as nursery:
        nursery.start_soon(call.connect)
        nursery.start_soon(call.answer)
        await trio.testing.wait_all_tasks_blocked()
        assert fake_media.connections == 1
        nursery.cancel_scope.cancel()


async def test_a_call_outside_its_scope_takes_no_commands(fake_media: FakeMedia) -> None:
    call = fake_media.make_call().active_call
    with pytest.raises(WSSCallClosedError, match="scope"):
        await call.answer()
