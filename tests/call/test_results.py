"""What the exchange says beyond yes and no: results of commands, and the details of faults."""

from __future__ import annotations

import json
import pickle
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
import trio.testing

from tests.support.peers.one_call import CALL_IN, FakeMedia
from tests.support.transports import on_one_transport
from trio_calls import ActiveCall, WSSCallFaultError, events
from trio_calls.wire.commands import CommandResponse

pytestmark = on_one_transport

RESULTS: list[Any] = [None, {"legs": ["caller"], "since": 1.5}, ["a", 1], "words", 7, False, {}]
METHODS: list[tuple[str, Callable[[ActiveCall], Awaitable[object]]]] = [
    ("call.answer", ActiveCall.answer),
    ("call.connect", ActiveCall.connect),
    ("agent.whisper", ActiveCall.whisper),
    ("agent.spy", ActiveCall.spy),
    ("agent.barge", ActiveCall.barge),
]


async def ask(
    fake_media: FakeMedia, name: str, method: Callable[[], Awaitable[object]], result: object
) -> object:
    """Call a method, and let its command have this result. Returns what came of it."""
    came: list[object] = []

    async def call() -> None:
        came.append(await method())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(call)
        command = await fake_media.receive_command(name)
        await fake_media.send(CommandResponse(command.command_id, success=True, result=result))
    return came[0]


@pytest.mark.parametrize("result", RESULTS)
async def test_every_command_returns_its_result(fake_media: FakeMedia, result: object) -> None:
    async with fake_media.open_call() as call:
        for name, method in METHODS:
            assert await ask(fake_media, name, lambda: method(call), result) == result  # noqa: B023
        assert await ask(fake_media, "call.close", call.close, result) == result


async def test_so_does_disconnect(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call:
        assert await ask(fake_media, "call.disconnect", call.disconnect, "bye") == "bye"
        assert await call.disconnect() is None


async def test_where_nothing_is_sent_there_is_none(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call:
        assert await call.close() is None
        assert await call.close() is None


def fault(**data: object) -> str:
    return json.dumps({"type": "call_event", "data": {"event": "call.error", **data}})


async def told_of(fake_media: FakeMedia, *frames: str) -> list[WSSCallFaultError]:
    told: list[WSSCallFaultError] = []
    async with fake_media.open_answered_call() as call:
        call.on(events.CALL_ERROR)(told.append)
        for frame in frames:
            await fake_media.send(frame)
        await trio.testing.wait_all_tasks_blocked()
        await fake_media.while_accepting(call.close, "call.close")
    return told


async def test_a_fault_comes_with_whatever_else_is_said_of_it(fake_media: FakeMedia) -> None:
    more = {"leg": "caller", "retry": {"after": 3, "times": [1, 2]}, "is_final": False}
    (error,) = await told_of(fake_media, fault(error_code="TTS_SESSION_ERROR", **more))
    assert error.error_code == "TTS_SESSION_ERROR"
    assert error.details == more
    assert str(error) == "the exchange reports a fault in the call (TTS_SESSION_ERROR)"
    assert "caller" not in repr(error)
    assert pickle.loads(pickle.dumps(error)).details == more


async def test_or_with_nothing_else(fake_media: FakeMedia) -> None:
    (error,) = await told_of(fake_media, fault(error_code="X", error_message="words", more=None))
    assert error.details == {}


async def test_details_are_fit_for_a_log(fake_media: FakeMedia) -> None:
    said = {f"key {CALL_IN.token}": [f"\x1b[2J\nERROR {CALL_IN.token}"], "(rest)": {"a": 1}}
    (error,) = await told_of(fake_media, fault(**said))
    assert error.details == {"key ***": ["[2JERROR ***"], "(rest)": {"a": 1}}


async def test_who_changes_them_changes_nobody_elses(fake_media: FakeMedia) -> None:
    frame = fault(error_code="X", inner={"count": 1})
    first, second = await told_of(fake_media, frame, frame)
    first.details["inner"]["count"] = 2
    assert second.details == {"inner": {"count": 1}}


@pytest.mark.parametrize("code", [7, None, {"a": 1}, "x" * 5000])
async def test_a_code_that_makes_no_sense_is_no_detail(fake_media: FakeMedia, code: object) -> None:
    (error,) = await told_of(fake_media, fault(error_code=code, leg="caller"))
    assert (error.error_code, error.details) == ("UNKNOWN", {"leg": "caller"})
