"""Let a synthesizer that knows nothing of Trio speak from a thread, piece by piece.

    PENDING → ANSWERED → DISCONNECTED

Run it from the top of the checkout, with the settings of an exchange in the environment
(WSS_API_KEY, WSS_CONNECTOR_UUID): `python -m examples.recipes.synthesizer_in_a_thread`.
"""

import wave
from collections.abc import Iterator
from pathlib import Path

import trio

from trio_calls import ActiveCall, run

SPEECH = Path(__file__).parents[1] / "speech"


async def handle_call(call: ActiveCall) -> None:
    await call.answer()
    # A hangup cancels the block, and with it what the thread waits for.
    with call.cancel_on_hangup():
        await trio.to_thread.run_sync(say, call, "greeting")
        await call.wait_audio_sent()
    await call.disconnect()


def say(call: ActiveCall, text: str) -> None:
    """Synthesize a text, and say it. For a thread of its own."""
    for chunk in synthesize(text):
        trio.from_thread.run(call.send_audio, chunk)


def synthesize(text: str) -> Iterator[bytes]:
    """Stand in for a synthesizer of yours: it yields PCM at 24 kHz, and blocks meanwhile."""
    with wave.open(str(SPEECH / f"{text}.wav")) as recording:
        while chunk := recording.readframes(2400):
            yield chunk


if __name__ == "__main__":
    run(handle_call)
