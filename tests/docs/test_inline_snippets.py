"""What the pages show without a file of its own runs, and does what is said beside it.

Each snippet has a scene below, in which it is played.
"""

from __future__ import annotations

import ast
import logging
import re
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import pytest
import trio

from examples import answer_messages, front_desk
from tests.docs.test_voice_pages import load
from tests.support.phone_calls import speech
from trio_calls import (
    ActiveCall,
    CallState,
    ClientConfig,
    EndCause,
    Ending,
    events,
    open_call_client,
)
from trio_calls.audio import read_wav
from trio_calls.sessions import WSSSessionExistsError
from trio_calls.simulator import Simulator, answers, never_answers
from trio_calls.testing import heard, hears, never_heard, run_agent

pytestmark = pytest.mark.pure

CHECKOUT = Path(__file__).resolve().parents[2]
SPEECH = CHECKOUT / "examples" / "speech"
BLOCK = re.compile(r"^\.\. code-block:: python\n\n((?: {3}.*\n|\n)+)", re.M)

#: The page, and which of its snippets it is.
Place = tuple[str, int]
Names = dict[str, Any]
Play = Callable[..., Awaitable[Names]]


def snippets() -> dict[Place, str]:
    found: dict[Place, str] = {}
    for path in sorted((CHECKOUT / "docs").rglob("*.rst")):
        page = path.relative_to(CHECKOUT / "docs").with_suffix("").as_posix()
        for number, block in enumerate(BLOCK.findall(path.read_text(encoding="utf-8"))):
            found[page, number] = re.sub(r"^ {3}", "", block, flags=re.M)
    return found


SNIPPETS = snippets()
SCENES: dict[Place, Callable[[Play, Simulator], Awaitable[None]]] = {}

#: These have a test of their own.
PLAYED_ELSEWHERE = {("how-to/deploy", 3): "tests/sockets/test_beside_web_server.py"}


def scene(page: str, number: int = 0) -> Callable[[Any], Any]:
    def register(play_it: Any) -> Any:
        SCENES[page, number] = play_it
        return play_it

    return register


