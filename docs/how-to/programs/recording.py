"""Recording calls; the page "Record a call" shows it."""

import logging
from pathlib import Path

from trio_calls import ActiveCall
from trio_calls.voice import RecordingError, Voice, open_voice

SPEECH = Path(__file__).parents[3] / "examples" / "speech"
ANNOUNCEMENT = SPEECH / "greeting.wav"  # "This call is recorded."
CALLS = Path("calls")


async def handle_call(call: ActiveCall) -> None:
    await call.answer()
    async with open_voice(call) as voice:
        await voice.say(ANNOUNCEMENT)  # nothing is recorded before they have heard it
        async with voice.record(CALLS / f"{call.call_id}.wav"):
            await talk(voice)


async def talk(voice: Voice) -> None:
    async for utterance in voice.utterances():
        await voice.say(utterance.pcm)  # your agent thinks of something better


async def at_any_price(call: ActiveCall) -> None:
    """Talk, whether it is recorded or not."""
    await call.answer()
    async with open_voice(call) as voice:
        try:
            async with voice.record(CALLS / f"{call.call_id}.flac"):
                await talk(voice)
        except RecordingError as error:
            logging.warning("%s", error)
            await talk(voice)  # at once, if it could not begin; it is over if the call is


async def only_recorded(call: ActiveCall) -> None:
    """Talk no longer than it is recorded."""
    await call.answer()
    async with open_voice(call) as voice, voice.record(CALLS / f"{call.call_id}.wav") as recording:
        async for utterance in voice.utterances():
            if recording.failure is not None:
                break
            await voice.say(utterance.pcm)
