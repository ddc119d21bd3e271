"""Tabs as such: their numbers, what makes no sense, and how they go away."""

from __future__ import annotations

from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock

from tests.support.peers.tab import Browser, TabInMemory, open_browser
from tests.support.wires import on_one_wire
from trio_calls import ActiveCall
from trio_calls.simulator import Simulator
from trio_calls.testing import run_agent
from trio_calls.web._outbox import MAX_FRAMES

CALLER, CALLEE = "+65 9111 0000", "+65 6222 0000"


async def listen(call: ActiveCall) -> None:
    await call.answer()
    await call.wait_disconnected()


async def put_through(call: ActiveCall) -> None:
    await call.connect()
    await call.wait_disconnected()


async def call_from(browser: Browser) -> TabInMemory:
    tab = await browser.open_tab()
    tab.send("dial", to="+65 1")
    await tab.wait("call", state="ANSWERED")
    return tab


async def test_a_tab_is_greeted(simulator: Simulator, autojump_clock: MockClock) -> None:
    async with open_browser(simulator, agent="front_desk.py") as browser:
        tab = await browser.open_tab()
        (hello,) = tab.told("hello")
        assert hello["sample_rate"] == 24000
        assert (hello["number"], hello["dial"]) == (CALLER, CALLEE)
        assert hello["agent"] == "front_desk.py"
        assert {"cut_media", "stall", "never_answer"} <= {f["name"] for f in hello["faults"]}
        assert all(fault["title"] for fault in hello["faults"])


