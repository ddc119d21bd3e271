"""Answer, gather, connect and leave: ask what the caller wants, and put them through.

    PENDING → ANSWERED → CONNECTED → DISCONNECTED     (caller and callee go on talking)

Run it with `python examples/front_desk.py --simulate`, or against a real exchange with its
settings in the environment (WSS_API_KEY, WSS_CONNECTOR_UUID) and no option.
"""

import logging
import sys
from pathlib import Path

from trio_calls import ActiveCall, WSSCallCommandError, run
from trio_calls.audio import duration_seconds, level_dbfs, read_wav
from trio_calls.demo import simulate

SPEECH = Path(__file__).parent / "speech"
SILENCE_DBFS = -45
SILENCE_SECONDS = 0.7


async def handle_call(call: ActiveCall) -> None:
    await call.answer()
    await say(call, "greeting.wav")
    request = await listen_for_sentence(call)
    seconds = duration_seconds(len(request), call.audio_format.sample_rate)
    logging.info("%s spoke for %.1f s: recognize it here", call.caller_number, seconds)
    await say(call, "please_hold.wav")
    try:
        await call.connect(ring_time_seconds=30)
    except WSSCallCommandError:  # nobody picked up: the caller is still ours
        await say(call, "not_available.wav")
        await call.disconnect()
    else:
        await call.close()


async def say(call: ActiveCall, name: str) -> None:
    await call.send_audio(read_wav(SPEECH / name, call.audio_format.sample_rate))
    await call.wait_audio_sent()


async def listen_for_sentence(call: ActiveCall) -> bytes:
    """Record the caller from the first sound to the first pause after it."""
    sentence = bytearray()
    silent_bytes = 0
    async for chunk in call.audio_stream():
        is_silent = level_dbfs(chunk) < SILENCE_DBFS
        if sentence or not is_silent:
            sentence += chunk
        silent_bytes = silent_bytes + len(chunk) if is_silent else 0
        if sentence and silent_bytes >= SILENCE_SECONDS * call.audio_format.bytes_per_second:
            break
    return bytes(sentence)


if __name__ == "__main__":
    if "--simulate" in sys.argv:
        simulate(__file__)
    else:
        run(handle_call)
