"""Faults, one by one: what an agent that speaks raw frames sees of them, and when."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio
from trio.testing import MockClock

from tests.support.peers.sdk import RawSdk, open_pair
from tests.support.phone_calls import A, C, D, P, speech
from tests.support.wires import on_wires_and_transports
from trio_calls import ActiveCall, serve_calls
from trio_calls.config import WireName
from trio_calls.simulator import (
    Moment,
    PhoneState,
    Simulator,
    after,
    answer_late,
    answer_twice,
    answers,
    at_frame,
    at_random,
    cut_control,
    cut_media,
    duplicate_offer,
    jitter,
    never_answer,
    open_simulator,
    refuse,
    restart,
    send_malformed,
    stall,
)
from trio_calls.simulator.faults.faults import MALFORMED_FRAMES
from trio_calls.wire.first.control import SessionNotify

pytestmark = pytest.mark.slow

Pair = tuple[Simulator, RawSdk]


@pytest.fixture
async def pair(autojump_clock: MockClock) -> AsyncIterator[Pair]:
    async with open_pair() as pair:
        yield pair


async def test_a_cut_media_connection_ends_a_talk_with_an_agent(pair: Pair) -> None:
    simulator, sdk = pair
    control = await sdk.open_control()
    calls, media = [], []
    for _ in range(2):
        calls.append(simulator.place_call())
        media.append(await sdk.open_media(await control.take_call(calls[-1])))
        await media[-1].succeed("call.answer")
    simulator.inject(cut_media(), call=calls[0], when=after(seconds=3))
    began = trio.current_time()
    await media[0].closed.wait()
    assert trio.current_time() - began == 3
    await trio.sleep(1)
    assert calls[0].agent_states == [P, A, D]
    assert calls[0].caller.state is PhoneState.HUNG_UP
    assert calls[1].agent_states == [P, A]
    assert not media[1].closed.is_set()
    assert "fault: cut_media" in [entry.what for entry in calls[0].transcript]


async def test_a_cut_control_connection_leaves_the_talk_alone(pair: Pair) -> None:
    simulator, sdk = pair
    call = simulator.place_call()
    control = await sdk.open_control()
    bystander = await sdk.open_control()
    media = await sdk.open_media(await control.take_call(call))
    await media.succeed("call.answer")
    await bystander.expect(SessionNotify)
    simulator.inject(cut_control(), call=call)
    assert await control.is_closed_by_exchange()
    assert await bystander.is_quiet()
    assert call.agent_states == [P, A]
    assert not media.closed.is_set()


async def test_without_a_call_every_connection_of_the_kind_is_cut(pair: Pair) -> None:
    simulator, sdk = pair
    controls = [await sdk.open_control(), await sdk.open_control()]
    simulator.inject(cut_control())
    for control in controls:
        assert await control.is_closed_by_exchange()


async def test_a_cut_at_a_frame_comes_before_anything_is_made_of_it(pair: Pair) -> None:
    simulator, sdk = pair
    call = simulator.place_call()
    simulator.inject(cut_media(), call=call, when=at_frame(6))
    media = await sdk.take_call(call)
    media.start("call.answer")
    await media.closed.wait()
    assert call.agent_states == [P]
    said = [entry.what for entry in call.transcript]
    cut = said.index("fault: cut_media")
    assert said[cut - 1 : cut + 2] == [
        "call.answer (command #1)",
        "fault: cut_media",
        "closed",
    ]


async def test_a_frame_that_is_past_is_now(pair: Pair) -> None:
    simulator, sdk = pair
    call = simulator.place_call()
    media = await sdk.take_call(call)
    simulator.inject(cut_media(), call=call, when=at_frame(1))
    await media.closed.wait()
    assert trio.current_time() == 0


async def test_a_random_moment_is_the_seeds(autojump_clock: MockClock) -> None:
    async def moment(seed: int) -> float:
        async with open_simulator(seed=seed) as simulator:
            simulator.inject(cut_control(), when=at_random(within_seconds=10))
            await trio.sleep(11)
            return simulator.transcript.entries[0].seconds

    moments = [await moment(seed) for seed in (1, 1, 2, 3)]
    assert moments[0] == pytest.approx(moments[1])
    assert len({round(seconds, 3) for seconds in moments}) == 3
    assert all(0 <= seconds <= 10 for seconds in moments)


async def test_a_restart_spares_conferences_and_offers_again(pair: Pair) -> None:
    simulator, sdk = pair
    control = await sdk.open_control()
    talking = simulator.place_call(pickup=answers(after_seconds=0))
    media = await sdk.open_media(await control.take_call(talking))
    await media.succeed("call.connect", 60)
    waiting = simulator.place_call()
    await sdk.open_media(await control.take_call(waiting))
    simulator.inject(restart(seconds=3))
    assert await control.is_closed_by_exchange()
    await media.closed.wait()
    await trio.sleep(2.9)
    url = sdk.config.base_url + "/v1/agent/session-manager"
    assert await sdk.refusal(url, sdk.credentials()) == 503
    await trio.sleep(0.2)
    assert talking.agent_states == [P, C, D]
    assert talking.callee.state is PhoneState.TALKING
    media = await sdk.open_media(await (await sdk.open_control()).take_call(waiting))
    await media.succeed("call.answer")


async def test_a_late_answer_is_late_and_all_else_is_not(pair: Pair) -> None:
    simulator, sdk = pair
    call = simulator.place_call()
    media = await sdk.take_call(call)
    simulator.inject(answer_late("call.answer", seconds=7), call=call)
    command_id = media.start("call.answer")
    await trio.sleep(1)
    assert call.agent_states == [P, A]
    assert len(media.heard[0]) > 0
    await media.response(command_id)
    assert trio.current_time() == 7
    simulator.inject(answer_late("call.close", seconds=3), call=call)
    await media.succeed("call.close")
    assert trio.current_time() == 10
    await media.closed.wait()


async def test_a_command_may_never_be_answered(pair: Pair) -> None:
    simulator, sdk = pair
    call = simulator.place_call()
    simulator.inject(never_answer("call.answer"))
    media = await sdk.take_call(call)
    media.start("call.answer")
    await trio.sleep(20)
    assert media.order == []
    assert call.agent_states == [P, A]
    await media.succeed("agent.interrupt")


async def test_a_command_may_be_answered_twice_but_only_the_next_one(pair: Pair) -> None:
    simulator, sdk = pair
    media = await sdk.take_call(simulator.place_call())
    await media.succeed("call.answer")
    simulator.inject(answer_twice("agent.interrupt"))
    ids = []
    for _ in range(2):
        ids.append(media.start("agent.interrupt"))
        await trio.sleep(1)
    assert media.order[1:] == [ids[0], ids[0], ids[1]]


async def test_a_command_may_be_refused_once(pair: Pair) -> None:
    simulator, sdk = pair
    call = simulator.place_call()
    media = await sdk.take_call(call)
    simulator.inject(refuse("call.answer", error_code="NO_LINE"), call=call)
    assert await media.fail("call.answer") == "NO_LINE"
    assert call.agent_states == [P]
    await media.succeed("call.answer")


async def test_what_is_malformed_reaches_the_agent_as_it_is(pair: Pair) -> None:
    simulator, sdk = pair
    control = await sdk.open_control()
    call = simulator.place_call()
    await control.take_call(call)
    simulator.inject(send_malformed("{", connection="control"), call=call)
    simulator.inject(send_malformed(connection="control"), call=call)
    frames: list[str | bytes] = []
    while len(frames) < 2:
        frames += await control.websocket.receive_batch()
    assert frames[0] == "{"
    assert frames[1] in MALFORMED_FRAMES


async def test_a_stalled_exchange_is_mute_and_then_says_it_all(pair: Pair) -> None:
    simulator, sdk = pair
    call = simulator.place_call()
    media = await sdk.take_call(call)
    await media.succeed("call.answer")
    await trio.sleep(1)
    heard = len(media.heard[0])
    simulator.inject(stall(seconds=4), call=call)
    command_id = media.start("call.connect", 60)
    await trio.sleep(3.9)
    assert len(media.heard[0]) == heard
    assert call.callee.state is PhoneState.IDLE
    assert (await media.response(command_id)).success
    assert trio.current_time() == pytest.approx(1 + 4 + 2)
    assert len(media.heard[0]) == pytest.approx(7 * 48000, abs=2 * 960)


async def test_jitter_moves_frames_and_keeps_their_order(pair: Pair) -> None:
    simulator, sdk = pair
    call = simulator.place_call()
    simulator.inject(jitter(seconds=0.2), call=call)
    media = await sdk.take_call(call)
    await media.succeed("call.answer")
    said = speech(1, seconds=2)
    gaps = set()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(call.caller.say, said)
        length = 0
        while length < len(said):
            await trio.sleep(0.02)
            gaps.add(len(media.heard[0]) - length)
            length = len(media.heard[0])
    await trio.sleep(0.2)
    assert said in media.heard[0]
    assert len(gaps) > 1
    call.caller.hang_up()
    await media.closed.wait()
    assert media.order[-1] == "call.terminated"


async def test_an_offer_may_come_twice(pair: Pair) -> None:
    simulator, sdk = pair
    control = await sdk.open_control()
    call = simulator.place_call()
    await control.take_call(call)
    simulator.inject(duplicate_offer(), call=call)
    assert (await control.expect(SessionNotify)).session_id == call.session_id


@pytest.mark.parametrize("command", ["answer", "", "call.fly"])
async def test_commands_that_there_are_none_cannot_go_wrong(command: str) -> None:
    for fault in (never_answer, answer_twice):
        with pytest.raises(ValueError, match="Command"):
            fault(command)


async def test_negative_times_are_refused() -> None:
    for make in (
        lambda: after(seconds=-1),
        lambda: at_random(within_seconds=-1),
        lambda: at_frame(0),
        lambda: stall(seconds=-1),
        lambda: jitter(seconds=-1),
        lambda: restart(seconds=-1),
        lambda: answer_late("call.answer", seconds=-1),
    ):
        with pytest.raises(ValueError, match=">="):
            make()


@pytest.mark.parametrize(
    "when", [at_random(within_seconds=3), at_frame(20), after(seconds=1)], ids=str
)
@on_wires_and_transports
async def test_malformed_frames_do_not_disturb_an_sdk(
    autojump_clock: MockClock, wire: WireName, when: Moment
) -> None:
    heard = bytearray()

    async def listen(call: ActiveCall) -> None:
        await call.answer()
        async for chunk in call.audio_stream():
            heard.extend(chunk)

    async with open_simulator(wire=wire) as simulator, trio.open_nursery() as nursery:
        await nursery.start(serve_calls, listen, simulator.config)
        call = simulator.place_call()
        for frame in MALFORMED_FRAMES:
            simulator.inject(send_malformed(frame), call=call, when=when)
            simulator.inject(send_malformed(frame, connection="control"), when=when)
        await call.caller.wait_talking()
        await call.caller.say(speech(1, seconds=5))
        await trio.sleep(0.1)
        assert call.agent_states == [P, A]
        assert speech(1, seconds=5) in heard
        call.caller.hang_up()
        nursery.cancel_scope.cancel()


def test_faults_read_well() -> None:
    assert str(answer_late("call.answer", seconds=1.5)) == "answer_late call.answer, 1.5 s"
    assert str(cut_control()) == "cut_control"
