"""The page of the phone, with a server that says what a test wants it to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from tests.support.sounds import speech
from tests.support.waiting import until, until_unchanged
from trio_calls.audio import level_dbfs

if TYPE_CHECKING:
    from tests.support.browser import Browser, Page
    from tests.support.peers.phone_server import PhoneServer, Tab

pytestmark = [pytest.mark.pure, pytest.mark.slow]

RATE = 24000
SILENCE_DBFS = -90
#: Bytes of 0.7 s: it beeps twice a second.
LONGER_THAN_A_PAUSE = 33_600


async def dial(page: Page, server: PhoneServer) -> Tab:
    tab = await server.tab()
    await page.click("#call")
    assert await tab.asked() == {"type": "dial", "to": "+65 6222 0000"}
    return tab


def has_beeped(tab: Tab) -> bool:
    return level_dbfs(bytes(tab.audio)) > -45


def is_silent(tab: Tab) -> bool:
    """Tell whether the last 0.7 s are silence, without a beep."""
    latest = bytes(tab.audio[-LONGER_THAN_A_PAUSE:])
    return len(latest) == LONGER_THAN_A_PAUSE and level_dbfs(latest) < SILENCE_DBFS


async def arrows(page: Page) -> set[str]:
    """Read off the picture who hears whom."""
    found = await page.eval_on_selector_all(
        ".wire.on", "wires => wires.map((wire) => `${wire.dataset.from} ${wire.dataset.to}`)"
    )
    return set(found)


async def test_a_call_from_dialing_to_its_end(browser: Browser, server: PhoneServer) -> None:
    page = await browser.open(server.url)
    tab = await dial(page, server)
    await page.shows("#title", "Calling +65 6222 0000")
    for state in ("PENDING", "ANSWERED"):
        await tab.call(state)
        await page.shows("#state", state)
    assert await arrows(page) == {"caller agent", "agent caller"}
    await page.click("#hang-up")
    assert await tab.asked() == {"type": "hang_up"}
    await tab.call("DISCONNECTED")
    await page.shows("#subtitle", "the caller hung up")
    await page.shows("#call:enabled")
    assert await arrows(page) == set()
    assert not page.complaints


@pytest.mark.parametrize(
    ("mode", "of_the_agent"),
    [
        ("BARGE", {"agent caller", "agent callee"}),
        ("WHISPER", {"agent callee"}),
        ("SPY", set()),
    ],
)
async def test_arrows_follow_the_mode(
    browser: Browser, server: PhoneServer, mode: str, of_the_agent: set[str]
) -> None:
    page = await browser.open(server.url)
    tab = await dial(page, server)
    await tab.call("CONNECTED", mode=mode)
    await page.shows("#mode", mode)
    others = {"caller agent", "callee agent", "caller callee", "callee caller"}
    assert await arrows(page) == others | of_the_agent


async def test_agent_that_has_left_hears_nobody(browser: Browser, server: PhoneServer) -> None:
    page = await browser.open(server.url)
    tab = await dial(page, server)
    await tab.call("CONNECTED", mode=None)
    await page.shows("#hearing", "The agent has left")
    assert await arrows(page) == {"caller callee", "callee caller"}


async def test_what_the_server_sends_is_heard(browser: Browser, server: PhoneServer) -> None:
    page = await browser.open(server.url, bypass_csp=True)
    tab = await dial(page, server)
    await tab.call("ANSWERED")
    await page.listen()
    said = speech("greeting", RATE)
    await tab.play(said)
    await page.hears(said, RATE)


async def test_microphone_is_sent_in_calls_only(browser: Browser, server: PhoneServer) -> None:
    page = await browser.open(server.url)
    tab = await server.tab()
    await page.click("#wake")
    await page.shows("body[data-microphone=live]")
    await trio.sleep(0.3)
    assert not tab.audio
    await page.click("#call")
    await tab.asked()
    await tab.call("ANSWERED")
    await until(lambda: has_beeped(tab))
    await tab.call("DISCONNECTED")
    await page.shows("#call:enabled")
    sent = await until_unchanged(lambda: len(tab.audio))
    assert sent % 960 == 0


async def test_muted_is_silence_and_not_nothing(browser: Browser, server: PhoneServer) -> None:
    page = await browser.open(server.url)
    tab = await dial(page, server)
    await tab.call("ANSWERED")
    await page.click("#mute")  # short: it stays muted
    await page.shows("#mute[aria-pressed=true]")
    tab.audio.clear()
    # What is on its way arrives first.
    await until(lambda: is_silent(tab))
    await page.click("#mute")
    await page.shows("#mute[aria-pressed=false]")
    tab.audio.clear()
    await until(lambda: has_beeped(tab))


async def test_m_mutes_while_it_is_held(browser: Browser, server: PhoneServer) -> None:
    page = await browser.open(server.url)
    tab = await dial(page, server)
    await tab.call("ANSWERED")
    await page.shows("#mute:enabled")
    await browser.run(page.page.keyboard.down, "m")
    await page.shows("#mute[aria-pressed=true]")
    await trio.sleep(0.5)
    await browser.run(page.page.keyboard.up, "m")
    await page.shows("#mute[aria-pressed=false]")


async def test_incoming_call_by_keyboard(browser: Browser, server: PhoneServer) -> None:
    page = await browser.open(server.url)
    tab = await server.tab()
    await tab.tell("ringing", call_id="7", caller="+65 9111 0000", callee="+65 6222 0000")
    await page.shows("#title", "+65 9111 0000 calls you")
    await page.focus("#answer")
    await page.press("Enter")
    assert await tab.asked() == {"type": "answer"}
    await tab.tell(
        "call", call_id="7", role="callee", state="CONNECTED", mode="WHISPER", ending=None
    )
    await page.shows("#title", "You talk with +65 9111 0000")
    await page.shows(".party.callee.is-you")


async def test_ringing_that_is_declined_or_ends(browser: Browser, server: PhoneServer) -> None:
    page = await browser.open(server.url)
    tab = await server.tab()
    await tab.tell("ringing", call_id="7", caller="+65 9111 0000", callee="+65 6222 0000")
    await page.click("#decline")
    assert await tab.asked() == {"type": "decline"}
    await tab.tell("ring_ended", call_id="7", reason="You have declined it.")
    await page.shows("#subtitle", "You have declined it.")
    await page.shows("#call:enabled")


async def test_transcript_timeline_and_recordings(browser: Browser, server: PhoneServer) -> None:
    page = await browser.open(server.url)
    tab = await dial(page, server)
    await tab.call("ANSWERED")
    await tab.tell("event", at=62.34, **{"from": "agent"}, text="<b>connect()</b>")
    await page.shows("#lines li", "1:02.3")
    assert "<b>connect()</b>" in await page.text("#lines")
    for record in (
        {"kind": "turn", "at": 3.0, "pause": 0.3, "thinking": 0.2, "synthesis": 0.1, "queue": 0}
        | {"total": 0.6},
        {"kind": "from the future", "at": 4.0, "what": "ever"},
    ):
        await tab.tell("timeline", record=record)
    await page.shows("#records li", "Answered after 0.60 s: pause 0.30 s")
    await page.shows("#records li", 'from the future {"what":"ever"}')
    await tab.call("DISCONNECTED")
    await tab.tell("recordings", files=[{"name": "call.wav", "url": "/recording.wav"}])
    await page.shows("#files a[download='call.wav']")
    assert not page.complaints


async def test_fault_from_the_menu(browser: Browser, server: PhoneServer) -> None:
    page = await browser.open(server.url)
    tab = await dial(page, server)
    await page.select_option("#fault", "stall")
    await page.click("#break")
    assert await tab.asked() == {"type": "fault", "name": "stall"}


async def test_messages_by_keyboard(browser: Browser, server: PhoneServer) -> None:
    page = await browser.open(server.url)
    tab = await server.tab()
    await page.shows("#conversation", "Nobody has written yet.")
    await page.focus("#text")
    for key in ("m", "5", "Enter"):  # which mutes and dials elsewhere
        await page.press(key)
    assert await tab.asked() == {"type": "write", "text": "m5"}
    assert await page.input_value("#to") == "+65 6222 0000"
    await tab.tell("conversation", state="waiting", reason=None)
    await tab.tell("message", **{"from": "you"}, text="m5", at=0.0)
    await page.shows("#conversation", "No agent has taken the conversation yet.")
    await tab.tell("conversation", state="open", reason=None)
    await tab.tell("message", **{"from": "agent"}, text="<b>Yes</b>", at=61.5)
    await page.shows("#messages li.agent", "1:01.5")
    assert "<b>Yes</b>" in await page.text("#messages")
    await tab.tell("conversation", state="closed", reason="The agent has closed it.")
    await page.shows("#conversation", "The agent has closed it. Your next message begins a new")
    await tab.tell("error", message="There is nothing to send.", about="write")
    await page.shows("#conversation", "Not sent: There is nothing to send.")
    assert await page.input_value("#text") == "m5"
    await tab.tell("registered", number="+65 8000 0000")
    await page.shows("#conversation", "Nobody has written yet.")
    assert await page.text("#messages") == ""
    assert not page.complaints


async def test_keys_dial_and_are_said_in_a_call(browser: Browser, server: PhoneServer) -> None:
    page = await browser.open(server.url)
    tab = await server.tab()
    await page.fill("#to", "")
    for key in ("5", "*"):
        await page.click(f"[data-key='{key}']")
    await page.focus("#call")
    await page.press("9")  # typed anywhere but in a field
    await page.click("#call")
    assert await tab.asked() == {"type": "dial", "to": "5*9"}
    await tab.call("ANSWERED")
    await page.click("#mute")
    await page.shows("#mute[aria-pressed=true]")
    await page.click("#mute")


async def test_number_is_kept_over_a_reload(browser: Browser, server: PhoneServer) -> None:
    page = await browser.open(server.url)
    tab = await server.tab()
    await page.fill("#number", "+65 8000 0000")
    await page.press("Tab")
    assert await tab.asked() == {"type": "register", "number": "+65 8000 0000"}
    await tab.tell("registered", number="+65 8000 0000")
    await trio.sleep(0.2)
    await page.reload()
    await tab.left.wait()
    again = await server.tab()
    assert await again.asked() == {"type": "register", "number": "+65 8000 0000"}


async def test_leaving_the_page_closes_it(browser: Browser, server: PhoneServer) -> None:
    page = await browser.open(server.url)
    tab = await dial(page, server)
    await tab.call("ANSWERED")
    await page.goto("about:blank")
    with trio.fail_after(5):
        await tab.left.wait()
    await page.go_back()
    await server.tab()
    await page.shows("#title", "Ready")


async def test_server_that_goes_away(browser: Browser, server: PhoneServer) -> None:
    page = await browser.open(server.url)
    tab = await dial(page, server)
    await tab.call("ANSWERED")
    await page.shows("#state", "ANSWERED")
    await tab.socket.close()
    await page.shows("#subtitle", "The connection to the server is lost.")
    await server.tab()  # it comes back by itself
    await page.shows("#link[data-link=up]")
    await page.shows("#call:enabled")


async def test_server_that_knows_it_no_longer(browser: Browser, server: PhoneServer) -> None:
    page = await browser.open(server.url)
    tab = await server.tab()
    server.is_valid = False
    await tab.socket.close()
    await page.shows("#error", "The address of this page is no longer valid.")


async def test_refusals_are_shown(browser: Browser, server: PhoneServer) -> None:
    page = await browser.open(server.url)
    tab = await dial(page, server)
    await tab.tell("error", message="No agent is connected.", about="dial")
    await page.shows("#subtitle", "No agent is connected.")
    await tab.tell("error", message="That number is taken.", about="register")
    await page.shows("#error", "That number is taken.")
    await page.shows("#call:enabled")


async def test_sound_that_runs_unasked_hides_no_notice(
    browser: Browser, server: PhoneServer
) -> None:
    page = await browser.open("about:blank")
    # As browsers have it where they let a page play before anybody has touched it.
    await page.add_init_script(
        "Object.defineProperty(AudioContext.prototype, 'state', { get: () => 'running' })"
    )
    await page.goto(server.url)
    await server.tab()
    await page.shows("#sound-notice", "The microphone is off until you press something")
    assert await page.get_attribute("body", "data-microphone") == "off"
    await page.press("x")  # any gesture will do
    await page.shows("body[data-microphone=live]")
    assert await page.is_hidden("#sound-notice")


async def test_without_a_microphone_one_listens(browser: Browser, server: PhoneServer) -> None:
    page = await browser.open("about:blank")
    refuse = "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', {}))"
    await page.add_init_script(refuse.replace("{}", "'NotAllowedError'"))
    await page.goto(server.url)
    tab = await dial(page, server)
    await page.shows("#microphone-notice", "The browser refuses the microphone. You can listen")
    assert await page.is_hidden("#sound-notice")
    await tab.call("ANSWERED")
    await until(lambda: len(tab.audio) >= LONGER_THAN_A_PAUSE)
    assert is_silent(tab)
