"""Ways to hear what is said; the page "Hear what is said" shows them."""

from collections.abc import Callable

from trio_calls import ActiveCall, ClientConfig, serve_calls
from trio_calls.voice import (
    Endpointing,
    EndReason,
    FunctionDetector,
    SileroBatch,
    SmartTurn,
    SpeechEnd,
    SpeechFrame,
    SpeechStart,
    Voice,
    open_voice,
)


async def take_notes(call: ActiveCall, recognize: Callable[[bytes], str]) -> list[str]:
    notes = []
    await call.answer()
    async with open_voice(call) as voice:
        async for utterance in voice.utterances(sample_rate=16_000):
            notes.append(f"{utterance.start_seconds:.1f} s: {recognize(utterance.pcm)}")
            if utterance.reason is EndReason.STREAM_OVER:
                notes.append("hung up in mid-sentence")
    return notes


class Recognizer:
    """Stands for one that takes a stream: it counts what it gets."""

    def __init__(self) -> None:
        self.frames = 0

    async def feed(self, pcm: bytes) -> None:
        self.frames += 1

    async def finish(self) -> str:
        return f"{self.frames} frames"


async def stream(voice: Voice) -> list[str]:
    texts = []
    async for event in voice.speech_events(sample_rate=16_000, frame_seconds=0.03):
        match event:
            case SpeechStart():
                recognizer = Recognizer()
            case SpeechFrame(pcm=pcm):
                await recognizer.feed(pcm)
            case SpeechEnd():
                texts.append(await recognizer.finish())
    return texts


def any_sound(pcm: bytes) -> float:
    return 1.0 if any(pcm) else 0.0


async def with_settings(call: ActiveCall) -> None:
    async with open_voice(
        call,
        detector=lambda: FunctionDetector(any_sound, sample_rate=8000, window_seconds=0.03),
        endpointing=Endpointing(pause_seconds=1.2),
    ) as voice:
        async for utterance in voice.utterances():
            await voice.say(utterance.pcm)


async def serve_with_silero(config: ClientConfig) -> None:
    silero = SileroBatch(8000)

    async def handle_call(call: ActiveCall) -> None:
        await call.answer()
        async with open_voice(call, detector=silero.detector) as voice:
            async for utterance in voice.utterances():
                await voice.say(utterance.pcm)

    await serve_calls(handle_call, config)


async def with_a_model(call: ActiveCall, smart_turn: SmartTurn) -> None:
    patient = Endpointing(pause_seconds=3.0)
    async with open_voice(call, endpointing=patient, end_of_turn=smart_turn) as voice:
        async for utterance in voice.utterances():
            await voice.say(utterance.pcm)
