"""This SDK, and a detector that is called by hand in the handler.

``python -m benchmarks.voice.by_hand_agent URL JOB DETECTOR``. JOB is ``echo`` or ``talk``, see
`benchmarks.voice.agents`. DETECTOR is ``none``, or the name of a detector of `trio_calls.voice`.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import trio

from benchmarks.agents.settings import API_KEY, CONNECTOR_UUID
from benchmarks.voice.sentences import ANSWER_SECONDS, SAMPLE_RATE, sentence
from trio_calls import ActiveCall, ClientConfig, serve_calls, voice

#: Somebody talks who is heard in so many windows one after the other.
_HOLD_WINDOWS: Final = 2
_PROBABILITY: Final = 0.5

_Interrupt = Callable[[], Awaitable[object]]


async def listen(
    call: ActiveCall,
    detector: Any,
    on_speech: _Interrupt,
    on_chunk: Callable[[bytes], Awaitable[object]] | None = None,
) -> None:
    """Feed a detector, and call back when speech begins; and with every chunk."""
    window_bytes = detector.window_samples * 2
    pieces, windows = bytearray(), 0
    async for chunk in call.audio_stream():
        pieces += chunk
        while len(pieces) >= window_bytes:
            probability = detector.feed(bytes(pieces[:window_bytes]))
            if inspect.isawaitable(probability):
                probability = await probability
            del pieces[:window_bytes]
            windows = windows + 1 if probability >= _PROBABILITY else 0
            if windows == _HOLD_WINDOWS:
                await on_speech()
        if on_chunk is not None:
            await on_chunk(chunk)


async def echo(new_detector: Callable[[], Any], call: ActiveCall) -> None:
    await call.answer()
    await listen(call, new_detector(), call.clear_send_audio_buffer, call.send_audio)


async def talk(new_detector: Callable[[], Any], call: ActiveCall) -> None:
    await call.answer()
    talking = trio.CancelScope()

    async def interrupt() -> None:
        talking.cancel()
        await call.clear_send_audio_buffer()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen, call, new_detector(), interrupt)
        number = 0
        while True:
            await trio.sleep(ANSWER_SECONDS)
            number += 1
            with trio.CancelScope() as talking:
                await call.send_audio(sentence(number))
                await trio.sleep_forever()


async def echo_alone(call: ActiveCall) -> None:
    await call.answer()
    async for chunk in call.audio_stream():
        await call.send_audio(chunk)


def new_detectors(name: str) -> Callable[[], Any]:
    """Return what makes the detector of a call."""
    named: Callable[[], Any] = getattr(voice, name)
    batched = getattr(named, "detector", None)
    return named if batched is None else named().detector


async def main(base_url: str, job: str, name: str) -> None:
    config = ClientConfig.sandbox(
        api_key=API_KEY,
        connector_uuid=CONNECTOR_UUID,
        sample_rate=SAMPLE_RATE,
        base_url=base_url,
    )
    if name == "none":
        await serve_calls(echo_alone, config)
    else:
        handler = echo if job == "echo" else talk
        await serve_calls(partial(handler, new_detectors(name)), config)


if __name__ == "__main__":
    trio.run(main, sys.argv[1], sys.argv[2], sys.argv[3])
