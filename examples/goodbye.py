"""End the call for everyone, and be heard: disconnect() lets queued speech go out first.

    PENDING → ANSWERED → DISCONNECTED

Run it with `python examples/goodbye.py --simulate`, or against a real exchange with its settings
in the environment (WSS_API_KEY, WSS_CONNECTOR_UUID) and no option.
"""

import sys
from pathlib import Path

from trio_calls import ActiveCall, run
from trio_calls.audio import read_wav
from trio_calls.demo import simulate

SPEECH = Path(__file__).parent / "speech"


async def handle_call(call: ActiveCall) -> None:
    await call.answer()
    await call.send_audio(read_wav(SPEECH / "goodbye.wav", call.audio_format.sample_rate))
    await call.disconnect()  # disconnect(flush=False) would cut the goodbye off


if __name__ == "__main__":
    if "--simulate" in sys.argv:
        simulate(__file__)
    else:
        run(handle_call)
