"""Answer and talk: greet the caller, then say back whatever they say.

    PENDING → ANSWERED → DISCONNECTED

Run it with `python examples/basic_agent.py --simulate`, or against a real exchange with its
settings in the environment (WSS_API_KEY, WSS_CONNECTOR_UUID) and no option.
"""

import sys
from pathlib import Path

from trio_calls import ActiveCall, run
from trio_calls.audio import read_wav
from trio_calls.demo import simulate

SPEECH = Path(__file__).parent / "speech"


async def handle_call(call: ActiveCall) -> None:
    await call.answer()
    await call.send_audio(read_wav(SPEECH / "greeting.wav", call.audio_format.sample_rate))
    async for chunk in call.audio_stream():  # ends when the caller hangs up
        await call.send_audio(chunk)


if __name__ == "__main__":
    if "--simulate" in sys.argv:
        simulate(__file__)
    else:
        run(handle_call)
