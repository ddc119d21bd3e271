"""The handlers of the load: the five flows, and an agent that is interrupted."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Protocol

import trio

from benchmarks.soak.records import Record, Utterance, voice
from trio_calls import ActiveCall, WSSCallCommandError, WSSError

RING_SECONDS: Final = 5.0

#: How much longer than it lasts `ActiveCall.disconnect` waits for queued audio to be pulled.
FLUSH_SECONDS: Final = 2.0


class Reporter(Protocol):
    """Who is told of calls."""

    def call_begun(self, call_number: int) -> None:
        """A handler was given a call."""

    def call_over(self, record: Record) -> None:
        """A handler is done with it."""


class Agent:
    """Serves each call as its caller's number says, ``<flow> <number>``, and reports it."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    async def handle_call(self, call: ActiveCall) -> None:
        flow, number = str(call.caller_number).split()
        record = Record(int(number))
        self._reporter.call_begun(record.call_number)
        try:
            await _talk_and_listen(call, FLOWS[flow], record)
        except Exception as error:
            record.crash = repr(error)
            raise
        finally:
            self._reporter.call_over(record)


async def _talk_and_listen(call: ActiveCall, flow: Flow, record: Record) -> None:
    async with trio.open_nursery() as nursery:
        speaker = Speaker(call, record, nursery)
        try:
            await flow(speaker)
        except WSSError as error:
            record.errors.append(type(error).__name__)
            with suppress(WSSError):
                await call.close()
        if not record.has_listened:
            nursery.cancel_scope.cancel()


class Speaker:
    """An agent in a call: says things, and keeps book.

    Attributes:
      call: the call.
    """

    def __init__(self, call: ActiveCall, record: Record, nursery: trio.Nursery) -> None:
        self.call = call
        self._record = record
        self._nursery = nursery

    def listen(self) -> None:
        """From here on read everything that is heard, to the end of the call."""
        self._record.has_listened = True
        self._nursery.start_soon(self._listen)

    async def _listen(self) -> None:
        async for chunk in self.call.audio_stream():
            self._record.frames_heard.append(zlib.crc32(chunk))

    async def say(self, seconds: float) -> None:
        """Say something and wait until it has gone out."""
        utterance = await self.begin_to_say(seconds)
        await self.call.wait_audio_sent()
        if self.call.ending is None:
            utterance.confirmed_by = "sent"

    async def begin_to_say(self, seconds: float) -> Utterance:
        """Queue something to say."""
        utterance = Utterance(len(self._record.utterances), seconds)
        self._record.utterances.append(utterance)
        pcm = voice(self._record.call_number, utterance.part, seconds)
        # As speech comes from a synthesizer: in pieces that are no frames.
        for start in range(0, len(pcm), 7000):
            await self.call.send_audio(pcm[start : start + 7000])
        return utterance


Flow = Callable[[Speaker], Awaitable[None]]


async def basic_agent(speaker: Speaker) -> None:
    await speaker.call.answer()
    speaker.listen()
    for seconds in (1.0, 0.7654, 2.0):
        await speaker.say(seconds)
        await trio.sleep(0.3)
    await speaker.call.wait_disconnected()


async def front_desk(speaker: Speaker) -> None:
    await speaker.call.answer()
    speaker.listen()
    await speaker.say(1.5)
    try:
        await speaker.call.connect(ring_time_seconds=RING_SECONDS)
    except WSSCallCommandError:
        await speaker.say(0.9)
        await speaker.call.disconnect()
    else:
        await speaker.call.close()


async def assistant_whisper(speaker: Speaker) -> None:
    await speaker.call.answer()
    speaker.listen()
    await speaker.call.connect(ring_time_seconds=RING_SECONDS)
    await speaker.call.whisper()
    await speaker.say(1.2345)
    await speaker.call.spy()
    await speaker.call.barge()
    await speaker.say(0.8)
    await speaker.call.wait_disconnected()


async def direct_routing(speaker: Speaker) -> None:
    try:
        await speaker.call.connect(ring_time_seconds=RING_SECONDS)
    except WSSCallCommandError:
        await speaker.call.disconnect()
        return
    speaker.listen()
    await speaker.say(0.5)
    await speaker.call.close()


async def goodbye(speaker: Speaker) -> None:
    await speaker.call.answer()
    speaker.listen()
    utterance = await speaker.begin_to_say(2.345)
    began = trio.current_time()
    await speaker.call.disconnect()
    utterance.confirmed_by = "leaving"
    utterance.was_cut_short = trio.current_time() - began > FLUSH_SECONDS + utterance.seconds
    utterance.unsent_bytes = speaker.call.statistics().unheard_bytes


async def interrupted(speaker: Speaker) -> None:
    await speaker.call.answer()
    speaker.listen()
    utterance = await speaker.begin_to_say(4.0)
    await trio.sleep(1.0)
    utterance.was_cut_short = True
    utterance.unsent_bytes = await speaker.call.clear_send_audio_buffer()
    utterance.confirmed_by = "sent"
    await speaker.say(1.0)
    await speaker.call.close()


FLOWS: Final[dict[str, Flow]] = {
    flow.__name__: flow
    for flow in (
        basic_agent,
        front_desk,
        assistant_whisper,
        direct_routing,
        goodbye,
        interrupted,
    )
}
