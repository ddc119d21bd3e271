"""Being interrupted; the page "Be interrupted" shows it."""

import logging

from trio_calls import ActiveCall
from trio_calls.audio import noise
from trio_calls.voice import Voice, open_voice

STORY = noise(5, 24_000, seed=1)
QUESTION = noise(1, 24_000, seed=2)


async def tell(call: ActiveCall) -> None:
    await call.answer()
    async with open_voice(call) as voice:
        story = voice.speech(STORY, text="It was a dark and stormy night. The rain fell …")
        with voice.until_interrupted() as talk:
            await story.say()
        if talk.cancelled_caught:
            logging.info("cut off after %.1f s: %r", story.heard_seconds, story.heard_text)
            await voice.say(QUESTION)


async def must_be_heard(voice: Voice) -> None:
    await voice.say(QUESTION)  # nobody interrupts this
    with voice.until_interrupted(min_speech_seconds=1.0):
        await voice.say(STORY)  # and this only who means it
