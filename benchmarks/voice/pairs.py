"""An agent in a process beside this one, and whoever calls it from here."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import attrs

from benchmarks.agent_process import open_agent
from benchmarks.exchange.call import ExchangeCall
from benchmarks.exchange.exchange import open_exchange
from benchmarks.exchange.frames import StampedAudio, media_head
from benchmarks.measure import AGENT_CORE, EXCHANGE_CORE, MeasurementError, Pair, wait_connected
from benchmarks.voice.agents import VOICE_AGENTS, Job
from benchmarks.voice.conversation import Conversation
from benchmarks.voice.environment import pipecat_python
from benchmarks.voice.quiet_audio import QuietAudio
from benchmarks.voice.raw_calls import RawCall, open_raw_exchange, raw_head
from benchmarks.voice.sentences import SAMPLE_RATE
from trio_calls.audio import FRAME_SECONDS, frame_bytes, read_wav, to_samples

_SPEECH: Final = Path(__file__).parents[2] / "examples" / "speech"
#: Shorter than an agent takes to answer, so that nobody is interrupted twice by the same words.
_SPEECH_SECONDS: Final = 0.8
#: Where speech begins: the first sample that is as loud as this.
_AUDIBLE: Final = 500

#: One frame is played while the next is on its way.
_FRAMES_AHEAD: Final = 2


class TalkedOverCall(ExchangeCall):
    """A call that asks for the agent's audio as it plays it, and for no more while none comes.

    Args:
      number: tells the calls apart.
      audio: its format.
      conversation: what is said.
    """

    def __init__(self, number: int, audio: StampedAudio, conversation: Conversation) -> None:
        super().__init__(number, audio, conversation, _FRAMES_AHEAD)
        self._conversation = conversation

    def send_frame(self, requested_frames: int) -> None:
        waiting = self._conversation.waiting_seconds(time.monotonic_ns()) / FRAME_SECONDS
        asked_for = self._credit / self._frame_bytes
        super().send_frame(max(0, round(_FRAMES_AHEAD - waiting - asked_for)))


@attrs.frozen
class VoicePair:
    """An agent that takes calls, and what its callers went through.

    Attributes:
      pair: the agent, and who calls it.
      conversations: one for each call, where the agent talks.
      recordings: the folder in which the agent records the calls, if it does.
    """

    pair: Pair
    conversations: list[Conversation] = attrs.field(factory=list)
    recordings: Path | None = None


@asynccontextmanager
async def open_voice_pair(name: str, job: Job) -> AsyncIterator[VoicePair]:
    """Run an agent beside this process, inside the block.

    Args:
      name: of the agent, out of `VOICE_AGENTS`.
      job: what it does.

    Raises:
      MeasurementError: the agent did not start.
    """
    os.sched_setaffinity(0, {EXCHANGE_CORE})
    conversations: list[Conversation] = []
    if VOICE_AGENTS[name].is_raw:
        async with _open_raw(name, job, conversations) as pair:
            yield VoicePair(pair, conversations)
        return
    with TemporaryDirectory() as folder:
        recordings = Path(folder) if VOICE_AGENTS[name].records else None
        async with _open_ours(name, job, conversations, recordings) as pair:
            yield VoicePair(pair, conversations, recordings)


@asynccontextmanager
async def _open_ours(
    name: str, job: Job, conversations: list[Conversation], recordings: Path | None
) -> AsyncIterator[Pair]:
    spec = VOICE_AGENTS[name]
    folder = () if recordings is None else (str(recordings),)
    audio = QuietAudio(SAMPLE_RATE)
    head = media_head(audio.frame_bytes)

    def make_call(number: int) -> ExchangeCall:
        if job == "echo":
            return ExchangeCall(number, audio)
        conversations.append(_conversation(head, number))
        return TalkedOverCall(number, audio, conversations[-1])

    async with (
        open_exchange(SAMPLE_RATE, make_call=make_call) as exchange,
        open_agent(
            spec.module,
            (exchange.base_url, job, *spec.arguments, *folder),
            cores={AGENT_CORE},
            environment={},
        ) as agent,
    ):
        await wait_connected(exchange, agent)
        yield Pair(name, exchange, agent, agent.resident_bytes(), is_tls=False)


@asynccontextmanager
async def _open_raw(name: str, job: Job, conversations: list[Conversation]) -> AsyncIterator[Pair]:
    spec = VOICE_AGENTS[name]
    size = frame_bytes(SAMPLE_RATE)
    head = raw_head(size)
    audio = QuietAudio(SAMPLE_RATE, head)

    def make_call(number: int) -> RawCall:
        if job == "echo":
            return RawCall(number, audio)
        conversations.append(_conversation(head, number))
        return RawCall(number, audio, conversations[-1])

    port = _free_port()
    async with (
        open_raw_exchange(port, make_call) as exchange,
        open_agent(
            spec.module,
            (f"{port}", job, *spec.arguments),
            cores={AGENT_CORE},
            environment={},
            python=pipecat_python(),
        ) as agent,
    ):
        try:
            await exchange.wait_listening()
        except TimeoutError:
            raise MeasurementError(f"does not listen\n{agent.complaints()}") from None
        yield Pair(name, exchange, agent, agent.resident_bytes(), is_tls=False)


def _conversation(head: bytes, number: int) -> Conversation:
    speech = caller_speech(number)
    return Conversation(speech, lambda pcm: head + pcm, SAMPLE_RATE, seed=number)


def caller_speech(number: int) -> list[bytes]:
    """Return what one of the callers says, in frames, from its first sound on."""
    paths = sorted(_SPEECH.glob("calle[er]_*.wav"))
    pcm = read_wav(paths[number % len(paths)], SAMPLE_RATE)
    first = int((abs(to_samples(pcm).astype(int)) >= _AUDIBLE).argmax())
    size = frame_bytes(SAMPLE_RATE)
    starts = range(2 * first, 2 * first + round(_SPEECH_SECONDS / FRAME_SECONDS) * size, size)
    return [pcm[start : start + size] for start in starts]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
