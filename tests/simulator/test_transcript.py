"""Transcripts: what they say, and that the same seed and the same run make the same one."""

from __future__ import annotations

import random

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from tests.support.peers.sdk import FRAME, open_pair
from tests.support.phone_calls import speech
from trio_calls import ActiveCall, serve_calls
from trio_calls.simulator import Direction, SimulatedCall, Simulator, answers, open_simulator
from trio_calls.simulator.exchange.identifiers import IN_PROCESS_EPOCH
from trio_calls.wire.first.control import SessionNotify

pytestmark = pytest.mark.slow


async def test_a_call_reads_as_it_went(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        await trio.sleep(5)
        call = simulator.place_call(pickup=answers(after_seconds=1))
        media = await sdk.take_call(call)
        await media.succeed("call.answer")
        media.say(speech(1, seconds=0.5))
        await call.caller.say(speech(2, seconds=1))
        await trio.sleep(1)
        assert await media.fail("agent.spy") == "INVALID_STATE"
        await media.succeed("call.connect", 60)
        call.caller.hang_up()
        await media.closed.wait()
    assert [str(call.transcript)] == [
        """\
seconds  call  connection      what
  0.000     1  control     ->  session.notify NEW_INCOMING_CALL
  0.000     1  control     <-  session.open (request #1)
  0.000     1  control     ->  response ok (request #1)
  0.000     1  control     <-  session.ready
  0.000     1  control     ->  call.in
  0.000     1  media       --  opened
  0.000     1  media       <-  call.answer (command #1)
  0.000     1  media       ->  response ok (command #1)
  0.000     1  media       ->  buffer_request 26880 bytes (560 ms)
  0.000     1  media       <-  audio 500 ms channel 0
  0.020     1  media       ->  audio 1.98 s channel 0
  2.000     1  media       <-  agent.spy (command #2)
  2.000     1  media       ->  response INVALID_STATE (command #2)
  2.000     1  media       <-  call.connect ringTimeSeconds=60 (command #3)
  2.000     1  media       ->  audio 1.00 s channel 0
  3.000     1  media       ->  response ok (command #3)
  3.000     1  media       ->  call.terminated
  3.000     1  control     ->  session.closed CALL_TERMINATED
  3.000     1  media       --  closed"""
    ]


async def test_frames_are_counted_one_by_one(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call = simulator.place_call()
        media = await sdk.take_call(call)
        await media.succeed("call.answer")
        await trio.sleep(1.01)
        call.caller.hang_up()
        await media.closed.wait()
        whole, one = simulator.transcript, call.transcript
    (audio,) = (entry for entry in one if entry.what.startswith("audio"))
    assert audio.frames == 50
    assert audio.direction is Direction.TO_AGENT
    assert sum(entry.frames for entry in one) == 5 + 3 + 50 + 2
    # The set-up of the control connection is no call's.
    assert [entry.what for entry in whole][:3] == ["opened", "setup 24000 Hz mixed", "setup.done"]
    assert sum(entry.frames for entry in whole) == 2 + sum(entry.frames for entry in one)


async def test_a_pause_parts_what_was_said(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call = simulator.place_call()
        media = await sdk.take_call(call)
        await media.succeed("call.answer")
        for _ in range(2):
            media.say(bytes(10 * FRAME))
            await trio.sleep(1)
        spoken = [e for e in call.transcript if e.direction is Direction.FROM_AGENT and e.is_audio]
    assert [entry.what for entry in spoken] == ["audio 200 ms channel 0"] * 2
    assert spoken[1].seconds - spoken[0].seconds == pytest.approx(1, abs=0.02)


async def test_what_makes_no_sense_is_told_and_not_quoted(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call = simulator.place_call()
        media = await sdk.take_call(call)
        for frame in ("secret", b"\x00", '{"type":"new"}'):
            media.send_raw(frame)
        await trio.sleep(1)
        told = [entry.what for entry in call.transcript][-3:]
    assert told == [
        "malformed frame, 6 characters",
        "malformed audio, 1 bytes",
        "frame of an unknown type",
    ]


async def test_tokens_and_ids_are_not_shown(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call = simulator.place_call()
        control = await sdk.open_control()
        call_in = await control.take_call(call)
        await sdk.open_media(call_in)
        text = str(simulator.transcript)
    assert "call.in" in text
    for secret in (call_in.token, call.call_id, call.session_id, control.connection_id):
        assert secret
        assert secret not in text


async def test_old_entries_are_forgotten(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trio_calls.simulator.transcript.transcript_log.MAX_ENTRIES", 3)
    async with open_pair() as (simulator, sdk):
        await sdk.open_control()
        for _ in range(5):
            simulator.place_call()
        transcript = simulator.transcript
    assert [entry.call for entry in transcript] == [3, 4, 5]
    assert transcript.missing == 5
    assert str(transcript).startswith("(5 older entries were forgotten)\n")


async def test_seeds_make_the_ids_and_dates() -> None:
    async def ids(seed: int) -> list[object]:
        async with open_simulator(seed=seed) as simulator:
            calls = [simulator.place_call() for _ in range(3)]
            return [name for call in calls for name in (call.call_id, call.session_id)]

    assert await ids(1) == await ids(1)
    assert len(set(await ids(1) + await ids(2))) == 12


async def test_in_process_the_year_is_always_the_same(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control()
        await trio.sleep(100)
        simulator.place_call()
        offer = await control.expect(SessionNotify)
    assert offer.created_at == IN_PROCESS_EPOCH + 100


async def echo(call: ActiveCall) -> None:
    await call.answer()
    await call.connect()
    async for chunk in call.audio_stream():
        await call.send_audio(chunk)


async def busy_day(seed: int) -> str:
    async def talk(call: SimulatedCall, number: int) -> None:
        await call.callee.wait_talking()
        await call.caller.say(speech(number, seconds=0.5))
        call.callee.hang_up()
        await call.wait_ended()

    async def open_shop(simulator: Simulator) -> None:
        async with trio.open_nursery() as agents:
            await agents.start(serve_calls, echo, simulator.config)
            async with trio.open_nursery() as phones:
                for number in range(6):
                    pickup = answers(after_seconds=1 + number % 2)
                    call = simulator.place_call(pickup=pickup)
                    phones.start_soon(talk, call, number)
            agents.cancel_scope.cancel()

    async with open_simulator(seed=seed) as simulator:
        await open_shop(simulator)
        await trio.testing.wait_all_tasks_blocked()
        return str(simulator.transcript)


def test_whatever_order_trio_picks_the_transcript_is_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    transcripts = set()
    for order in range(8):
        monkeypatch.setattr("trio._core._run._r", random.Random(order))
        transcripts.add(trio.run(busy_day, 1, clock=MockClock(autojump_threshold=0)))
    (transcript,) = transcripts
    assert transcript.count("call.terminated") == 6
