"""What can be made to go wrong on the second wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from tests.support.peers.second_sdk import SecondMediaEnd, open_second_pair
from tests.support.phone_calls import A, D, P, speech
from trio_calls.simulator import (
    PhoneState,
    SimulatedCall,
    Simulator,
    answer_late,
    answer_twice,
    cut_control,
    cut_media,
    duplicate_offer,
    jitter,
    never_answer,
    refuse,
    restart,
    send_malformed,
    stall,
)
from trio_calls.simulator.faults.faults import MALFORMED_FRAMES
from trio_calls.simulator.phones.flow_buffer import WINDOW_MS
from trio_calls.wire.responses import Response
from trio_calls.wire.second.control import CallNotify, SessionClaim


@asynccontextmanager
async def talking() -> AsyncIterator[tuple[Simulator, SimulatedCall, SecondMediaEnd]]:
    async with open_second_pair() as (simulator, sdk):
        call = simulator.place_call()
        media = await sdk.take_second_call(call)
        await media.succeed("call.answer")
        yield simulator, call, media


async def test_a_claim_of_one_call_can_be_refused(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        control = await sdk.open_second_control()
        await control.open_session()
        spared, refused = simulator.place_call(), simulator.place_call()
        simulator.inject(refuse("session.claim", error_code="CALL_NOT_FOUND"), call=refused)
        await control.expect(CallNotify)
        await control.expect(CallNotify)
        assert (await control.claim(spared.call_id)).is_ok
        assert (await control.claim(refused.call_id)).error_code == "CALL_NOT_FOUND"
        assert (await control.claim(refused.call_id)).is_ok


async def test_every_request_can_be_refused(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        control = await sdk.open_second_control()
        simulator.inject(refuse("session.open", error_code="QUOTA_EXCEEDED"))
        assert (await control.open_session()).error_code == "QUOTA_EXCEEDED"
        await control.open_session()
        media = await sdk.open_second_media(await control.create_call("+3"))
        simulator.inject(refuse("call.dial", error_code="CALL_UNANSWERED"))
        assert await media.fail("call.dial", 30) == "CALL_UNANSWERED"
        await media.succeed("call.dial", 30)


async def test_an_answer_can_come_late_or_never(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        call = simulator.place_call()
        control = await sdk.open_second_control()
        await control.expect(CallNotify)
        await control.open_session()
        simulator.inject(answer_late("session.claim", seconds=3), call=call)
        began = trio.current_time()
        assert (await control.claim(call.call_id)).is_ok
        assert trio.current_time() - began == 3
        simulator.inject(never_answer("session.claim"), call=call)
        await control.send(SessionClaim("r", "s", call.call_id))
        assert await control.is_quiet(60)


async def test_connections_can_be_cut(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        call = simulator.place_call()
        media = await sdk.take_second_call(call)
        await media.succeed("call.answer")
        simulator.inject(cut_control(), call=call)
        await trio.sleep(1)
        assert not call.ended
        simulator.inject(cut_media(), call=call)
        await call.wait_ended()
        await media.closed.wait()


async def test_a_call_can_be_announced_twice(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        control = await sdk.open_second_control()
        call = simulator.place_call()
        claimed = await control.take_call(call)
        simulator.inject(duplicate_offer(), call=call)
        assert (await control.expect(CallNotify)).call_id == call.call_id
        assert claimed.url


async def test_an_answer_can_come_twice(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        control = await sdk.open_second_control()
        await control.open_session()
        simulator.inject(answer_twice("session.create_call"))
        simulator.inject(answer_twice("call.dial"))
        created = await control.create_call("+3")
        assert (await control.expect(Response)).is_ok
        assert len(simulator.calls) == 1
        media = await sdk.open_second_media(created)
        await media.succeed("call.dial", 30)
        await media.succeed("call.disconnect")
        assert [name.partition("/")[0] for name in media.order] == [
            "call.dial",
            "call.dial",
            "call.disconnect",
        ]


async def test_a_stalled_exchange_withholds_credit(autojump_clock: MockClock) -> None:
    """It is played all the same as soon as the exchange reads again."""
    said = speech(1, seconds=1)
    async with talking() as (simulator, call, media):
        await trio.sleep(0.5)
        simulator.inject(stall(seconds=4), call=call)
        frames, flows = len(media.frames), len(media.flows)
        media.say(said)
        await trio.sleep(3.9)
        assert (len(media.frames), len(media.flows)) == (frames, flows)
        assert media.writer.sent_bytes == WINDOW_MS * 48
        assert not any(call.caller.heard)
        await trio.sleep(1.5)
        assert said in call.caller.heard
        assert len(media.heard()) == pytest.approx(48000 * 5.9, abs=2 * 960)
        assert media.flows[-1].drained_ms == 1000


async def test_jitter_moves_credit_and_frames_but_not_their_order(
    autojump_clock: MockClock,
) -> None:
    async with talking() as (simulator, call, media):
        simulator.inject(jitter(seconds=0.2), call=call)
        said, heard = speech(1, seconds=1), speech(2, seconds=1)
        media.say(said)
        call.caller.say_nowait(heard)
        gaps = set()
        length = 0
        for _ in range(200):
            await trio.sleep(0.02)
            gaps.add(len(media.frames) - length)
            length = len(media.frames)
        assert len(gaps) > 1
        assert heard in media.heard()
        drained = [flow.drained_ms for flow in media.flows]
        assert drained == sorted(drained)
        assert drained[-1] == 1000
        # With pauses where credit came late, but in its order and whole.
        frames = [call.caller.heard[at : at + 960] for at in range(0, len(call.caller.heard), 960)]
        assert b"".join(frame for frame in frames if any(frame)) == said


async def test_what_is_malformed_reaches_either_connection(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        control = await sdk.open_second_control()
        call = simulator.place_call()
        access = await control.take_call(call)
        media = await sdk.open(access.url, {"Authorization": f"Bearer {access.token}"})
        for frame in MALFORMED_FRAMES:
            simulator.inject(send_malformed(frame), call=call)
            simulator.inject(send_malformed(frame, connection="control"), call=call)
        for end, first in ((control.websocket, 0), (media, 1)):
            came: list[str | bytes] = []
            while len(came) < first + len(MALFORMED_FRAMES):
                came += await end.receive_batch()
            assert came[first:] == list(MALFORMED_FRAMES)


async def test_a_restart_spares_conferences_and_claims(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        control = await sdk.open_second_control()
        calls, accesses = [], []
        for _ in range(3):
            calls.append(simulator.place_call())
            accesses.append(await control.take_call(calls[-1]))
        talk, conference, claimed = calls
        medias = [await sdk.open_second_media(access) for access in accesses[:2]]
        await medias[0].succeed("call.answer")
        await medias[1].succeed("call.connect", 60)
        waiting = simulator.place_call()
        simulator.inject(restart(seconds=3))
        for media in medias:
            await media.closed.wait()
        url = f"{simulator.config.base_url}/v1/agent/session-manager"
        assert await sdk.refusal(url, sdk.credentials()) == 503
        await trio.sleep(3)
        assert talk.agent_states == [P, A, D]
        assert talk.ended
        assert conference.caller.state is PhoneState.TALKING
        control = await sdk.open_second_control()
        assert (await control.expect(CallNotify)).call_id == waiting.call_id
        media = await sdk.open_second_media(accesses[2])
        await media.succeed("call.answer")
        assert claimed.agent_states == [P, A]


async def test_a_transcript_says_what_happened(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        call = simulator.place_call()
        media = await sdk.take_second_call(call)
        await media.succeed("call.answer")
        media.say(b"\1\0" * 480 * 3)
        await trio.sleep(0.1)
        await media.succeed("call.close")
        await trio.sleep(0.1)
        said = [entry.what for entry in call.transcript if not entry.is_audio]
        assert said == [
            "call.notify",
            "session.claim (request #1)",
            "response ok (request #1)",
            "config 20 ms",
            "opened",
            "call.answer (command #1)",
            "response ok (command #1)",
            "call.close (command #2)",
            "response ok (command #2)",
            "closed",
        ]
        audio = {entry.what for entry in call.transcript if entry.is_audio}
        assert "audio 60 ms channel 0" in audio
        assert any(what.startswith("flow ") for what in audio)