@pytest.mark.parametrize("place", SNIPPETS, ids=lambda place: f"{place[0]}-{place[1]}")
async def test_a_snippet_does_what_it_says(place: Place, simulator: Simulator) -> None:
    if place in PLAYED_ELSEWHERE:
        assert "deploy.rst" in (CHECKOUT / PLAYED_ELSEWHERE[place]).read_text(encoding="utf-8")
        return

    async def play(**names: Any) -> Names:
        code = compile(SNIPPETS[place], place[0], "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        waits = eval(code, names)
        if waits is not None:
            await waits
        return names

    await SCENES[place](play, simulator)


def test_every_scene_has_its_snippet() -> None:
    assert SCENES.keys() | PLAYED_ELSEWHERE.keys() == SNIPPETS.keys()


@scene("explanation/life-of-a-call", 0)
async def each_hears_what_was_for_them(play: Play, simulator: Simulator) -> None:
    advice, offer = speech(1), speech(2)

    async def handle_call(call: ActiveCall) -> None:
        await call.connect()
        await play(call=call, advice=advice, offer=offer)
        await call.wait_audio_sent()

    async with run_agent(handle_call, simulator):
        call = simulator.place_call()
        await hears(call.callee, advice)
        await hears(call.callee, offer)
        await hears(call.caller, offer)
        never_heard(call.caller, advice)


@scene("explanation/life-of-a-call", 1)
async def music_plays_while_it_rings(play: Play, simulator: Simulator) -> None:
    async def play_music(call: ActiveCall) -> None:
        await call.send_audio(speech(1, 30.0))

    async def handle_call(call: ActiveCall) -> None:
        await call.answer()
        await play(call=call, trio=trio, play_music=play_music)

    async with run_agent(handle_call, simulator):
        call = simulator.place_call(pickup=answers(after_seconds=5))
        await call.callee.wait_talking()
        heard(call.caller, speech(1, 30.0)[: 48_000 * 4])
        await trio.sleep(3)
        never_heard(call.callee, speech(1, 30.0)[48_000 * 6 : 48_000 * 8])
        assert call.agent_states[-1] is CallState.CONNECTED


@scene("explanation/life-of-a-call", 2)
async def minutes_are_written_after_a_hangup(play: Play, simulator: Simulator) -> None:
    written: list[str] = []

    async def answer_to(chunk: bytes) -> bytes:
        return chunk

    async def write_minutes(call: ActiveCall) -> None:
        written.append(call.call_id)

    names = await play(ActiveCall=ActiveCall, answer_to=answer_to, write_minutes=write_minutes)
    async with run_agent(names["handle_call"], simulator):
        call = simulator.place_call()
        await call.caller.wait_talking()
        await call.caller.say(speech(1))
        await hears(call.caller, speech(1))
        call.caller.hang_up()
        await call.wait_ended()
        await trio.sleep(1)
    assert written == [call.call_id]


@scene("explanation/life-of-a-call", 3)
async def a_bill_is_written(play: Play, simulator: Simulator) -> None:
    lines: list[Any] = []

    async def handle_call(call: ActiveCall) -> None:
        kind = {"events": events, "Ending": Ending, "EndCause": EndCause}
        logger = SimpleNamespace(info=lambda *words: lines.append(words))
        await play(call=call, logging=logger, tell_operations=lines.append, **kind)
        await call.answer()

    async with run_agent(handle_call, simulator):
        call = simulator.place_call()
        await call.wait_ended()
        await trio.sleep(1)
    ((form, call_id, ending),) = lines
    assert (form, call_id) == ("%s: %s", call.call_id)
    assert ending.cause is EndCause.CLOSE


@scene("explanation/what-cancellation-leaves-behind", 0)
async def a_frame_is_not_cut(play: Play, simulator: Simulator) -> None:
    ours, theirs = trio.testing.memory_stream_pair()

    async def handle_call(call: ActiveCall) -> None:
        await call.answer()
        await play(trio=trio, stream=ours, frame=b"frame", call=call, pcm=speech(1))
        await call.wait_audio_sent()

    async with run_agent(handle_call, simulator):
        call = simulator.place_call()
        await hears(call.caller, speech(1))
    assert await theirs.receive_some() == b"frame"


@scene("explanation/what-cancellation-leaves-behind", 1)
async def the_next_frame_is_the_next(play: Play, simulator: Simulator) -> None:
    first, then = bytearray(), bytearray()

    async def handle_call(call: ActiveCall) -> None:
        await call.answer()
        await play(trio=trio, call=call, listen=first.extend, listen_better=then.extend)

    async with run_agent(handle_call, simulator):
        call = simulator.place_call()
        await call.caller.wait_talking()
        await trio.sleep(4)
        await call.caller.say(speech(1, 2.0))
        call.caller.hang_up()
        await call.wait_ended()
        await trio.sleep(1)
    assert first
    assert then
    heard(bytes(first + then), speech(1, 2.0), min_correlation=0.999)


@scene("reference/settings")
async def a_setting_is_changed(play: Play, simulator: Simulator) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WSS_API_KEY", "key")
        patch.setenv("WSS_CONNECTOR_UUID", "uuid")
        names = await play(attrs=attrs, ClientConfig=ClientConfig)
    assert names["config"].max_concurrent_calls == 20


@scene("how-to/deploy", 0)
async def draining_takes_longer(play: Play, simulator: Simulator) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WSS_API_KEY", "key")
        patch.setenv("WSS_CONNECTOR_UUID", "uuid")
        names = await play(attrs=attrs, ClientConfig=ClientConfig)
    assert names["config"].drain_seconds == 600


async def stay(call: ActiveCall) -> None:
    await call.answer()
    await call.wait_disconnected()


@scene("how-to/deploy", 1)
async def a_new_version_drains(play: Play, simulator: Simulator) -> None:
    call = simulator.place_call()
    kind = {"open_call_client": open_call_client, "events": events, "handle_call": stay}
    async with trio.open_nursery() as nursery:
        wait = call.caller.wait_talking
        nursery.start_soon(lambda: play(config=simulator.config, wait_for_new_version=wait, **kind))
        await call.caller.wait_talking()
        await trio.sleep(5)
        late = simulator.place_call()
        await trio.sleep(5)
        assert not late.was_claimed
        call.caller.hang_up()
        late.caller.hang_up()


@scene("how-to/deploy", 2)
async def a_signal_of_the_application_drains(play: Play, simulator: Simulator) -> None:
    call = simulator.place_call()
    kind = {"open_call_client": open_call_client, "events": events, "handle_call": stay}
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: play(trio=trio, signal=signal, config=simulator.config, **kind))
        await call.caller.wait_talking()
        signal.raise_signal(signal.SIGTERM)
        await trio.sleep(1)
        call.caller.hang_up()


@scene("how-to/dispatch")
async def a_queue_is_chosen_by_the_number(play: Play, simulator: Simulator) -> None:
    names = await play()
    chosen: list[str] = []

    async def handle_call(call: ActiveCall) -> None:
        chosen.append(names["choose_queue"](call))
        await call.disconnect()

    async with run_agent(handle_call, simulator):
        for number in ("+65 6222 0001", "+65 6222 0002"):
            await simulator.place_call(callee=number).wait_ended()
    assert chosen == ["sales", "calls"]


@scene("how-to/debugging", 0)
async def everything_is_logged(play: Play, simulator: Simulator) -> None:
    logger = logging.getLogger("trio_calls")
    level = logger.level
    try:
        await play(logging=logging)
        assert logger.isEnabledFor(logging.DEBUG)
    finally:
        logger.setLevel(level)


