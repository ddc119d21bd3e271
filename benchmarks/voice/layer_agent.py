"""This SDK's layer for voice: ``python -m benchmarks.voice.layer_agent URL JOB DETECTOR``.

JOB is ``echo`` or ``talk``, see `benchmarks.voice.agents`. DETECTOR is the name of a detector of
`trio_calls.voice`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import trio

from benchmarks.agents.settings import API_KEY, CONNECTOR_UUID
from benchmarks.voice.by_hand_agent import new_detectors
from benchmarks.voice.sentences import ANSWER_SECONDS, SAMPLE_RATE, sentence
from trio_calls import ActiveCall, ClientConfig, serve_calls
from trio_calls.voice import Voice, open_voice


async def hear(voice: Voice) -> None:
    """Take in what the caller says, as an agent does that answers it."""
    async for _utterance in voice.utterances():
        pass


async def echo(new_detector: Callable[[], Any], call: ActiveCall) -> None:
    await call.answer()
    # The first to listen gets what came before. It is to be echoed.
    chunks = call.audio_stream()
    async with open_voice(call, detector=new_detector) as voice, trio.open_nursery() as nursery:
        nursery.start_soon(hear, voice)
        with voice.until_interrupted():
            async for chunk in chunks:
                await call.send_audio(chunk)


async def talk(new_detector: Callable[[], Any], call: ActiveCall) -> None:
    await call.answer()
    async with open_voice(call, detector=new_detector) as voice, trio.open_nursery() as nursery:
        nursery.start_soon(hear, voice)
        number = 0
        while True:
            await trio.sleep(ANSWER_SECONDS)
            number += 1
            with voice.until_interrupted():
                await voice.say(sentence(number))
                await trio.sleep_forever()


async def main(base_url: str, job: str, name: str) -> None:
    config = ClientConfig.sandbox(
        api_key=API_KEY,
        connector_uuid=CONNECTOR_UUID,
        sample_rate=SAMPLE_RATE,
        base_url=base_url,
    )
    handler = echo if job == "echo" else talk
    await serve_calls(partial(handler, new_detectors(name)), config)


if __name__ == "__main__":
    trio.run(main, sys.argv[1], sys.argv[2], sys.argv[3])
