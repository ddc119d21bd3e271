"""Listen while you talk: be interrupted, ask again, and keep company while something takes time.

    PENDING → ANSWERED → CONNECTED → DISCONNECTED     (caller and callee go on talking)

The second tutorial makes it step by step. Talk with it by `trio-calls phone
examples/attentive_desk.py`, let somebody call it by `trio-calls run examples/attentive_desk.py
--simulate`, or run it against a real exchange with its settings in the environment (WSS_API_KEY,
WSS_CONNECTOR_UUID).
"""

from pathlib import Path

import trio

from trio_calls import ActiveCall, WSSCallCommandError, run
from trio_calls.voice import Utterance, Voice, open_voice

SPEECH = Path(__file__).parent / "speech"
QUESTIONS = 2
PATIENCE_SECONDS = 5


async def handle_call(call: ActiveCall) -> None:
    await call.answer()
    with call.cancel_on_hangup():
        async with open_voice(call) as voice:
            request = await ask(voice)
            if request is None:
                await voice.say(SPEECH / "goodbye.wav")
            elif not await is_somebody_free(voice, request) or not await put_through(call, voice):
                await voice.say(SPEECH / "not_available.wav")
            # Of a call that was put through, this is the end for the agent alone.
            await call.close()


async def ask(voice: Voice) -> Utterance | None:
    """Ask what the caller wants, and again if they say nothing."""
    utterances = voice.utterances()
    for _ in range(QUESTIONS):
        with voice.until_interrupted():
            await voice.say(SPEECH / "greeting.wav")
        with trio.move_on_after(PATIENCE_SECONDS):
            async for utterance in utterances:
                return utterance
    return None


async def is_somebody_free(voice: Voice, request: Utterance) -> bool:
    """Look it up, and say so meanwhile."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(voice.say, SPEECH / "please_hold.wav")
        return await look_up(request)


async def look_up(request: Utterance) -> bool:
    await trio.sleep(1)  # recognize `request.pcm`, and ask a calendar
    return True


async def put_through(call: ActiveCall, voice: Voice) -> bool:
    """Ring the callee, and tell them who is calling before the agent leaves."""
    try:
        await call.connect(ring_time_seconds=20)
    except WSSCallCommandError:  # nobody picked up
        return False
    await call.whisper()
    await voice.say(SPEECH / "guidance.wav")  # only the callee hears this
    return True


if __name__ == "__main__":
    run(handle_call)
