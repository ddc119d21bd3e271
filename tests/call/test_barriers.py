"""What is said after a mode command waits for its end, whatever that is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio
import trio.lowlevel
import trio.testing

from tests.support.peers.one_call import FRAME, FakeMedia, frames
from trio_calls import ActiveCall, AgentMode, WSSCallClosedError, WSSCallCommandError

SAID = b"".join(frames(3, 1))
NEXT = b"".join(frames(2, 2))


@asynccontextmanager
async def connected(fake_media: FakeMedia) -> AsyncIterator[ActiveCall]:
    """Keep open the scope of a call in a conference, with credit for everything."""
    async with fake_media.open_answered_call() as call:
        await fake_media.while_accepting(call.connect, "call.connect")
        await fake_media.grant(100 * FRAME)
        await trio.testing.wait_all_tasks_blocked()
        yield call


async def test_it_waits_for_the_answer(fake_media: FakeMedia) -> None:
    async with connected(fake_media) as call, trio.open_nursery() as nursery:
        await call.send_audio(SAID)
        nursery.start_soon(call.whisper)
        await trio.testing.wait_all_tasks_blocked()
        call.send_audio_nowait(NEXT)
        whisper = await fake_media.receive_command("agent.whisper")
        await trio.sleep(1)
        assert fake_media.said == SAID
        await fake_media.succeed(whisper)
        await trio.testing.wait_all_tasks_blocked()
        assert fake_media.said == SAID + NEXT


async def test_it_goes_out_when_the_exchange_refuses(fake_media: FakeMedia) -> None:
    async with connected(fake_media) as call, trio.open_nursery() as nursery:

        async def whisper() -> None:
            with pytest.raises(WSSCallCommandError):
                await call.whisper()

        nursery.start_soon(whisper)
        command = await fake_media.receive_command("agent.whisper")
        await call.send_audio(NEXT)
        await fake_media.fail(command, "INVALID_STATE")
        await trio.testing.wait_all_tasks_blocked()
        assert fake_media.said == NEXT
        assert call.mode is AgentMode.BARGE


async def test_a_waiter_cancelled_before_it_was_sent_holds_nothing(
    fake_media: FakeMedia,
) -> None:
    async with connected(fake_media) as call:
        await call.send_audio(SAID)
        with trio.move_on_after(0.01):
            await call.whisper()
        await call.send_audio(NEXT)
        await trio.testing.wait_all_tasks_blocked()
        assert fake_media.said == SAID + NEXT
        assert fake_media.commands[-1].command == "call.connect"


@pytest.mark.parametrize("answers", [True, False])
async def test_a_waiter_cancelled_after_that_holds_on_to_its_end(
    fake_media: FakeMedia, answers: bool
) -> None:
    async with connected(fake_media) as call:
        began = trio.current_time()
        with trio.move_on_after(0.01):
            await call.whisper()
        whisper = await fake_media.receive_command("agent.whisper")
        await call.send_audio(NEXT)
        await trio.sleep_until(began + 14.9)
        assert fake_media.said == b""
        if answers:
            await fake_media.succeed(whisper)
            await trio.testing.wait_all_tasks_blocked()
        else:
            await trio.sleep_until(began + 15.1)
        assert fake_media.said == NEXT


async def whisper_until_overtaken(call: ActiveCall) -> None:
    with pytest.raises(WSSCallClosedError, match="overtaken"):
        await call.whisper()


async def test_what_is_never_answered_leaks_nothing_on_the_way_out(
    fake_media: FakeMedia,
) -> None:
    async with connected(fake_media) as call, trio.open_nursery() as nursery:
        nursery.start_soon(whisper_until_overtaken, call)
        await fake_media.receive_command("agent.whisper")
        await call.send_audio(NEXT)
        began = trio.current_time()
        nursery.start_soon(call.close)
        close = await fake_media.receive_command("call.close")
        assert 2 <= trio.current_time() - began < 2.5
        await call.send_audio(NEXT)
        await trio.sleep(1)
        await fake_media.succeed(close)
        await call.wait_disconnected()
    assert fake_media.said == b""


async def test_a_close_that_nobody_answers_holds_back_no_longer(fake_media: FakeMedia) -> None:
    async with connected(fake_media) as call, trio.open_nursery() as nursery:
        nursery.start_soon(whisper_until_overtaken, call)
        await fake_media.receive_command("agent.whisper")
        await call.send_audio(SAID)
        with trio.move_on_after(1):
            await call.close()
        await call.send_audio(NEXT)
        await trio.sleep(15.1)
        assert fake_media.said == NEXT


async def test_who_does_not_pull_drops_what_is_left(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        await fake_media.while_accepting(call.connect, "call.connect")
        await call.send_audio(bytes(2 * 48_000))
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call.whisper)
            await trio.testing.wait_all_tasks_blocked()
            await call.send_audio(NEXT)
            await fake_media.accept("agent.interrupt")
            assert trio.current_time() - began == pytest.approx(4)
            await fake_media.accept("agent.whisper")
        await fake_media.grant(100 * FRAME)
        await trio.testing.wait_all_tasks_blocked()
        assert fake_media.said == NEXT


async def test_without_flush_the_answer_to_the_interrupt_comes_first(
    fake_media: FakeMedia,
) -> None:
    async with connected(fake_media) as call, trio.open_nursery() as nursery:
        await call.send_audio(SAID)
        nursery.start_soon(lambda: call.spy(flush=False))
        interrupt = await fake_media.receive_command("agent.interrupt")
        await trio.sleep(1)
        assert fake_media.commands[-1].command == "agent.interrupt"
        await fake_media.succeed(interrupt)
        await fake_media.accept("agent.spy")


async def test_without_flush_nothing_is_dropped_if_nothing_was_said(
    fake_media: FakeMedia,
) -> None:
    async with connected(fake_media) as call:
        await fake_media.while_accepting(lambda: call.spy(flush=False), "agent.spy")


@pytest.mark.parametrize("size", [FRAME, 3 * FRAME - 2])
async def test_nor_if_all_of_it_was_played(fake_media: FakeMedia, size: int) -> None:
    async with connected(fake_media) as call:
        await call.send_audio(SAID[:size])
        await trio.sleep(1)
        await fake_media.while_accepting(lambda: call.spy(flush=False), "agent.spy")


async def test_a_pickup_without_music_is_not_interrupted(fake_media: FakeMedia) -> None:
    async with connected(fake_media):
        assert fake_media.commands[-1].command == "call.connect"


Leave = Callable[[ActiveCall], Awaitable[None]]


@pytest.mark.parametrize("leave", [ActiveCall.close, ActiveCall.disconnect])
async def test_leaving_ends_who_waits_to_be_heard_at_once(
    fake_media: FakeMedia, leave: Leave
) -> None:
    async with connected(fake_media) as call, trio.open_nursery() as nursery:
        await call.send_audio(bytes(48_000))

        async def whisper() -> None:
            with pytest.raises(WSSCallClosedError, match="before"):
                await call.whisper()

        nursery.start_soon(whisper)
        await trio.testing.wait_all_tasks_blocked()
        began = trio.current_time()
        await fake_media.while_accepting(
            lambda: leave(call, flush=False),  # type: ignore[call-arg]
            "call.close" if leave is ActiveCall.close else "call.disconnect",
        )
        assert trio.current_time() == began
