"""pipecat's agent, which runs in an environment of its own and knows nothing of this project.

``python -m benchmarks.voice.pipecat_agent PORT JOB WHAT [HOLD_SECONDS]`` takes each call as a
WebSocket of raw audio on that port. JOB is ``echo`` or ``talk``, see `benchmarks.voice.agents`.
WHAT is ``transport``, which leaves out whatever detects, or ``turn``. HOLD_SECONDS is how long
somebody has to talk before a turn begins, pipecat's own 0.2 s if it is left out.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADParams
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    StartFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.audio.vad_processor import VADProcessor
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.serializers.base_serializer import FrameSerializer
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.turns.user_start import VADUserTurnStartStrategy
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_processor import UserTurnProcessor
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.workers.runner import WorkerRunner

from benchmarks.voice.sentences import ANSWER_SECONDS, CLEAR, SAMPLE_RATE, sentence


class RawSerializer(FrameSerializer):
    """Audio is binary messages of PCM; that what was sent is to be forgotten is a text message."""

    async def serialize(self, frame: Frame) -> str | bytes | None:
        if isinstance(frame, OutputAudioRawFrame):
            pcm: bytes = frame.audio
            return pcm
        return CLEAR if isinstance(frame, InterruptionFrame) else None

    async def deserialize(self, data: str | bytes) -> Frame | None:
        if isinstance(data, str):
            return None
        return InputAudioRawFrame(audio=data, sample_rate=SAMPLE_RATE, num_channels=1)


class Echo(FrameProcessor):
    """Says what it hears."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            frame = _spoken(frame.audio)
        await self.push_frame(frame, direction)


class Talker(FrameProcessor):
    """Says a sentence, and the next one some time after it was interrupted."""

    def __init__(self) -> None:
        super().__init__()
        self._number = 0
        self._talking: asyncio.Task[None] | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            return
        await self.push_frame(frame, direction)
        if isinstance(frame, StartFrame | InterruptionFrame) and self._talking is None:
            self._talking = self.create_task(self._talk())

    async def _talk(self) -> None:
        await asyncio.sleep(ANSWER_SECONDS)
        self._talking = None
        self._number += 1
        # All at once, as a synthesizer would that is quicker than speech.
        await self.push_frame(_spoken(sentence(self._number)))


def _spoken(pcm: bytes) -> OutputAudioRawFrame:
    return OutputAudioRawFrame(audio=pcm, sample_rate=SAMPLE_RATE, num_channels=1)


def detecting(hold_seconds: float | None) -> list[FrameProcessor]:
    """Return what makes turns, and interrupts: no more than has to be, and no smart-turn."""
    hold = {} if hold_seconds is None else {"start_secs": hold_seconds}
    strategies = UserTurnStrategies(
        start=[VADUserTurnStartStrategy()],
        stop=[SpeechTimeoutUserTurnStopStrategy(wait_for_transcript=False)],
    )
    return [
        VADProcessor(vad_analyzer=SileroVADAnalyzer(params=VADParams(**hold))),
        UserTurnProcessor(user_turn_strategies=strategies),
    ]


def application(job: str, detectors: Any) -> FastAPI:
    """Return an application that takes calls."""
    app = FastAPI()

    @app.websocket("/")
    async def take_call(websocket: WebSocket) -> None:
        await websocket.accept()
        transport = FastAPIWebsocketTransport(
            websocket=websocket,
            params=FastAPIWebsocketParams(
                serializer=RawSerializer(),
                audio_in_enabled=True,
                audio_out_enabled=True,
                audio_out_10ms_chunks=2,
            ),
        )
        speaker = Echo() if job == "echo" else Talker()
        worker = PipelineWorker(
            Pipeline([transport.input(), *detectors(), speaker, transport.output()]),
            params=PipelineParams(
                audio_in_sample_rate=SAMPLE_RATE, audio_out_sample_rate=SAMPLE_RATE
            ),
            # Neither is part of the job, and both cost.
            enable_rtvi=False,
            enable_turn_tracking=False,
            cancel_on_idle_timeout=False,
        )

        @transport.event_handler("on_client_disconnected")
        async def hang_up(_transport: object, _websocket: object) -> None:
            await worker.cancel()

        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        await runner.run()

    return app


def main(port: str, job: str, what: str, hold_seconds: str | None = None) -> None:
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    hold = None if hold_seconds is None else float(hold_seconds)
    app = application(job, lambda: [] if what == "transport" else detecting(hold))
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")


if __name__ == "__main__":
    main(*sys.argv[1:])
