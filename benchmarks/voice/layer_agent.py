"""This SDK's layer for voice: ``python -m benchmarks.voice.layer_agent URL JOB DETECTOR [FOLDER]``.

JOB is ``echo`` or ``talk``, see `benchmarks.voice.agents`. DETECTOR is the name of a detector of
`trio_calls.voice`. With FOLDER both sides of each call are recorded there, in WAV files.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
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


class Agent:
    """Handles calls.

    Args:
      new_detector: makes the detector of a call.
      folder: where calls are recorded; None: they are not.
    """

    def __init__(self, new_detector: Callable[[], Any], folder: Path | None) -> None:
        self._new_detector = new_detector
        self._folder = folder

    @asynccontextmanager
    async def _open_voice(self, call: ActiveCall) -> AsyncIterator[Voice]:
        async with open_voice(call, detector=self._new_detector) as voice:
            if self._folder is None:
                yield voice
                return
            async with voice.record(self._folder / f"{call.call_id}.wav"):
                yield voice

    async def echo(self, call: ActiveCall) -> None:
        """Say what is heard."""
        await call.answer()
        # The first to listen gets what came before. It is to be echoed.
        chunks = call.audio_stream()
        async with self._open_voice(call) as voice, trio.open_nursery() as nursery:
            nursery.start_soon(hear, voice)
            with voice.until_interrupted():
                async for chunk in chunks:
                    await call.send_audio(chunk)

    async def talk(self, call: ActiveCall) -> None:
        """Say one sentence after the other, until somebody interrupts it."""
        await call.answer()
        async with self._open_voice(call) as voice, trio.open_nursery() as nursery:
            nursery.start_soon(hear, voice)
            number = 0
            while True:
                await trio.sleep(ANSWER_SECONDS)
                number += 1
                with voice.until_interrupted():
                    await voice.say(sentence(number))
                    await trio.sleep_forever()


async def main(base_url: str, job: str, name: str, folder: str | None = None) -> None:
    config = ClientConfig.sandbox(
        api_key=API_KEY,
        connector_uuid=CONNECTOR_UUID,
        sample_rate=SAMPLE_RATE,
        base_url=base_url,
    )
    agent = Agent(new_detectors(name), None if folder is None else Path(folder))
    await serve_calls(agent.echo if job == "echo" else agent.talk, config)


if __name__ == "__main__":
    trio.run(partial(main, *sys.argv[1:]))
