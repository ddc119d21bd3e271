"""Speech is heard by those to whom it was said, whatever command comes after."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable

import pytest
import trio

from tests.support.phone_calls import speech
from trio_calls import ActiveCall, AgentMode, serve_calls
from trio_calls.simulator import SimulatedCall, Simulator, answers

FRAME = 960
MODES = ("barge", "whisper", "spy")

Handler = Callable[[ActiveCall], Awaitable[None]]


async def play(
    simulator: Simulator, handler: Handler, *, rings_for: float = 1, seconds: float = 20
) -> SimulatedCall:
    """Let an agent have a call that is hung up after so many seconds."""
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, handler, simulator.config)
        call = simulator.place_call(pickup=answers(after_seconds=rings_for))
        await trio.sleep(seconds)
        call.caller.hang_up()
        await call.wait_ended()
        nursery.cancel_scope.cancel()
    return call


def sounds(pcm: bytes) -> bytes:
    """Leave out the silent frames."""
    frames = [pcm[start : start + FRAME] for start in range(0, len(pcm), FRAME)]
    return b"".join(frame for frame in frames if any(frame))


def padded(pcm: bytes) -> bytes:
    return pcm.ljust(-(-len(pcm) // FRAME) * FRAME, b"\0")


async def connected(call: ActiveCall) -> None:
    await call.answer()
    await call.connect()


@pytest.mark.parametrize("pause", [0, 0.13])
@pytest.mark.parametrize("first", MODES)
async def test_every_order_of_modes_keeps_its_ears(
    simulator: Simulator, first: str, pause: float
) -> None:
    for rest in itertools.product(MODES, repeat=2):
        order = (first, *rest)
        # A piece that is no whole number of frames is the last in its mode.
        pieces = [speech(seed, 0.31)[:-200] for seed in range(3)]

        async def handler(
            call: ActiveCall, order: tuple[str, ...] = order, pieces: list[bytes] = pieces
        ) -> None:
            await connected(call)
            for mode, piece in zip(order, pieces, strict=True):
                await getattr(call, mode)()
                await call.send_audio(piece)
                await trio.sleep(pause)
            await call.wait_disconnected()

        call = await play(simulator, handler, seconds=4)
        heard = {
            mode: b"".join(
                padded(piece) for name, piece in zip(order, pieces, strict=True) if name in mode
            )
            for mode in (("barge",), ("barge", "whisper"))
        }
        assert sounds(call.caller.heard) == heard["barge",], order
        assert sounds(call.callee.heard) == heard["barge", "whisper"], order


@pytest.mark.parametrize("pause", [0.0, 0.2])
async def test_without_flush_what_was_said_is_dropped_at_once(
    simulator: Simulator, pause: float
) -> None:
    secret, public = speech(1, 3), speech(2, 1)
    switched_after = []

    async def handler(call: ActiveCall) -> None:
        await connected(call)
        await call.whisper()
        await call.send_audio(secret)
        await trio.sleep(pause)
        began = trio.current_time()
        await call.barge(flush=False)
        switched_after.append(trio.current_time() - began)
        await call.send_audio(public)
        await call.wait_disconnected()

    call = await play(simulator, handler, seconds=6)
    assert switched_after == [0]
    assert sounds(call.caller.heard) == public
    heard = sounds(call.callee.heard)
    assert heard.endswith(public)
    assert secret.startswith(heard.removesuffix(public))
    assert len(heard) <= len(public) + (pause / 0.02 + 1) * FRAME


async def test_siblings_that_keep_talking_hold_nothing_up(simulator: Simulator) -> None:
    switched_after = []

    async def handler(call: ActiveCall) -> None:
        async def talk() -> None:
            while True:
                await call.send_audio(speech(7, 0.02))
                await trio.sleep(0.02)

        await connected(call)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk)
            await trio.sleep(0.5)
            for method in (call.whisper, call.spy, call.barge, call.disconnect):
                began = trio.current_time()
                await method()
                switched_after.append(trio.current_time() - began)
            nursery.cancel_scope.cancel()

    await play(simulator, handler, seconds=10)
    assert len(switched_after) == 4
    assert max(switched_after) < 0.5


async def test_long_speech_in_line_is_heard_before_the_switch(simulator: Simulator) -> None:
    secret, public = speech(1, 40), speech(2, 1)

    async def handler(call: ActiveCall) -> None:
        await connected(call)
        await call.whisper()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call.send_audio, secret)
            await trio.sleep(0.5)
            nursery.start_soon(call.barge)
            await trio.sleep(0.1)
            await call.send_audio(public)
        await call.wait_disconnected()

    call = await play(simulator, handler, seconds=60)
    assert sounds(call.caller.heard) == public
    assert sounds(call.callee.heard) == secret + public


async def test_clearing_lets_a_switch_go_at_once(simulator: Simulator) -> None:
    secret, public = speech(1, 5), speech(2, 1)
    switched_at = []

    async def handler(call: ActiveCall) -> None:
        await connected(call)
        await call.whisper()
        await call.send_audio(secret)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call.barge)
            await trio.sleep(1)
            began = trio.current_time()
            await call.clear_send_audio_buffer()
        switched_at.append(trio.current_time() - began)
        await call.send_audio(public)
        await call.wait_disconnected()

    call = await play(simulator, handler, seconds=10)
    assert switched_at == [0]
    assert sounds(call.caller.heard) == public


async def test_hold_music_ends_when_the_callee_picks_up(simulator: Simulator) -> None:
    music = speech(1, 1)
    hello = speech(2, 1)

    async def handler(call: ActiveCall) -> None:
        async def play_music() -> None:
            while True:
                await call.send_audio(music)

        await call.answer()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(play_music)
            await call.connect()
            nursery.cancel_scope.cancel()
        await call.send_audio(hello)
        await call.wait_disconnected()

    call = await play(simulator, handler, rings_for=5.005, seconds=10)
    assert sounds(call.callee.heard) == hello
    heard = sounds(call.caller.heard)
    assert heard.endswith(hello)
    assert (music * 6).startswith(heard.removesuffix(hello))
    assert len(heard) >= len(hello) + 4.9 * 48_000


async def test_music_ends_when_nobody_waits_for_the_pickup(simulator: Simulator) -> None:
    async def handler(call: ActiveCall) -> None:
        await call.answer()
        with trio.move_on_after(0.1):
            await call.connect()
        await call.send_audio(speech(1, 5))
        await call.wait_disconnected()

    call = await play(simulator, handler, rings_for=2.005, seconds=9)
    assert sounds(call.callee.heard) == b""
    assert 1.8 * 48_000 < len(sounds(call.caller.heard)) < 2.1 * 48_000


async def test_a_greeting_is_heard_before_the_phone_rings(simulator: Simulator) -> None:
    greeting = speech(1, 2)
    rang_at = []

    async def handler(call: ActiveCall) -> None:
        await call.answer()
        await call.send_audio(greeting)
        began = trio.current_time()
        await call.connect()
        rang_at.append(trio.current_time() - began)
        await call.wait_disconnected()

    call = await play(simulator, handler, rings_for=0.005, seconds=5)
    assert sounds(call.caller.heard) == greeting
    assert sounds(call.callee.heard) == b""
    assert 2 < rang_at[0] < 2.2


async def test_the_goodbye_is_played_before_the_agent_leaves(simulator: Simulator) -> None:
    async def handler(call: ActiveCall) -> None:
        await connected(call)
        await call.whisper()
        await call.send_audio(speech(1, 1))
        assert call.mode is AgentMode.WHISPER
        await call.close()

    call = await play(simulator, handler, seconds=5)
    assert sounds(call.caller.heard) == b""
    assert sounds(call.callee.heard) == speech(1, 1)
