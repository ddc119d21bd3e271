"""Something fails in a handler: who is cancelled, what is heard, what goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio

from tests.support.phone_calls import A, D, P, speech
from tests.support.served_calls import hang_up_after, served_call, sounds
from trio_calls import ActiveCall, events
from trio_calls.simulator import Simulator
from trio_calls.voice import open_voice

SIX_SECONDS = speech(1, 6)


async def fail_after(seconds: float) -> None:
    await trio.sleep(seconds)
    raise RuntimeError("no database")


async def test_a_child_fails_with_six_seconds_queued(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    cancelled: list[float] = []

    async def listen(call: ActiveCall) -> None:
        try:
            await trio.sleep_forever()
        finally:
            cancelled.append(trio.current_time())

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen, call)
            nursery.start_soon(fail_after, 1)
            await call.send_audio(SIX_SECONDS)

    async with served_call(simulator, handle) as call:
        await call.caller.wait_talking()
        answered_at = trio.current_time()
        await call.wait_ended()
        left_after = trio.current_time() - answered_at
    assert cancelled == [pytest.approx(answered_at + 1, abs=0.1)]
    assert sounds(call.caller.heard) == SIX_SECONDS
    assert left_after == pytest.approx(6, abs=0.2)
    assert call.agent_states == [P, A, D]
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "no database" in caplog.text


async def test_what_a_voice_was_saying_is_cut_off(simulator: Simulator) -> None:
    async def handle(call: ActiveCall) -> None:
        await call.answer()
        async with open_voice(call) as voice, trio.open_nursery() as nursery:
            nursery.start_soon(fail_after, 1)
            await voice.say(SIX_SECONDS)

    async with served_call(simulator, handle) as call:
        await call.wait_ended()
    heard = sounds(call.caller.heard)
    assert SIX_SECONDS.startswith(heard)
    assert len(heard) == pytest.approx(48_000, abs=2_000)


async def test_except_exception_lets_a_cancellation_pass(simulator: Simulator) -> None:
    attempts: list[float] = []

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        while True:
            try:
                await fail_after(1)
            except Exception:
                attempts.append(trio.current_time())

    async with served_call(simulator, handle, after_call_seconds=5) as call:
        hung_up_at = await hang_up_after(call, 2.5)
    assert hung_up_at + 4 < attempts[-1] < hung_up_at + 5


async def test_a_nursery_raises_a_group_and_a_voice_does_not(simulator: Simulator) -> None:
    raised: list[type[BaseException]] = []

    async def synthesize() -> AsyncIterator[bytes]:
        yield SIX_SECONDS
        await fail_after(1)

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(fail_after, 1)
        except ExceptionGroup as group:
            raised.extend([type(group), type(group.exceptions[0])])
        try:
            async with open_voice(call) as voice:
                await voice.say(synthesize())
        except RuntimeError as error:
            raised.append(type(error))

    async with served_call(simulator, handle) as call:
        await call.wait_ended()
    assert raised == [ExceptionGroup, RuntimeError, RuntimeError]


async def test_an_event_handler_that_hangs_holds_up_nothing(simulator: Simulator) -> None:
    happened: list[tuple[str, float]] = []

    async def handle(call: ActiveCall) -> None:
        @call.on(events.CALL_ANSWERED)
        async def hang() -> None:
            try:
                await trio.sleep_forever()
            finally:
                happened.append(("cancelled", trio.current_time()))

        @call.on(events.CALL_TERMINATED)
        def note() -> None:
            happened.append(("terminated", trio.current_time()))

        await call.answer()
        await call.send_audio(speech(1))

    async with served_call(simulator, handle) as call:
        await call.wait_ended()
        ended_at = trio.current_time()
    assert sounds(call.caller.heard) == speech(1)
    assert [what for what, _ in happened] == ["terminated", "cancelled"]
    assert [at - ended_at for _, at in happened] == pytest.approx([0, 30], abs=0.1)
