"""When a call is over, everything that it took is given back."""

import gc
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import attrs
import pytest
import trio
import trio.testing

from tests.support.memory_growth import measured_growth
from tests.support.peers.exchange import FakeExchange
from tests.support.peers.links import ControlEnd, MediaEnd
from trio_calls import ActiveCall, WSSError, WSSMediaError, events, open_call_client
from trio_calls.call.core import CallCore
from trio_calls.call.media_connection import MediaConnection
from trio_calls.call.received_audio import AudioStream
from trio_calls.call.scope import CallHandler
from trio_calls.client.offers import Session
from trio_calls.config import WireName
from trio_calls.simulator import (
    Fault,
    Moment,
    Pickup,
    Simulator,
    after,
    answers,
    cut_media,
    declines,
    never_answer,
    never_answers,
    refuse,
)
from trio_calls.voice import open_voice
from trio_calls.voice.timeline.collecting import collected
from trio_calls.wire.commands import CallEvent

pytestmark = [pytest.mark.measures_memory, pytest.mark.slow]

#: Bytes for each call that may be left: names of its session that are remembered, so many at the
#: most, which is 400 bytes or so, and what Python and its library keep for the next one. On the
#: second wire, who has called whom is remembered as well. A call that is kept takes many times as
#: much.
RESIDUE: Final[dict[WireName, int]] = {"first": 1024, "second": 1536}

UNSENT_AUDIO = 96_000
UNREAD_AUDIO = 48_000


class Lines:
    """Places calls at an exchange, one at a time or some at once, and keeps nothing of them."""

    def __init__(self, exchange: FakeExchange, control: ControlEnd) -> None:
        self._exchange = exchange
        self._control = control
        self._number = 0

    async def begin_call(self) -> MediaEnd:
        """Have a call answered."""
        self._number += 1
        await self._control.ring(f"session-{self._number}")
        media = await self._exchange.media()
        await media.accept("call.answer")
        return media

    async def end_call(self, media: MediaEnd) -> None:
        """Hang up."""
        await media.send(CallEvent("call.terminated"))
        await media.over.wait()
        await trio.testing.wait_all_tasks_blocked()
        self._exchange.attempts.clear()
        self._exchange.requests.clear()
        self._exchange.medias.clear()

    async def call(self) -> None:
        """Have a call answered, talk both ways, and hang up."""
        media = await self.begin_call()
        await media.speak(*[bytes(960)] * 5)
        assert await media.pull(960) == bytes(960)
        await self.end_call(media)


async def echo(call: ActiveCall) -> None:
    @call.on(events.CALL_ANSWERED)
    async def greet() -> None:
        await call.send_audio(bytes(1920))

    with call.cancel_on_hangup():
        await call.answer()
        async for chunk in call.audio_stream():
            await call.send_audio(chunk)


async def listen_to_nothing(call: ActiveCall) -> None:
    await call.answer()
    await call.send_audio(bytes(UNSENT_AUDIO))
    await call.wait_disconnected()


async def talk_and_listen(call: ActiveCall) -> None:
    await call.answer()
    async with open_voice(call) as voice:
        utterances = voice.utterances()
        with voice.until_interrupted():
            await voice.say(bytes(UNSENT_AUDIO))
        async for _ in utterances:
            pass


async def fail(call: ActiveCall) -> None:
    await call.answer()
    await call.send_audio(bytes(1920))
    await call.wait_disconnected()
    raise RuntimeError("a bug of the application")


HANDLERS = [echo, listen_to_nothing, talk_and_listen]


@pytest.mark.parametrize("handler", HANDLERS)
async def test_calls_one_after_another_leave_nothing_behind(
    exchange: FakeExchange, wire: WireName, handler: CallHandler
) -> None:
    # Tests keep timelines, to show those of a call that went wrong. Nothing else does.
    collected.set(None)
    async with open_call_client(exchange.config(blocked_warning_seconds=None)) as client:
        client.on(events.INCOMING_CALL)(handler)
        lines = Lines(exchange, await exchange.control())
        with measured_growth() as growth:
            for _ in range(20):
                await lines.call()
            before = await growth.bytes_after_a_while()
            for _ in range(40):
                await lines.call()
            assert await growth.bytes_after_a_while() - before < 40 * RESIDUE[wire]


@pytest.mark.parametrize("handler", HANDLERS)
async def test_a_call_is_freed_without_garbage_collection(
    exchange: FakeExchange, handler: CallHandler
) -> None:
    async with open_call_client(exchange.config(blocked_warning_seconds=None)) as client:
        client.on(events.INCOMING_CALL)(handler)
        lines = Lines(exchange, await exchange.control())
        with no_garbage_collection():
            for _ in range(10):
                await lines.call()
            assert parts_of_calls() == {}


