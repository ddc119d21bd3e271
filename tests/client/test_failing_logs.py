"""An application whose logging fails: a filter that wants what only its own tasks have."""

import logging
from collections.abc import Iterator
from contextvars import ContextVar
from io import StringIO

import pytest
import trio

from trio_calls import ActiveCall, CallState
from trio_calls.simulator import Simulator, cut_control
from trio_calls.testing import run_agent

request_id: ContextVar[str] = ContextVar("request_id")


class AddRequest(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


@pytest.fixture
def failing_logs() -> Iterator[None]:
    handler = logging.StreamHandler(StringIO())
    handler.addFilter(AddRequest())
    logger = logging.getLogger("trio_calls")
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)


async def test_calls_go_on_and_come(
    simulator: Simulator, failing_logs: None, capsys: pytest.CaptureFixture[str]
) -> None:
    async def handle(call: ActiveCall) -> None:
        await call.answer()
        await call.wait_disconnected()

    async with run_agent(handle, simulator):
        first = simulator.place_call()
        await trio.sleep(1)
        simulator.inject(cut_control())
        await trio.sleep(30)
        assert first.agent_states[-1] is CallState.ANSWERED
        second = simulator.place_call()
        await trio.sleep(1)
        assert second.agent_states[-1] is CallState.ANSWERED
        for call in (first, second):
            call.caller.hang_up()
            await call.wait_ended()
    assert "LookupError" in capsys.readouterr().err
