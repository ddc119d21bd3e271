"""Sound behind what an agent says; the page "Play a backdrop" shows it."""

import trio

from trio_calls import ActiveCall
from trio_calls.audio import noise, tone
from trio_calls.voice import Voice, open_voice

OFFICE = noise(10, 24_000, seed=1)  # read_wav("office.wav", 24_000), once for all calls
MUSIC = tone(440, 8, 24_000)
GREETING = noise(2, 24_000, seed=2)


async def handle_call(call: ActiveCall) -> None:
    async with open_voice(call) as voice:
        with voice.backdrop(OFFICE):
            await call.answer()
            await voice.say(GREETING)
            answer = await think()
            await voice.say(answer)
        await put_through(voice, call)


async def think() -> bytes:
    await trio.sleep(3)  # nobody hears a dead line meanwhile
    return GREETING


async def put_through(voice: Voice, call: ActiveCall) -> None:
    with voice.backdrop(MUSIC, gain=0.3):
        await call.connect()
