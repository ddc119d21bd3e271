"""Log records say which call they belong to."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
import trio
import trio.lowlevel

from trio_calls import ActiveCall, events
from trio_calls.simulator import Simulator
from trio_calls.telemetry import CallIdFilter, add_call_id, get_call_id
from trio_calls.testing import run_agent

logger = logging.getLogger("tests.call_ids")


class Collector(logging.Handler):
    """Keeps what is logged: which call, and what."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append((record.__dict__["call_id"], record.getMessage()))


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    collector.addFilter(CallIdFilter())
    root = logging.getLogger()
    root.addHandler(collector)
    yield collector
    root.removeHandler(collector)


async def test_all_that_runs_for_a_call_says_so(simulator: Simulator, collector: Collector) -> None:
    async def later() -> None:
        await trio.sleep(1)
        logger.warning("task")

    async def handle(call: ActiveCall) -> None:
        @call.on(events.CALL_ANSWERED)
        def answered() -> None:
            logger.warning("plain event")

        @call.on(events.CALL_TERMINATED)
        async def terminated() -> None:
            await trio.lowlevel.checkpoint()
            logger.warning("last event")

        logger.warning("handler")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(later)
            await call.answer()
            await trio.to_thread.run_sync(logger.warning, "thread")
        raise LookupError("the SDK logs it")

    async with run_agent(handle, simulator, crash_on_handler_error=False):
        calls = [simulator.place_call() for _ in range(2)]
        logger.warning("test")
        for call in calls:
            await call.wait_ended()
        await trio.sleep(1)
    ours = {"handler", "plain event", "task", "thread", "last event", "test"}
    for call in calls:
        said = {message for call_id, message in collector.kept if call_id == call.call_id}
        assert said & ours == ours - {"test"}
        assert f"call {call.call_id}: its handler failed" in said
    assert ("-", "test") in collector.kept
    assert get_call_id() is None


async def test_the_id_can_be_asked_for(simulator: Simulator) -> None:
    found: list[str | None] = []

    async def handle(call: ActiveCall) -> None:
        found.append(get_call_id())
        await call.answer()

    async with run_agent(handle, simulator):
        call = simulator.place_call()
        await call.wait_ended()
    assert found == [call.call_id]


async def test_a_record_that_has_one_keeps_it(collector: Collector) -> None:
    logger.warning("of another", extra={"call_id": "another"})
    assert collector.kept == [("another", "of another")]


async def test_structlog_says_it_too(simulator: Simulator) -> None:
    said: list[dict[str, Any]] = []

    def keep(_: Any, __: str, event_dict: Any) -> str:
        said.append(dict(event_dict))
        raise structlog.DropEvent

    log = structlog.wrap_logger(None, processors=[add_call_id, keep])

    async def handle(call: ActiveCall) -> None:
        log.info("handler", rows=3)
        log.info("handler", call_id="another")
        await call.answer()

    log.info("test")
    async with run_agent(handle, simulator):
        call = simulator.place_call()
        await call.wait_ended()
    assert said == [
        {"event": "test"},
        {"event": "handler", "rows": 3, "call_id": call.call_id},
        {"event": "handler", "call_id": "another"},
    ]
