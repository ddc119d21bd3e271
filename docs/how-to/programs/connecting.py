"""Putting a caller through; the page "Put a caller through" shows it."""

import trio

from trio_calls import ActiveCall, WSSCallCommandError
from trio_calls.audio import noise
from trio_calls.voice import SpeechEnding, Voice, open_voice

MUSIC = noise(8, 24_000, seed=1)
WHO_CALLS = noise(1, 24_000, seed=2)
SORRY = noise(1, 24_000, seed=3)


async def handle_call(call: ActiveCall) -> None:
    await call.answer()
    async with open_voice(call) as voice:
        if await put_through(call, voice):
            await call.whisper()
            await voice.say(WHO_CALLS)  # only the callee hears it
            await call.close()  # the two go on talking
        else:
            await voice.say(SORRY)


async def put_through(call: ActiveCall, voice: Voice) -> bool:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(play_music, voice)
        try:
            await call.connect(ring_time_seconds=20)
        except WSSCallCommandError:  # nobody picks up
            return False
        finally:
            nursery.cancel_scope.cancel()
    return True


async def play_music(voice: Voice) -> None:
    while (await voice.say(MUSIC)).ending is SpeechEnding.HEARD:
        pass  # from the beginning again
