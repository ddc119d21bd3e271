"""Answer, understand, put through: ask who is calling, and tell the callee before you leave.

    PENDING → ANSWERED → CONNECTED → DISCONNECTED     (caller and callee go on talking)

It needs no network: pip install '.[examples]'. Run it from the top of the checkout with
`python -m examples.receptionist --simulate`, or against a real exchange with its settings in the
environment (WSS_API_KEY, WSS_CONNECTOR_UUID) and no option.
"""

import logging
import sys

import attrs
import trio

from examples.offline.recognizing import SAMPLE_RATE, GrammarRecognizer
from examples.offline.speaking import SAMPLE_RATE as SPOKEN_RATE
from examples.offline.speaking import Synthesizer
from examples.offline.talk import call_the_workshop, talk
from trio_calls import ActiveCall, WSSCallCommandError, run
from trio_calls.voice import Endpointing, Utterances, Voice, open_voice

GREETING = (
    "Good morning, this is the workshop. You may also write to us, at any time. "
    "Who is calling, please, and what is it about: a repair, a rental, or an invoice?"
)
AGAIN = "Sorry, I did not understand. Who is calling, please, and what is it about?"
WHO = "And who is calling, please?"
WHAT = "And what is it about: a repair, a rental, or an invoice?"
ONE_MOMENT = "Thank you. One moment, please."
NOBODY = "I am sorry, nobody is free now. Please call again later. Goodbye."

NAMES = {"ada": "Ada", "alan": "Alan", "grace": "Grace"}
TOPICS = {"repair": "a repair", "rental": "a rental", "invoice": "an invoice"}
# A grammar hears its own sentences in whatever is said. These words are there to be heard instead.
OTHER_WORDS = (
    "anybody bicycle could day don't help know no please somebody sorry thank there today want "
    "weather what who yes you"
)
GRAMMAR = f"""#JSGF V1.0;
grammar receptionist;
public <sentence> = <request> | <other>;
<request> = [hello | hi | good morning] (<who> | <what> | <who> [and] <what>);
<who> = (this is | my name is | i am) ({" | ".join(NAMES)});
<what> = [it is | it's | i am calling] about (a | an | the | my) ({" | ".join(TOPICS)});
<other> = ({" | ".join(OTHER_WORDS.split())})+;
"""

QUESTIONS = 3
PATIENCE_SECONDS = 8

# Loaded once, before the first call comes.
recognizer = GrammarRecognizer(GRAMMAR)
synthesizer = Synthesizer()


@attrs.define
class Request:
    name: str | None = None
    topic: str | None = None

    def add(self, text: str) -> None:
        words = text.split()
        self.name = next((NAMES[word] for word in words if word in NAMES), self.name)
        self.topic = next((TOPICS[word] for word in words if word in TOPICS), self.topic)

    @property
    def question(self) -> str | None:
        """What is still to be asked."""
        if self.name and self.topic:
            return None
        return WHO if self.topic else WHAT if self.name else AGAIN

    def __str__(self) -> str:
        return f"{self.name or 'Somebody'} is calling, about {self.topic or 'something else'}."


async def handle_call(call: ActiveCall) -> None:
    await call.answer()
    endpointing = Endpointing(max_seconds=15)  # nobody gets to talk, and be recognized, for ever
    with call.cancel_on_hangup():
        async with open_voice(call, endpointing=endpointing) as voice:
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
        request.add(await understand(utterances))
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
