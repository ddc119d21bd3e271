"""Recording a call; the page "Record a call" shows it."""

import logging
from pathlib import Path

from trio_calls import ActiveCall
from trio_calls.audio import noise
from trio_calls.voice import Voice, open_voice

FOLDER = Path("calls")
GREETING = noise(1, 24_000, seed=1)
QUESTION = noise(2, 24_000, seed=2)


async def handle_call(call: ActiveCall) -> None:
    await call.answer()
    async with open_voice(call) as voice, voice.record(FOLDER / "call.wav") as recording:
        await voice.say(GREETING)
        async for utterance in voice.utterances():
            await voice.say(utterance.pcm)
    logging.info("%s has %.1f s", recording.path, recording.seconds)


async def record_the_order(voice: Voice) -> None:
    await voice.say(GREETING)  # this is not in the file
    async with voice.record(FOLDER / "order.wav"):
        await voice.say(QUESTION)
        await anext(voice.utterances())
