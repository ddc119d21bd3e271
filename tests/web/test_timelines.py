"""What the agent's voice notes reaches the tabs of its call."""

from __future__ import annotations

import trio
from trio.testing import MockClock

from tests.support.peers.tab import open_browser
from trio_calls import ActiveCall
from trio_calls.simulator import Simulator
from trio_calls.testing import run_agent
from trio_calls.voice import open_voice
from trio_calls.web._timelines import pass_on_timelines


async def test_tabs_see_the_timeline_of_their_call(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async def note(call: ActiveCall) -> None:
        await call.answer()
        async with open_voice(call) as voice:
            voice.note("for", number=call.caller_number)
            await call.wait_disconnected()

    async with open_browser(simulator) as browser:
        with pass_on_timelines(browser.switchboard):
            async with run_agent(note, simulator):
                tabs = [await browser.open_tab() for _ in range(2)]
                for tab in tabs:
                    tab.send("dial", to="+65 1")
                    await tab.wait("call", state="ANSWERED")
                await trio.sleep(1)
                for tab in tabs:
                    tab.send("hang_up")
                    await tab.wait("recordings")
    for tab in tabs:
        records = [told["record"] for told in tab.told("timeline")]
        assert records[0]["kind"] == "call"
        (noted,) = [record for record in records if record["kind"] == "note"]
        assert noted["details"] == {"number": tab.told("hello")[0]["number"]}
