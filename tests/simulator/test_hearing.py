"""What counts as a sound at a telephone, and as a silence."""

import pytest
import trio
from trio.testing import MockClock, assert_checkpoints

from tests.support.peers.sdk import RawMedia, RawSdk, open_pair
from trio_calls.audio import noise, silence
from trio_calls.simulator import PhoneHungUp, SimulatedCall, Simulator
from trio_calls.simulator.phones.hearing import SilenceMeter, is_audible
from trio_calls.simulator.phones.lines import Line, say_line

RATE = 24000
SILENT = silence(0.02, RATE)
LOUD = noise(0.02, RATE, 1)


@pytest.mark.parametrize(("amplitude", "expected"), [(0, False), (0.003, False), (0.01, True)])
def test_a_faint_noise_is_no_sound(amplitude: float, expected: bool) -> None:
    assert is_audible(noise(0.02, RATE, 1, amplitude)) is expected


@pytest.mark.parametrize(
    ("seconds", "frames"),
    [(0, 1), (0.001, 1), (0.02, 1), (0.021, 2), (0.06, 3), (0.3, 15), (1.1, 55), (7, 350)],
)
def test_so_many_frames_are_a_silence(seconds: float, frames: int) -> None:
    meter = SilenceMeter(seconds)
    assert [meter.hear(SILENT) for _ in range(frames)] == [False] * (frames - 1) + [True]


def test_a_sound_begins_the_silence_anew() -> None:
    meter = SilenceMeter(0.06)
    frames = [LOUD, SILENT, SILENT, LOUD, SILENT, SILENT, SILENT, LOUD]
    assert [meter.hear(frame) for frame in frames] == [False] * 6 + [True, False]


async def answered_call(simulator: Simulator, sdk: RawSdk) -> tuple[SimulatedCall, RawMedia]:
    call = simulator.place_call()
    media = await sdk.take_call(call)
    await media.succeed("call.answer")
    await media.succeed("call.connect", 60)
    return call, media


async def test_waiting_for_a_sound_and_a_silence(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call, _ = await answered_call(simulator, sdk)
        began = trio.current_time()
        call.callee.say_nowait(silence(1, RATE) + noise(2, RATE, 1) + silence(0.5, RATE))
        call.callee.say_nowait(noise(1, RATE, 2))
        with assert_checkpoints():
            await call.caller.wait_sound()
        assert trio.current_time() - began == pytest.approx(1, abs=0.05)
        with assert_checkpoints():
            await call.caller.wait_silence(0.6)
        assert trio.current_time() - began == pytest.approx(5.1, abs=0.05)


@pytest.mark.parametrize("is_over", [False, True])
async def test_the_end_of_the_call_ends_the_wait(is_over: bool, autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call, _ = await answered_call(simulator, sdk)
        if is_over:
            call.caller.hang_up()
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def wait_sound() -> None:
                with pytest.raises(PhoneHungUp, match="before anything was heard"):
                    await call.caller.wait_sound()

            @nursery.start_soon
            async def wait_silence() -> None:
                with pytest.raises(PhoneHungUp, match="before it was silent for 9 s"):
                    await call.caller.wait_silence(9)

            await trio.sleep(1)
            call.caller.hang_up()


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), "1"])
async def test_a_silence_of_no_length(seconds: float, autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, _):
        with pytest.raises(ValueError, match="finite number, 0 or more"):
            await simulator.place_call().caller.wait_silence(seconds)


async def test_lines_are_said_after_pauses_and_silences(autojump_clock: MockClock) -> None:
    first, second, third = (noise(0.1, RATE, seed) for seed in (1, 2, 3))
    async with open_pair() as (simulator, sdk):
        call = simulator.place_call()
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def talk() -> None:
                for line in (Line(first), Line(second, 3), Line(third, 1, for_silence=True)):
                    await say_line(call.caller, line, RATE)
                call.caller.hang_up()

            media = await sdk.take_call(call)
            await trio.sleep(5)
            await media.succeed("call.answer")
            await media.succeed("call.connect", 60)
            # While the caller waits for the first pause to be over, and then for a silence.
            call.callee.say_nowait(noise(3, RATE, 4))
        said = call.caller.said
        heard = call.caller.heard
    assert said.startswith(first + silence(3, RATE) + second)
    silent_from = max(len(heard.rstrip(b"\0")), len(first + silence(3, RATE) + second))
    start = said.index(third)
    assert start - silent_from == pytest.approx(len(silence(1, RATE)), abs=960)
