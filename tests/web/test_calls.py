"""Calls between tabs and an agent: what each hears, and what each page is told."""

from __future__ import annotations

import io
import wave

import trio
from trio.testing import MockClock

from tests.support.peers.tab import Browser, Tab, hears, open_browser
from trio_calls import ActiveCall, WSSCallCommandError
from trio_calls.audio import find, noise
from trio_calls.simulator import Simulator
from trio_calls.testing import run_agent

RATE = 24000
CALLER, CALLEE = "+65 9111 0000", "+65 6222 0000"


def voice(seed: int, seconds: float = 0.5) -> bytes:
    return noise(seconds, RATE, seed)


def states(tab: Tab) -> list[str]:
    told = [message["state"] for message in tab.told("call")]
    return [state for before, state in zip([None, *told], told, strict=False) if state != before]


async def echo(call: ActiveCall) -> None:
    await call.answer()
    async for chunk in call.audio_stream():
        await call.send_audio(chunk)


async def put_through(call: ActiveCall) -> None:
    await call.answer()
    await call.connect()
    await call.wait_disconnected()


async def open_conference(browser: Browser) -> tuple[Tab, Tab]:
    caller, callee = await browser.open_tab(), await browser.open_tab()
    caller.send("dial", to=CALLEE)
    await callee.wait("ringing")
    callee.send("answer")
    await caller.wait("call", state="CONNECTED")
    return caller, callee


async def test_a_tab_talks_with_the_agent(simulator: Simulator, autojump_clock: MockClock) -> None:
    async with open_browser(simulator) as browser, run_agent(echo, simulator):
        tab = await browser.open_tab()
        tab.send("dial", to=CALLEE)
        await tab.wait("call", state="ANSWERED")
        await tab.speak(voice(1))
        await trio.sleep(0.3)
        assert hears(tab, voice(1))
        tab.send("hang_up")
        await tab.wait("call", state="DISCONNECTED", ending="You hung up.")
        assert states(tab) == ["DIALING", "PENDING", "ANSWERED", "DISCONNECTED"]
    assert [call.caller.number for call in simulator.calls] == [CALLER]


