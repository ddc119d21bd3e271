"""Answer, understand, put through: ask who is calling, and tell the callee before you leave.

    PENDING → ANSWERED → CONNECTED → DISCONNECTED     (caller and callee go on talking)

It needs no network: pip install '.[examples]'. Run it from the top of the checkout with
`python -m examples.receptionist --simulate`, or against a real exchange with its settings in the
environment (WSS_API_KEY, WSS_CONNECTOR_UUID) and no option.
"""

import logging
import sys
from pathlib import Path
from urllib.parse import quote

import trio

from examples.offline.recognizing import SAMPLE_RATE, GrammarRecognizer
from examples.offline.speaking import SAMPLE_RATE as SPOKEN_RATE
from examples.offline.speaking import Synthesizer
from examples.offline.talk import call_the_workshop, talk
from examples.offline.workshop import GRAMMAR, Request
from trio_calls import ActiveCall, WSSCallCommandError, run
from trio_calls.voice import Endpointing, Utterances, Voice, open_voice

GREETING = (
    "Good morning, this is the workshop. This call is recorded. "
    "Who is calling, please, and what is it about: a repair, a rental, or an invoice?"
)
ONE_MOMENT = "Thank you. One moment, please."
NOBODY = "I am sorry, nobody is free now. Please call again later. Goodbye."

FOLDER = Path("talk-output")
QUESTIONS = 3
PATIENCE_SECONDS = 8

# Loaded once, before the first call comes.
recognizer = GrammarRecognizer(GRAMMAR)
synthesizer = Synthesizer()


async def handle_call(call: ActiveCall) -> None:
    await call.answer()
    await trio.Path(FOLDER).mkdir(exist_ok=True)
    name = quote(call.call_id, safe="")  # the exchange's, so it may be anything
    endpointing = Endpointing(max_seconds=15)  # nobody gets to talk, and be recognized, for ever
    with call.cancel_on_hangup():
        async with (
            open_voice(call, endpointing=endpointing) as voice,
            voice.record(FOLDER / f"{name}.wav"),
            voice.write_timeline(FOLDER / f"{name}.jsonl"),
        ):
            request = await ask(voice)
            await say(voice, ONE_MOMENT)
            await put_through(call, voice, request)


async def ask(voice: Voice) -> Request:
    """Ask until it is clear who is calling and what about, or it makes no sense to ask again."""
    request = Request()
    question: str | None = GREETING
    utterances = voice.utterances(sample_rate=SAMPLE_RATE)
    for _ in range(QUESTIONS):
        if question is None:
            break
        with voice.until_interrupted():  # who knows what to say need not hear all of it
            await say(voice, question)
        text = await understand(utterances)
        voice.note("understood", text=text)
        request.add(text)
        question = request.question
    return request


async def understand(utterances: Utterances) -> str:
    with trio.move_on_after(PATIENCE_SECONDS):
        async for utterance in utterances:
            text = await recognizer.recognize(utterance.pcm)
            logging.info("receptionist understands: %s", text or "nothing")
            return text
    return ""


async def put_through(call: ActiveCall, voice: Voice, request: Request) -> None:
    try:
        await call.connect(ring_time_seconds=20)
    except WSSCallCommandError:  # nobody picked up: the caller is still ours
        await say(voice, NOBODY)
        await call.disconnect()
    else:
        await call.whisper()
        await say(voice, str(request))  # only the callee hears this
        await call.close()


async def say(voice: Voice, text: str) -> None:
    logging.info("receptionist: %s", text)
    await voice.say(synthesizer.speak(text), sample_rate=SPOKEN_RATE)


if __name__ == "__main__":
    if "--simulate" in sys.argv:
        talk(handle_call, call_the_workshop)
    else:
        run(handle_call)
