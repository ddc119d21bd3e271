"""Ways to say something; the page "Say something" shows them."""

from collections.abc import AsyncIterator
from pathlib import Path

import trio

from trio_calls import ActiveCall
from trio_calls.audio import noise
from trio_calls.voice import SpeechEnding, SpeechPiece, Voice, open_voice

SPEECH = Path(__file__).parents[3] / "examples" / "speech"


async def greet(call: ActiveCall) -> None:
    await call.answer()
    async with open_voice(call) as voice:
        outcome = await voice.say(SPEECH / "greeting.wav")
    if outcome.ending is SpeechEnding.CALL_OVER:
        print(f"hung up after {outcome.heard_seconds:.1f} s")


async def synthesize(text: str) -> AsyncIterator[SpeechPiece]:
    for sentence in text.split("\n"):
        pcm = noise(0.8, 24_000, seed=len(sentence))  # where your synthesizer works
        await trio.sleep(0.1)
        yield SpeechPiece(pcm, f"{sentence} ")


async def explain(voice: Voice) -> str | None:
    speech = voice.speech(synthesize("First this.\nThen that.\nAnd then the rest."))
    with trio.move_on_after(2):
        await speech.say()
    return speech.heard_text  # "First this. Then that. " and what was heard of the third


async def music_while(voice: Voice, work: trio.Event) -> None:
    music = voice.speech(noise(60, 24_000, seed=1))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(music.say)
        await work.wait()
        nursery.cancel_scope.cancel()  # silent at once
