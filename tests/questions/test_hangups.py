"""The caller hangs up: what runs next, what is cancelled, what is left."""

from __future__ import annotations

import logging

import pytest
import trio

from tests.support.phone_calls import A, D, P, speech
from tests.support.served_calls import hang_up_after, rings, served_call
from trio_calls import ActiveCall, CallState, WSSCallClosedError, WSSCallEndedError
from trio_calls.simulator import Simulator, never_answers

SONG = speech(1)


async def sing(call: ActiveCall) -> None:
    while True:
        await call.send_audio(SONG)


async def test_while_the_phone_of_the_callee_rings(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="trio_calls.call_scope")
    raised: list[tuple[CallState, float]] = []
    finished: list[float] = []

    async def handle(call: ActiveCall) -> None:
        try:
            await call.connect()
        except WSSCallClosedError:
            raised.append((call.state, trio.current_time()))
            await trio.sleep(20)  # nothing was cancelled
            finished.append(trio.current_time())
            raise

    async with served_call(simulator, handle, never_answers()) as call:
        await trio.sleep(5)
        assert rings(call.callee)
        hung_up_at = trio.current_time()
        call.caller.hang_up()
    assert raised == [(D, hung_up_at)]
    assert finished == [hung_up_at + 20]
    assert not rings(call.callee)
    assert call.callee.heard == b""
    assert [(record.name, record.levelname) for record in caplog.records] == [
        ("trio_calls.call_scope", "DEBUG")
    ]


async def test_the_line_after_the_audio_loop_runs(simulator: Simulator) -> None:
    heard = bytearray()
    minutes: list[CallState] = []

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        async for chunk in call.audio_stream():
            heard.extend(chunk)
        await trio.sleep(20)
        minutes.append(call.state)

    async with served_call(simulator, handle) as call:
        await call.caller.say(speech(1))
        call.caller.hang_up()
    assert speech(1) in heard
    assert minutes == [D]


async def test_two_children_that_send_get_to_their_end(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    ended: list[float] = []

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        async with trio.open_nursery() as nursery:
            for seed in range(2):
                nursery.start_soon(call.send_audio, speech(seed, 30))
        ended.append(trio.current_time())

    async with served_call(simulator, handle) as call:
        hung_up_at = await hang_up_after(call, 1)
    assert ended == [hung_up_at]
    assert caplog.records == []


async def test_two_that_send_for_ever_are_cancelled_at_last(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    ended: list[float] = []

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(sing, call)
                nursery.start_soon(sing, call)
        finally:
            ended.append(trio.current_time())

    async with served_call(simulator, handle) as call:
        hung_up_at = await hang_up_after(call, 1)
    assert ended == [hung_up_at + 30]
    assert "its handler was cancelled 30 s after the call had ended" in caplog.text


async def test_in_a_hangup_scope_they_end_at_once(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    ended: list[float] = []

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        with call.cancel_on_hangup():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(sing, call)
                nursery.start_soon(sing, call)
        ended.append(trio.current_time())

    async with served_call(simulator, handle) as call:
        hung_up_at = await hang_up_after(call, 1)
    assert ended == [hung_up_at]
    assert caplog.records == []


async def test_wait_audio_sent_returns_at_once(simulator: Simulator) -> None:
    returned: list[float] = []
    unheard: list[int] = []

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        await call.send_audio(speech(1, 5))
        await call.wait_audio_sent()
        returned.append(trio.current_time())
        assert call.state is D
        unheard.append(call.statistics().unheard_bytes)

    async with served_call(simulator, handle) as call:
        hung_up_at = await hang_up_after(call, 1)
    assert returned == [hung_up_at]
    assert unheard == [pytest.approx(4 * 48_000, abs=4_800)]


async def test_commands_on_a_call_that_is_over(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    refused: list[str] = []

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        await call.wait_disconnected()
        await call.close()
        await call.disconnect()
        for command in (call.answer, call.connect, call.whisper):
            try:
                await command()
            except WSSCallEndedError:
                refused.append(command.__name__)
        await call.connect()

    async with served_call(simulator, handle) as call:
        await hang_up_after(call, 1)
    assert refused == ["answer", "connect", "whisper"]
    assert call.agent_states == [P, A, D]
    assert caplog.records == []