@scene("how-to/debugging", 1)
async def what_blocks_goes_into_a_thread(play: Play, simulator: Simulator) -> None:
    names = await play(trio=trio, think_of_an_answer=str.upper, question="why")
    assert names["answer"] == "WHY"


@scene("how-to/hand-a-call-over", 0)
async def another_client_adopts(play: Play, simulator: Simulator) -> None:
    texts: list[str] = []

    async def hand_over(call: ActiveCall) -> None:
        texts.append((await call.hand_over("a worker")).to_json())

    async with run_agent(hand_over, simulator), trio.open_nursery() as nursery:
        call = simulator.place_call()
        await trio.sleep(1)
        async with open_call_client(simulator.config) as client:
            client.on(events.INCOMING_CALL)(stay)
            await play(nursery=nursery, client=client, text=texts[0])
            await call.caller.wait_talking()
            assert len(client.calls) == 1
            call.caller.hang_up()
            await call.wait_ended()


@scene("how-to/hand-a-call-over", 1)
async def a_worker_is_chosen_first(play: Play, simulator: Simulator) -> None:
    send, receive = trio.open_memory_channel[str](1)

    async def choose_queue(call: ActiveCall) -> Any:
        await trio.sleep(2)
        return send

    names = await play(ActiveCall=ActiveCall, choose_queue=choose_queue)
    async with open_call_client(simulator.config) as client, trio.open_nursery() as nursery:
        client.on(events.INCOMING_CALL)(names["choose_and_hand_over"])
        given_up = simulator.place_call()
        await trio.sleep(1)
        given_up.caller.hang_up()
        call = simulator.place_call()
        nursery.start_soon(client.adopt, await receive.receive(), stay)
        await call.caller.wait_talking()
        call.caller.hang_up()
        await call.wait_ended()
    assert receive.statistics().current_buffer_used == 0


@scene("how-to/hand-a-call-over", 2)
async def a_queue_that_fails_apologizes(play: Play, simulator: Simulator) -> None:
    class QueueError(Exception):
        pass

    class Queue:
        async def send(self, text: str) -> None:
            raise QueueError

    async def apologize(call: ActiveCall) -> None:
        await call.answer()
        await call.send_audio(speech(1))

    kind = {"ActiveCall": ActiveCall, "QueueError": QueueError, "queue": Queue()}
    async with open_call_client(simulator.config) as client, trio.open_nursery() as nursery:
        names = await play(nursery=nursery, client=client, apologize=apologize, **kind)
        client.on(events.INCOMING_CALL)(names["hand_over"])
        call = simulator.place_call()
        await hears(call.caller, speech(1))
        await call.wait_ended()


@scene("how-to/messages", 0)
async def a_session_is_written_to(play: Play, simulator: Simulator) -> None:
    partner = simulator.place_message(content="Hello")
    async with open_call_client(simulator.config) as client, trio.open_nursery() as nursery:
        reminder = {"type": "text", "text": {"body": "Tomorrow at 9"}}
        nursery.start_soon(
            lambda: play(client=client, session_id=partner.session_id, reminder=reminder)
        )
        assert (await partner.wait_reply()).text == "Tomorrow at 9"
        partner.close()


@scene("how-to/messages", 1)
async def a_session_is_started(play: Play, simulator: Simulator) -> None:
    opened: list[str] = []

    class Client:
        def __init__(self, client: Any) -> None:
            self.sessions = client.sessions
            self._client = client

        def open_conversation(self, session: Any) -> Any:
            opened.append(getattr(session, "session_id", session))
            return self._client.open_conversation(session)

    async with open_call_client(simulator.config) as client:
        for _ in range(2):
            await play(client=Client(client), WSSSessionExistsError=WSSSessionExistsError)
    assert opened[0] == opened[1]


@scene("how-to/messages", 2)
async def whoever_asks_is_told(play: Play, simulator: Simulator) -> None:
    names = await play(serve=answer_messages.serve)
    async with trio.open_nursery() as nursery:
        await names["test_whoever_asks_is_told"](simulator, nursery)
        nursery.cancel_scope.cancel()


@scene("how-to/start-a-call")
async def a_reminder_is_heard(play: Play, simulator: Simulator) -> None:
    starting = load("starting")
    await play(remind=starting.remind, REMINDER=starting.REMINDER)


@scene("how-to/test-your-agent")
async def the_time_is_measured(play: Play, simulator: Simulator) -> None:
    def wav(name: str) -> bytes:
        return read_wav(SPEECH / name, 24_000)

    async def handle_call(call: ActiveCall) -> None:
        await call.answer()
        await front_desk.say(call, "greeting.wav")
        await trio.sleep(20)
        await front_desk.say(call, "not_available.wav")

    async with run_agent(handle_call, simulator):
        call = simulator.place_call(pickup=never_answers())
        await play(hears=hears, call=call, wav=wav)
