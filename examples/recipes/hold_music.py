"""Play music while the agent looks something up: nobody is to listen to a dead line.

    PENDING → ANSWERED → DISCONNECTED

Run it from the top of the checkout, with the settings of an exchange in the environment
(WSS_API_KEY, WSS_CONNECTOR_UUID): `python -m examples.recipes.hold_music`.
"""

from pathlib import Path

import trio

from trio_calls import ActiveCall, run
from trio_calls.audio import tone
from trio_calls.voice import open_voice

SPEECH = Path(__file__).parents[1] / "speech"
RATE = 24_000
MUSIC = b"".join(tone(hertz, 0.5, RATE) for hertz in (392, 494, 587, 494, 440, 523, 659, 523))


async def handle_call(call: ActiveCall) -> None:
    await call.answer()
    # Whoever hangs up in between has no more questions: nothing is looked up for them.
    with call.cancel_on_hangup():
        async with open_voice(call) as voice:
            await voice.say(SPEECH / "please_hold.wav")
            with voice.backdrop(MUSIC, gain=0.5, sample_rate=RATE):
                answer = await look_up(call.caller_number)
            await voice.say(answer)
        await call.disconnect()


async def look_up(number: str | None) -> Path:
    """Find out who could help them. Here that takes a while, and nobody can."""
    await trio.sleep(6)
    return SPEECH / "not_available.wav"


if __name__ == "__main__":
    run(handle_call)
