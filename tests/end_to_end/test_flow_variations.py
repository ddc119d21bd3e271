"""Calls that do not go as planned, end to end on memory streams and virtual time."""

import pytest
import trio
import trio.testing

from tests.support.phone_calls import A, C, D, P, place_call, speech
from tests.support.wires import on_the_first_wire
from trio_calls import (
    ActiveCall,
    CallState,
    WSSCallClosedError,
    WSSCallCommandError,
)
from trio_calls.audio import find
from trio_calls.simulator import (
    PhoneState,
    Pickup,
    Simulator,
    answers,
    declines,
    never_answers,
)

pytestmark = pytest.mark.slow


async def test_without_flush_a_goodbye_is_heard_to_be_cut_off(
    simulator: Simulator, nursery: trio.Nursery
) -> None:
    goodbye = speech(1, seconds=3)

    async def dismiss(call: ActiveCall) -> None:
        await call.answer()
        await call.send_audio(goodbye)
        await trio.sleep(1)
        await call.disconnect(flush=False)

    call = await place_call(simulator, dismiss, nursery)
    await call.wait_ended()
    assert goodbye not in call.caller.heard
    assert goodbye[:48000] in call.caller.heard
    assert len(call.caller.heard) < 60000


async def test_everybody_hears_a_goodbye_to_a_conference(
    simulator: Simulator, nursery: trio.Nursery
) -> None:
    async def dismiss(call: ActiveCall) -> None:
        await call.connect()
        await call.send_audio(speech(1))
        await call.disconnect()

    call = await place_call(simulator, dismiss, nursery)
    await call.wait_ended()
    assert speech(1) in call.caller.heard
    assert speech(1) in call.callee.heard


@pytest.mark.parametrize(
    ("pickup", "code", "seconds"),
    [(never_answers(), "CALL_UNANSWERED", 60), (declines(after_seconds=3), "CALL_DECLINED", 3)],
    ids=["never answers", "declines"],
)
async def test_without_the_callee_the_caller_stays_with_the_agent(
    simulator: Simulator, nursery: trio.Nursery, pickup: Pickup, code: str, seconds: float
) -> None:
    async def front_desk(call: ActiveCall) -> None:
        await call.answer()
        began = trio.current_time()
        with pytest.raises(WSSCallCommandError) as caught:
            await call.connect()
        assert caught.value.error_code == code
        assert trio.current_time() - began == pytest.approx(seconds, abs=0.1)
        assert call.state is CallState.ANSWERED
        await call.send_audio(speech(1))
        await call.disconnect()

    call = await place_call(simulator, front_desk, nursery, pickup)
    await call.wait_ended()
    assert speech(1) in call.caller.heard
    assert call.agent_states == [P, A, D]


async def test_a_cancelled_connect_that_succeeds_still_connects(
    simulator: Simulator, nursery: trio.Nursery
) -> None:
    states = []

    async def impatient(call: ActiveCall) -> None:
        with trio.move_on_after(3):
            await call.connect()
        states.append(call.state)
        await trio.sleep(10)
        states.append(call.state)

    call = await place_call(simulator, impatient, nursery, answers(after_seconds=5))
    await call.callee.wait_talking()
    await trio.sleep(20)
    call.caller.hang_up()
    await call.wait_ended()
    assert states == [P, C]


async def test_close_overtakes_a_ringing_connect(
    simulator: Simulator, nursery: trio.Nursery
) -> None:
    overtaken = []

    async def undecided(call: ActiveCall) -> None:
        async def connect() -> None:
            with pytest.raises(WSSCallClosedError):
                await call.connect()
            overtaken.append(trio.current_time())

        await call.answer()
        async with trio.open_nursery() as inner:
            inner.start_soon(connect)
            await trio.sleep(4)
            await call.close()

    call = await place_call(simulator, undecided, nursery, never_answers())
    await call.wait_ended()
    assert overtaken == [pytest.approx(4, abs=0.1)]
    assert call.agent_states == [P, A, D]


async def test_a_caller_who_hangs_up_ends_the_connect(
    simulator: Simulator, nursery: trio.Nursery
) -> None:
    ended = []

    async def router(call: ActiveCall) -> None:
        with pytest.raises(WSSCallClosedError):
            await call.connect()
        ended.append(call.state)

    call = await place_call(simulator, router, nursery, never_answers())
    await call.wait_claimed()
    await trio.sleep(5)
    call.caller.hang_up()
    await call.wait_ended()
    await trio.testing.wait_all_tasks_blocked()
    assert ended == [D]
    assert call.callee.state is not PhoneState.RINGING


@on_the_first_wire  # on the second, the first command tells
async def test_a_caller_who_gives_up_at_first_ends_the_call(
    simulator: Simulator, nursery: trio.Nursery
) -> None:
    ended = trio.Event()

    async def thinker(call: ActiveCall) -> None:
        await call.wait_disconnected()
        ended.set()

    call = await place_call(simulator, thinker, nursery)
    await call.wait_claimed()
    await trio.sleep(1)
    call.caller.hang_up()
    await ended.wait()
    assert call.agent_states == [P, D]


async def test_an_interrupted_agent_falls_silent_at_once(
    simulator: Simulator, nursery: trio.Nursery
) -> None:
    async def talker(call: ActiveCall) -> None:
        await call.answer()
        await call.send_audio(speech(1, seconds=5))
        await trio.sleep(1)
        dropped = await call.clear_send_audio_buffer()
        assert dropped > 3.8 * 48000
        await trio.sleep(1)
        await call.send_audio(speech(2))

    call = await place_call(simulator, talker, nursery)
    await call.wait_ended()
    heard = call.caller.heard
    assert find(speech(1, seconds=5)[:48000], heard).correlation > 0.9
    assert find(speech(1, seconds=5)[60000:], heard).correlation < 0.1
    assert speech(2) in heard
