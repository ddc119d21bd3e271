"""The menu of what can go wrong."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from tests.support.peers.tab import open_browser
from trio_calls import ActiveCall, WSSCallCommandError, WSSCallCommandTimeoutError
from trio_calls.simulator import Simulator
from trio_calls.testing import run_agent


async def listen(call: ActiveCall) -> None:
    await call.answer()
    await call.wait_disconnected()


async def test_the_media_connection_can_be_cut(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async with open_browser(simulator) as browser, run_agent(listen, simulator):
        tab = await browser.open_tab()
        tab.send("dial", to="+65 1")
        await tab.wait("call", state="ANSWERED")
        tab.send("fault", name="cut_media")
        await tab.wait(
            "call",
            state="DISCONNECTED",
            ending="The agent was lost: its media connection broke.",
        )
        told = [event["text"] for event in tab.told("event")]
        assert "media connection: fault: cut_media" in told


async def test_the_media_connection_can_stall(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async def talk(call: ActiveCall) -> None:
        await call.answer()
        while True:
            await call.send_audio(b"\1\1" * 480)

    async with open_browser(simulator) as browser, run_agent(talk, simulator):
        tab = await browser.open_tab()
        tab.send("dial", to="+65 1")
        await tab.wait("call", state="ANSWERED")
        await trio.sleep(1)
        tab.send("fault", name="stall")
        await trio.sleep(0.5)
        before = len(tab.heard)
        await trio.sleep(3)
        assert not any(tab.heard[before:])
        await trio.sleep(3)
        assert any(tab.heard[before:])
        tab.send("hang_up")


@pytest.mark.parametrize("fault", ["never_answer", "refuse"])
async def test_faults_of_commands_wait_for_them(
    simulator: Simulator, autojump_clock: MockClock, fault: str
) -> None:
    failures: list[type[Exception]] = []

    async def put_through(call: ActiveCall) -> None:
        await call.answer()
        try:
            await call.connect(ring_time_seconds=5)
        except (WSSCallCommandError, WSSCallCommandTimeoutError) as error:
            failures.append(type(error))
        await call.disconnect()

    async with open_browser(simulator) as browser, run_agent(put_through, simulator):
        tab = await browser.open_tab()
        tab.send("fault", name=fault)
        tab.send("dial", to="+65 1")
        await tab.wait("call", state="DISCONNECTED")
        assert failures == [
            WSSCallCommandTimeoutError if fault == "never_answer" else WSSCallCommandError
        ]