async def test_it_hears_a_frame_every_20_ms(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async with open_browser(simulator) as browser, run_agent(echo, simulator):
        tab = await browser.open_tab()
        tab.send("dial", to=CALLEE)
        await tab.wait("call", state="ANSWERED")
        await trio.sleep(1)
        pauses = [b - a for a, b in zip(tab.frame_times, tab.frame_times[1:], strict=False)]
        assert len(pauses) >= 48
        assert max(pauses) < 0.021


async def test_the_second_tab_is_the_callee(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async with open_browser(simulator) as browser, run_agent(put_through, simulator):
        caller, callee = await browser.open_tab(), await browser.open_tab()
        caller.send("dial", to=CALLEE)
        ringing = await callee.wait("ringing")
        assert (ringing["caller"], ringing["callee"]) == (CALLER, CALLEE)
        callee.send("answer")
        await callee.wait("call", role="callee", state="CONNECTED", mode="BARGE")
        assert not callee.told("ring_ended")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(caller.speak, voice(1))
            nursery.start_soon(callee.speak, voice(2))
        await trio.sleep(0.2)
        assert hears(caller, voice(2))
        assert hears(callee, voice(1))
        assert not hears(caller, voice(1))
        callee.send("hang_up")
        await caller.wait("call", state="DISCONNECTED", ending="The callee hung up.")
        await callee.wait("call", state="DISCONNECTED", ending="You hung up.")


async def test_only_the_callee_hears_a_whisper(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async def whisper(call: ActiveCall) -> None:
        await call.connect()
        await call.whisper()
        await call.send_audio(voice(3))
        await call.wait_audio_sent()
        await call.spy()
        await call.send_audio(voice(4))
        await call.wait_disconnected()

    async with open_browser(simulator) as browser, run_agent(whisper, simulator):
        caller, callee = await open_conference(browser)
        await caller.wait("call", mode="WHISPER")
        await caller.wait("call", mode="SPY")
        await trio.sleep(1)
        assert hears(callee, voice(3))
        assert not hears(callee, voice(4))
        assert not any(caller.heard)
        await callee.wait("call", mode="SPY")
        caller.send("hang_up")


async def test_the_two_talk_on_without_the_agent(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async def leave(call: ActiveCall) -> None:
        await call.connect()
        await call.close()

    async with open_browser(simulator) as browser, run_agent(leave, simulator):
        caller, callee = await open_conference(browser)
        await caller.wait("call", state="CONNECTED", mode=None)
        await caller.speak(voice(1))
        await trio.sleep(0.2)
        assert hears(callee, voice(1))
        caller.send("hang_up")
        await callee.wait("call", state="DISCONNECTED", ending="The caller hung up.")


async def test_who_declines_is_not_in_the_call(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    codes = []

    async def try_it(call: ActiveCall) -> None:
        await call.answer()
        try:
            await call.connect()
        except WSSCallCommandError as error:
            codes.append(error.error_code)
        await call.disconnect()

    async with open_browser(simulator) as browser, run_agent(try_it, simulator):
        caller, callee = await browser.open_tab(), await browser.open_tab()
        caller.send("dial", to=CALLEE)
        await callee.wait("ringing")
        callee.send("decline")
        await callee.wait("ring_ended")
        await caller.wait("call", state="DISCONNECTED", ending="The agent hung up.")
        assert codes == ["CALL_DECLINED"]
        assert callee.told("call") == []
        # It can be rung again.
        caller.send("dial", to=CALLEE)
        await callee.wait("ringing")


async def test_nobody_is_there_until_a_tab_registers(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async with open_browser(simulator) as browser, run_agent(put_through, simulator):
        caller = await browser.open_tab()
        caller.send("dial", to="+65 1")
        missed = await caller.wait("error", about="ringing")
        assert "open a second tab and register +65 1." in missed["message"]
        callee = await browser.open_tab()
        callee.send("register", number="+65 1")
        await callee.wait("registered", number="+65 1")
        await callee.wait("ringing", callee="+65 1")
        callee.send("answer")
        await caller.wait("call", state="CONNECTED")
        assert len(caller.told("error")) == 1
        caller.send("hang_up")


async def test_it_rings_out_where_nobody_is(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async def ring_briefly(call: ActiveCall) -> None:
        await call.answer()
        try:
            await call.connect(ring_time_seconds=5)
        except WSSCallCommandError:
            await call.disconnect()

    async with open_browser(simulator) as browser, run_agent(ring_briefly, simulator):
        caller, callee = await browser.open_tab(), await browser.open_tab()
        caller.send("dial", to=CALLEE)
        await callee.wait("ringing")
        await callee.wait("ring_ended", reason="It rings no longer.")
        await caller.wait("event", text="call.connect: CALL_UNANSWERED")
        await caller.wait("call", state="DISCONNECTED")


async def test_a_phone_in_a_call_is_engaged(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async def put_through_or_leave(call: ActiveCall) -> None:
        await call.answer()
        try:
            await call.connect()
        except WSSCallCommandError:
            await call.disconnect()
        await call.wait_disconnected()

    async with open_browser(simulator) as browser, run_agent(put_through_or_leave, simulator):
        caller, callee = await open_conference(browser)
        third = await browser.open_tab()
        third.send("dial", to=CALLEE)
        await third.wait("event", text="is in another call")
        await third.wait("call", state="DISCONNECTED")
        assert callee.told("call")[-1]["state"] == "CONNECTED"
        callee.send("dial", to="+65 1")
        await callee.wait("error", about="dial")
        callee.send("register", number="+65 1")
        await callee.wait("error", about="register")
        caller.send("hang_up")


async def test_two_calls_at_once_do_not_mix(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async with open_browser(simulator) as browser, run_agent(echo, simulator):
        tabs = [await browser.open_tab() for _ in range(2)]
        for tab in tabs:
            tab.send("dial", to="+65 1")
            await tab.wait("call", state="ANSWERED")
        async with trio.open_nursery() as nursery:
            for seed, tab in enumerate(tabs):
                nursery.start_soon(tab.speak, voice(seed))
        await trio.sleep(0.3)
        assert [hears(tabs[0], voice(seed)) for seed in range(2)] == [True, False]
        assert [hears(tabs[1], voice(seed)) for seed in range(2)] == [False, True]
        tabs[0].send("hang_up")
        await tabs[0].wait("call", state="DISCONNECTED")
        assert states(tabs[1])[-1] == "ANSWERED"
        tabs[1].send("hang_up")


async def test_the_transcript_tells_who_did_what(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async with open_browser(simulator) as browser, run_agent(put_through, simulator):
        caller, callee = await open_conference(browser)
        caller.send("hang_up")
        await caller.wait("recordings")
        await callee.wait("recordings")
        # The agent's connection is closed a little later, which is told as well.
        await trio.sleep(1)
        told = [(event["from"], event["text"]) for event in caller.told("event")]
        expected = [
            ("caller", f"calls {CALLEE}"),
            ("agent", "call.answer"),
            ("exchange", "call.answer: ok"),
            ("agent", "call.connect ringTimeSeconds=60"),
            ("exchange", f"rings {CALLEE}"),
            ("callee", "picks up"),
            ("exchange", "call.connect: ok"),
            ("caller", "hangs up"),
        ]
        assert [event for event in told if event in expected] == expected
        assert callee.told("event") == caller.told("event")
        times = [event["at"] for event in caller.told("event")]
        assert times == sorted(times)


async def test_both_phones_are_recorded(simulator: Simulator, autojump_clock: MockClock) -> None:
    async with open_browser(simulator) as browser, run_agent(put_through, simulator):
        caller, _ = await open_conference(browser)
        await caller.speak(voice(1))
        await trio.sleep(0.2)
        caller.send("hang_up")
        files = (await caller.wait("recordings"))["files"]
        assert [file["name"] for file in files] == ["call-1-caller.wav", "call-1-callee.wav"]
        for file, channel in zip(files, (0, 1), strict=True):
            status, headers, content = await browser.get(file["url"])
            assert (status, headers["content-type"]) == (200, "audio/wav")
            with wave.open(io.BytesIO(content)) as recorded:
                assert (recorded.getnchannels(), recorded.getframerate()) == (2, RATE)
                frames = recorded.readframes(recorded.getnframes())
            one_side = b"".join(frames[i : i + 2] for i in range(2 * channel, len(frames), 4))
            assert find(voice(1), one_side).correlation > 0.95
        assert len(simulator.calls[0].caller.heard) == 0


async def test_a_declined_call_says_so(simulator: Simulator, autojump_clock: MockClock) -> None:
    async def decline(call: ActiveCall) -> None:
        await call.disconnect()

    async with open_browser(simulator) as browser, run_agent(decline, simulator):
        tab = await browser.open_tab()
        tab.send("dial", to=CALLEE)
        await tab.wait("call", state="DISCONNECTED", ending="The agent declined the call.")
        assert (await tab.wait("recordings"))["files"] == []
