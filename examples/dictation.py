"""Write down what the caller says, while they say it.

    PENDING → ANSWERED → DISCONNECTED

It needs no network: pip install '.[examples]'. Run it from the top of the checkout with
`python -m examples.dictation --simulate`, or against a real exchange with its settings in the
environment (WSS_API_KEY, WSS_CONNECTOR_UUID) and no option.
"""

import sys

import trio

from examples.offline.recognizing import SAMPLE_RATE, StreamRecognizer
from examples.offline.talk import dictate_a_letter, talk
from trio_calls import ActiveCall, run
from trio_calls.voice import (
    ListenerTooSlowError,
    SpeechEnd,
    SpeechEvents,
    SpeechFrame,
    SpeechStart,
    open_voice,
)

# Loaded once, before the first call comes. It gets used to a caller, so there is one at a time: the
# others hear it ring. Start a process for each line that you have.
recognizer = StreamRecognizer()
line = trio.Lock()


async def handle_call(call: ActiveCall) -> None:
    async with line:
        await call.answer()
        async with open_voice(call) as voice:
            events = voice.speech_events(sample_rate=SAMPLE_RATE, frame_seconds=0.1)
            while True:
                try:
                    await write_down(events)
                    break  # the caller has hung up
                except ListenerTooSlowError as error:
                    print(f"! {error}")  # the next utterance comes whole


async def write_down(events: SpeechEvents) -> None:
    partial = ""
    async for event in events:
        match event:
            case SpeechStart():
                recognizer.start()
            case SpeechFrame(pcm=pcm):
                text = await recognizer.feed(pcm)
                if text.strip() and text != partial:
                    print(f"  {text} ...", flush=True)
                    partial = text
            case SpeechEnd():
                print(f"> {await recognizer.finish()}", flush=True)


if __name__ == "__main__":
    if "--simulate" in sys.argv:
        talk(handle_call, dictate_a_letter)
    else:
        run(handle_call)
