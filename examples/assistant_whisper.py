"""Answer, connect and whisper: bring in the callee, and tell them what the caller must not hear.

    PENDING → ANSWERED → CONNECTED     (until one of the two hangs up)

Run it with `python examples/assistant_whisper.py --simulate`, or against a real exchange with its
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
    await say(call, "please_hold.wav")
    await call.connect()
    await call.whisper()
    await say(call, "guidance.wav")  # only the callee hears this
    await call.spy()
    await call.wait_disconnected()


async def say(call: ActiveCall, name: str) -> None:
    await call.send_audio(read_wav(SPEECH / name, call.audio_format.sample_rate))
    await call.wait_audio_sent()


if __name__ == "__main__":
    if "--simulate" in sys.argv:
        simulate(__file__)
    else:
        run(handle_call)
