"""The five flows, end to end on memory streams and virtual time: what each party heard."""

import pytest
import trio
import trio.testing

from tests.support.phone_calls import A, C, D, P, place_call, speech
from trio_calls import (
    ActiveCall,
    AgentMode,
)
from trio_calls.audio import find
from trio_calls.demo import STORIES, Story
from trio_calls.demo.runner import play_stories
from trio_calls.simulator import (
    PhoneState,
    Simulator,
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("story", STORIES, ids=[story.name for story in STORIES])
async def test_the_examples_do_what_they_promise(simulator: Simulator, story: Story) -> None:
    [outcome] = await play_stories([story], simulator)
    assert outcome.fault is None
    assert tuple(outcome.states) == story.states
    for promise in story.promises:
        assert promise.is_kept(promise.measure(outcome.call)), promise
    assert simulator.violations == []


async def test_answer_and_talk(simulator: Simulator, nursery: trio.Nursery) -> None:
    async def echo(call: ActiveCall) -> None:
        await call.answer()
        await call.send_audio(speech(1))
        async for chunk in call.audio_stream():
            await call.send_audio(chunk)

    call = await place_call(simulator, echo, nursery)
    await call.caller.wait_talking()
    await trio.sleep(2)
    await call.caller.say(speech(2))
    await trio.sleep(2)
    call.caller.hang_up()
    await call.wait_ended()
    assert speech(1) in call.caller.heard
    assert speech(2) in call.caller.heard
    assert call.callee.heard == b""
    assert call.agent_states == [P, A, D]


async def test_answer_gather_connect_and_leave(simulator: Simulator, nursery: trio.Nursery) -> None:
    gathered = bytearray()

    async def front_desk(call: ActiveCall) -> None:
        await call.answer()
        await call.send_audio(speech(1))
        async for chunk in call.audio_stream():
            gathered.extend(chunk)
            if speech(2) in gathered:
                break
        await call.connect()
        await call.close()

    call = await place_call(simulator, front_desk, nursery)
    await call.caller.wait_talking()
    await call.caller.say(speech(2))
    await call.wait_agent_left()
    assert call.agent_states == [P, A, C, D]
    assert call.caller.state is PhoneState.TALKING
    assert call.callee.state is PhoneState.TALKING
    await call.callee.say(speech(3))
    await call.caller.say(speech(4))
    call.callee.hang_up()
    await call.wait_ended()
    assert speech(1) in call.caller.heard
    assert speech(3) in call.caller.heard
    assert speech(4) in call.callee.heard
    assert find(speech(1), call.callee.heard).correlation < 0.1


async def test_answer_connect_and_whisper(simulator: Simulator, nursery: trio.Nursery) -> None:
    guidance = speech(1, seconds=20)
    modes: list[AgentMode | None] = []

    async def assistant(call: ActiveCall) -> None:
        await call.answer()
        await call.connect()
        modes.append(call.mode)
        await call.whisper()
        modes.append(call.mode)
        await call.send_audio(guidance)
        await call.wait_audio_sent()

    call = await place_call(simulator, assistant, nursery)
    await call.callee.wait_talking()
    async with trio.open_nursery() as phones:
        phones.start_soon(call.callee.say, speech(2, seconds=20))
        phones.start_soon(call.caller.say, speech(3, seconds=20))
    await trio.sleep(2)
    assert call.agent_states == [P, A, C]
    assert modes == [AgentMode.BARGE, AgentMode.WHISPER]
    assert find(guidance, call.callee.heard).correlation > 0.5
    assert find(guidance, call.caller.heard).correlation < 0.01
    assert speech(2, seconds=20) in call.caller.heard
    assert find(speech(3, seconds=20), call.callee.heard).correlation > 0.5
    call.caller.hang_up()
    await call.wait_ended()


async def test_connect_without_answering(simulator: Simulator, nursery: trio.Nursery) -> None:
    heard = bytearray()

    async def router(call: ActiveCall) -> None:
        await call.connect()
        await call.spy()
        await call.send_audio(speech(1))
        async for chunk in call.audio_stream():
            heard.extend(chunk)

    call = await place_call(simulator, router, nursery)
    await call.callee.wait_talking()
    await call.callee.say(speech(2))
    await call.caller.say(speech(3))
    assert call.agent_states == [P, C]
    call.callee.hang_up()
    await call.wait_ended()
    await trio.testing.wait_all_tasks_blocked()
    assert speech(2) in call.caller.heard
    assert speech(3) in call.callee.heard
    assert speech(2) in heard
    assert speech(3) in heard
    for phone in (call.caller, call.callee):
        assert find(speech(1), phone.heard).correlation < 0.1


async def test_a_goodbye_is_heard_whole(simulator: Simulator, nursery: trio.Nursery) -> None:
    goodbye = speech(1, seconds=3.01)

    async def dismiss(call: ActiveCall) -> None:
        await call.answer()
        await call.send_audio(goodbye)
        await call.disconnect()

    call = await place_call(simulator, dismiss, nursery)
    await call.wait_ended()
    assert goodbye in call.caller.heard
    assert call.agent_states == [P, A, D]