async def test_a_failed_handler_keeps_no_call_in_memory(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)  # pytest keeps what is logged, with its traceback
    async with open_call_client(exchange.config(blocked_warning_seconds=None)) as client:
        client.on(events.INCOMING_CALL)(fail)
        lines = Lines(exchange, await exchange.control())
        with no_garbage_collection():
            for _ in range(10):
                await lines.call()
            assert parts_of_calls() == {}


async def connect(call: ActiveCall) -> None:
    with suppress(WSSError):
        await call.connect()


async def connect_in_a_block(call: ActiveCall) -> None:
    with call.cancel_on_hangup():
        await call.connect()


async def answer_and_whisper(call: ActiveCall) -> None:
    await call.connect()
    with suppress(WSSError):
        await call.whisper(flush=False)


async def connect_and_close(call: ActiveCall) -> None:
    await call.connect()
    with suppress(WSSError):
        await call.close()


@pytest.mark.parametrize(
    ("handler", "pickup", "fault", "when"),
    [
        (connect, declines(), None, None),
        (connect, never_answers(), None, None),
        (connect, never_answers(), cut_media(), after(seconds=0.5)),
        (connect, answers(), never_answer("call.connect"), None),
        (connect_in_a_block, never_answers(), None, None),
        (answer_and_whisper, answers(), refuse("agent.whisper", error_code="NO"), None),
        (answer_and_whisper, answers(), never_answer("agent.whisper"), None),
        (connect_and_close, answers(), refuse("call.close", error_code="NO"), None),
    ],
)
async def test_a_command_that_failed_keeps_no_call_in_memory(
    simulator: Simulator,
    caplog: pytest.LogCaptureFixture,
    *,
    handler: CallHandler,
    pickup: Pickup,
    fault: Fault | None,
    when: Moment | None,
) -> None:
    caplog.set_level(logging.CRITICAL)
    config = attrs.evolve(simulator.config, blocked_warning_seconds=None)
    async with open_call_client(config) as client:
        client.on(events.INCOMING_CALL)(handler)
        with no_garbage_collection():
            call = simulator.place_call(pickup=pickup)
            if fault is not None:
                simulator.inject(fault, call=call, when=when)
            await trio.sleep(70)
            call.caller.hang_up()
            call.callee.hang_up()
            await trio.sleep(5)
            assert parts_of_calls() == {}


async def test_an_unopened_call_is_not_kept_in_memory_either(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    attempts = 0

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        nonlocal attempts
        attempts += 1
        if attempts == 2:
            raise trio.BrokenResourceError
        assert simulator.config.open_stream is not None
        return await simulator.config.open_stream(host, port)

    async def answer(call: ActiveCall) -> None:
        with pytest.raises(WSSMediaError):
            await call.answer()
        await call.disconnect()

    caplog.set_level(logging.CRITICAL)
    config = attrs.evolve(simulator.config, blocked_warning_seconds=None, open_stream=open_stream)
    async with open_call_client(config) as client:
        client.on(events.INCOMING_CALL)(answer)
        with no_garbage_collection():
            await simulator.place_call().wait_ended()
            await trio.sleep(5)
            assert parts_of_calls() == {}


async def test_calls_at_once_give_their_memory_back(exchange: FakeExchange, wire: WireName) -> None:
    at_once = 30
    async with open_call_client(exchange.config(blocked_warning_seconds=None)) as client:
        client.on(events.INCOMING_CALL)(listen_to_nothing)
        lines = Lines(exchange, await exchange.control())

        async def hold_all() -> int:
            """Have calls at once. Returns the memory that they take together."""
            medias = [await lines.begin_call() for _ in range(at_once)]
            for media in medias:
                await media.speak(bytes(UNREAD_AUDIO))
            await trio.testing.wait_all_tasks_blocked()
            peak = growth.bytes_now()
            for media in medias:
                await lines.end_call(media)
            return peak

        with measured_growth() as growth:
            await hold_all()
            before = await growth.bytes_after_a_while()
            peak = await hold_all()
            assert peak - before > at_once * (UNREAD_AUDIO + UNSENT_AUDIO)
            assert await growth.bytes_after_a_while() - before < at_once * RESIDUE[wire]


def parts_of_calls() -> Counter[str]:
    """Count what is in memory of calls, by its class."""
    kinds = (ActiveCall, CallCore, MediaConnection, AudioStream, Session)
    return Counter(type(thing).__name__ for thing in gc.get_objects() if isinstance(thing, kinds))


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