async def test_the_first_two_tabs_call_each_other(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async with open_browser(simulator) as browser:
        tabs = [await browser.open_tab() for _ in range(3)]
        hellos = [tab.told("hello")[0] for tab in tabs]
        assert [(hello["number"], hello["dial"]) for hello in hellos] == [
            (CALLER, CALLEE),
            (CALLEE, CALLER),
            ("+65 9111 0001", CALLEE),
        ]


async def test_a_number_is_free_again_after_a_reload(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async with open_browser(simulator) as browser:
        tab = await browser.open_tab()
        tab.leave()
        await trio.sleep(0.1)
        assert (await browser.open_tab()).told("hello")[0]["number"] == CALLER


async def test_two_tabs_cannot_have_one_number(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async with open_browser(simulator) as browser:
        await browser.open_tab()
        other = await browser.open_tab()
        other.send("register", number=CALLER)
        assert (await other.wait("error", about="register"))["message"] == (
            f"Another tab has the number {CALLER}."
        )
        other.send("register", number=CALLEE)
        await other.wait("registered", number=CALLEE)


@pytest.mark.parametrize("number", ["", "  ", "a\nb", "x" * 513])
async def test_not_everything_is_a_number(
    simulator: Simulator, autojump_clock: MockClock, number: str
) -> None:
    async with open_browser(simulator) as browser:
        tab = await browser.open_tab()
        tab.send("dial", to=number)
        await tab.wait("error")
        tab.send("register", number=number)
        await tab.wait("error")
        assert simulator.calls == []


async def test_a_phone_does_not_call_itself(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async with open_browser(simulator) as browser:
        tab = await browser.open_tab()
        tab.send("dial", to=CALLER)
        await tab.wait("error", about="dial")
        assert simulator.calls == []


@pytest.mark.parametrize(
    "message",
    [
        *("", "{", "[]", "[" * 99, b"\0", bytes(4802)),
        *('{"type":"dial"}', '{"type":"dial","to":7}', '{"type":"write"}'),
        *('{"type":"write","text":{}}', '{"type":"write","text":"\\ud800"}'),
        f'{{"type":"write","text":"{"x" * 4097}"}}',
    ],
)
async def test_what_makes_no_sense_ends_nothing(
    simulator: Simulator, autojump_clock: MockClock, message: str | bytes
) -> None:
    async with open_browser(simulator) as browser, run_agent(listen, simulator):
        tab = await call_from(browser)
        tab.send_raw(message)
        await tab.wait("error")
        tab.send("unheard_of")
        tab.send("answer")
        await trio.sleep(1)
        assert tab.told("call")[-1]["state"] == "ANSWERED"
        tab.send("hang_up")
        await tab.wait("call", state="DISCONNECTED")


async def test_an_idle_tab_may_send_anything(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async with open_browser(simulator) as browser:
        tab = await browser.open_tab()
        for kind in ("answer", "decline", "hang_up"):
            tab.send(kind)
        tab.send_raw(bytes(960))
        tab.send("fault", name="cut_media")
        assert "call first" in (await tab.wait("error"))["message"]
        tab.send("fault", name="earthquake")
        await tab.wait("error", about="fault")


async def test_leaving_hangs_up(simulator: Simulator, autojump_clock: MockClock) -> None:
    async with open_browser(simulator) as browser, run_agent(listen, simulator):
        tab = await call_from(browser)
        tab.leave()
        with trio.fail_after(0.1):
            await simulator.calls[0].wait_ended()


async def test_the_other_tab_is_told_who_left(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async with open_browser(simulator) as browser, run_agent(put_through, simulator):
        caller, callee = await browser.open_tab(), await browser.open_tab()
        caller.send("dial", to=CALLEE)
        await callee.wait("ringing")
        callee.send("answer")
        await caller.wait("call", state="CONNECTED")
        callee.leave()
        await caller.wait("call", state="DISCONNECTED", ending="The callee hung up.")


async def test_a_reloaded_callee_rings_again(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async with open_browser(simulator) as browser, run_agent(put_through, simulator):
        caller, callee = await browser.open_tab(), await browser.open_tab()
        caller.send("dial", to=CALLEE)
        await callee.wait("ringing")
        callee.leave()
        await caller.wait("error", about="ringing")
        again = await browser.open_tab()
        await again.wait("ringing")
        again.send("answer")
        await caller.wait("call", state="CONNECTED")
        caller.send("hang_up")


@on_one_wire
async def test_a_dead_tab_is_found_by_its_silence(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async with open_browser(simulator) as browser, run_agent(listen, simulator):
        tab = await call_from(browser)
        await trio.sleep(60)
        assert not simulator.calls[0].ended
        tab.is_asleep = True
        asleep_at = trio.current_time()
        await simulator.calls[0].wait_ended()
        assert 4 <= trio.current_time() - asleep_at <= 8.1


@on_one_wire
async def test_a_voice_is_a_sign_of_life(simulator: Simulator, autojump_clock: MockClock) -> None:
    async with open_browser(simulator) as browser, run_agent(listen, simulator):
        tab = await call_from(browser)
        tab.is_asleep = True
        await tab.speak(bytes(48000 * 20))
        assert not simulator.calls[0].ended


async def test_a_slow_tab_hears_what_is_said_now(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async def count(call: ActiveCall) -> None:
        await call.answer()
        for number in range(1, 201):
            await call.send_audio(bytes([number, 0]) * 480)
        await call.wait_disconnected()

    async with open_browser(simulator) as browser, run_agent(count, simulator):
        tab = await browser.open_tab()
        tab.send("dial", to="+65 1")
        await tab.wait("call", state="ANSWERED")
        await trio.sleep(1)
        tab.stop_reading()
        await trio.sleep(2)
        tab.read_on()
        await trio.sleep(1)
        heard = list(dict.fromkeys(n for n in tab.heard[::2] if n))
        gaps = [b - a for a, b in pairwise(heard)]
        (gap,) = [gap for gap in gaps if gap > 1]
        assert gap > 50
        # And after it, no more waits for it than may wait.
        assert 150 - MAX_FRAMES <= heard[gaps.index(gap) + 1] <= 165


@on_one_wire
async def test_a_tab_that_reads_nothing_is_given_up(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async with open_browser(simulator) as browser:
        tab = await browser.open_tab()
        tab.stop_reading()
        for _ in range(1100):
            tab.send("register", number="")
        await trio.sleep(3)
        assert browser.switchboard.tab_of(CALLER) is None
        tab.read_on()


async def test_cancellation_says_goodbye(simulator: Simulator, autojump_clock: MockClock) -> None:
    async with run_agent(listen, simulator):
        async with open_browser(simulator) as browser:
            tab, idle = await call_from(browser), await browser.open_tab()
        assert [tab.close_code, idle.close_code] == [1001, 1001]
        with trio.fail_after(0.1):
            await simulator.calls[0].wait_ended()


async def test_a_stuck_tab_holds_nobody_up(simulator: Simulator, autojump_clock: MockClock) -> None:
    async with open_browser(simulator) as browser:
        tab = await browser.open_tab()
        tab.stop_reading()
        tab.send("register", number="")
        await trio.sleep(0.1)
        left_at = trio.current_time()
    assert trio.current_time() - left_at <= 1.1
