"""What can be made to go wrong on the second wire."""

from __future__ import annotations

import trio
from trio.testing import MockClock

from tests.support.peers.second_sdk import open_second_pair
from trio_calls.simulator import (
    answer_late,
    cut_control,
    cut_media,
    duplicate_offer,
    never_answer,
    refuse,
)
from trio_calls.wire.second.control import CallNotify, SessionClaim


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
