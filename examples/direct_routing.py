"""Connect without answering: the callee's phone rings at once, and the agent stays in the call.

    PENDING → CONNECTED     (until one of the two hangs up)

Run it with `python examples/direct_routing.py --simulate`, or against a real exchange with its
settings in the environment (WSS_API_KEY, WSS_CONNECTOR_UUID) and no option.
"""

import logging
import sys
from pathlib import Path

from trio_calls import ActiveCall, WSSCallCommandError, run
from trio_calls.audio import read_wav
from trio_calls.demo import simulate

SPEECH = Path(__file__).parent / "speech"


async def handle_call(call: ActiveCall) -> None:
    try:
        await call.connect(ring_time_seconds=20)
    except WSSCallCommandError as error:
        logging.info("%s did not pick up: %s", call.callee_number, error.error_code)
        await call.answer()
        await call.send_audio(read_wav(SPEECH / "not_available.wav", call.audio_format.sample_rate))
        await call.disconnect()
    # A conference goes on when its handler returns: the agent stays in until the call ends.


if __name__ == "__main__":
    if "--simulate" in sys.argv:
        simulate(__file__)
    else:
        run(handle_call)
