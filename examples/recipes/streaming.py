"""Recognize and speak with services that stream, over a WebSocket for each.

    PENDING → ANSWERED → DISCONNECTED

Services differ in the names of their messages, and hardly in what they do. Here the recognizer is
sent ``{"start": 16000}``, audio as it is said, and ``{"end": true}``. It sends
``{"partial": text}`` as often as it likes, and ``{"final": text}`` some time after the end. The
synthesizer is sent ``{"speak": text, "id": 7}``, and sends ``{"begins": 7}``, audio in any pieces,
and ``{"ends": 7}``. Put in those of yours.

It needs pip install '.[voice]'. Run it from the top of the checkout, with the settings of an
exchange in the environment (WSS_API_KEY, WSS_CONNECTOR_UUID), and the addresses of the services:
`python -m examples.recipes.streaming`.
"""

import itertools
import json
import logging
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import trio
from trio_websocket import (
    ConnectionClosed,
    HandshakeError,
    WebSocketConnection,
    open_websocket_url,
)

from trio_calls import ActiveCall, run
from trio_calls.audio import read_wav
from trio_calls.voice import (
    SpeechEnd,
    SpeechEvents,
    SpeechFrame,
    SpeechStart,
    Voice,
    open_voice,
)

RECOGNIZER_URL = os.environ.get("RECOGNIZER_URL", "wss://recognizer.invalid/")
SYNTHESIZER_URL = os.environ.get("SYNTHESIZER_URL", "wss://synthesizer.invalid/")
HEARD_RATE, SPOKEN_RATE = 16_000, 24_000
FINAL_SECONDS = 5
SORRY = Path(__file__).parents[1] / "speech" / "not_available.wav"


async def handle_call(call: ActiveCall) -> None:
    await call.answer()
    try:
        with call.cancel_on_hangup():
            async with (
                open_recognizer() as recognizer,
                connect(SYNTHESIZER_URL) as websocket,
                open_voice(call) as voice,
            ):
                await talk(voice, recognizer, Synthesizer(websocket))
    except* (ConnectionClosed, HandshakeError, OSError, trio.TooSlowError) as errors:
        logging.warning("call %s: a service is gone: %s", call.call_id, errors.exceptions)
        await call.send_audio(read_wav(SORRY, call.audio_format.sample_rate))


async def talk(voice: Voice, recognizer: "Recognizer", synthesizer: "Synthesizer") -> None:
    events = voice.speech_events(sample_rate=HEARD_RATE, frame_seconds=0.1)
    await voice.say(synthesizer.speak("How can I help you?"), sample_rate=SPOKEN_RATE)
    while (text := await recognizer.hear(events)) is not None:
        with voice.until_interrupted():
            await voice.say(synthesizer.speak(f"You said: {text}"), sample_rate=SPOKEN_RATE)


class Recognizer:
    """Tells what was said. Opened by `open_recognizer`."""

    def __init__(
        self, websocket: WebSocketConnection, finals: trio.MemoryReceiveChannel[str]
    ) -> None:
        self._websocket = websocket
        self._finals = finals

    async def hear(self, events: SpeechEvents) -> str | None:
        """Return what the caller says next; None when they have hung up."""
        async for event in events:
            match event:
                case SpeechStart():
                    await self._websocket.send_message(json.dumps({"start": HEARD_RATE}))
                case SpeechFrame(pcm=pcm):
                    await self._websocket.send_message(pcm)
                case SpeechEnd():
                    await self._websocket.send_message(json.dumps({"end": True}))
                    with trio.fail_after(FINAL_SECONDS):
                        return await self._finals.receive()
        return None


@asynccontextmanager
async def open_recognizer() -> AsyncIterator[Recognizer]:
    finals_in, finals_out = trio.open_memory_channel[str](1)
    async with connect(RECOGNIZER_URL) as websocket, trio.open_nursery() as nursery:
        # Its words come when they like: who sends audio cannot wait for them, nor they for it.
        nursery.start_soon(read_texts, websocket, finals_in)
        yield Recognizer(websocket, finals_out)
        nursery.cancel_scope.cancel()


async def read_texts(websocket: WebSocketConnection, finals: trio.MemorySendChannel[str]) -> None:
    while True:
        message = json.loads(await websocket.get_message())
        if "final" in message:
            await finals.send(message["final"])
        elif "partial" in message:
            logging.info("%s ...", message["partial"])


class Synthesizer:
    """Speaks over one connection, one text after the other."""

    def __init__(self, websocket: WebSocketConnection) -> None:
        self._websocket = websocket
        self._ids = itertools.count(1)

    async def speak(self, text: str) -> AsyncIterator[bytes]:
        """Yield a text's speech as it is made."""
        number = next(self._ids)
        await self._websocket.send_message(json.dumps({"speak": text, "id": number}))
        # First there may be the rest of a speech that was interrupted: nobody wants to hear that.
        while not self._is(await self._websocket.get_message(), {"begins": number}):
            pass
        while not self._is(message := await self._websocket.get_message(), {"ends": number}):
            if isinstance(message, bytes):
                yield message

    @staticmethod
    def _is(message: str | bytes, wanted: dict[str, int]) -> bool:
        return isinstance(message, str) and json.loads(message) == wanted


def connect(url: str) -> AbstractAsyncContextManager[WebSocketConnection]:
    return open_websocket_url(url, connect_timeout=5, disconnect_timeout=1)


if __name__ == "__main__":
    run(handle_call)
