"""Somebody calls the receptionist, and they talk, in real time: what `make talk` runs."""

import logging
import sys
from collections.abc import Awaitable, Callable

import trio

from examples.offline.speaking import SAMPLE_RATE, Synthesizer
from trio_calls import ActiveCall, serve_calls
from trio_calls.audio import SAMPLE_BYTES, level_dbfs
from trio_calls.simulator import Phone, SimulatedCall, answers, open_simulator

PAUSE_BYTES = SAMPLE_RATE * SAMPLE_BYTES
SILENCE_DBFS = -50


def talk(handle_call: Callable[[ActiveCall], Awaitable[None]]) -> None:
    """Let somebody call an agent, print who says what, and exit the program."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("trio_calls").setLevel(logging.WARNING)
    try:
        trio.run(simulate, handle_call)
    except* KeyboardInterrupt:
        sys.exit("interrupted")


async def simulate(handle_call: Callable[[ActiveCall], Awaitable[None]]) -> None:
    caller_voice, callee_voice = Synthesizer(pitch=0.88), Synthesizer(pitch=0.8)
    async with open_simulator(sample_rate=SAMPLE_RATE) as simulator, trio.open_nursery() as nursery:
        await nursery.start(serve_calls, handle_call, simulator.config)
        call = simulator.place_call(pickup=answers(after_seconds=2))
        nursery.start_soon(be_called, call, callee_voice)
        await call_the_workshop(call, caller_voice)
        await call.wait_ended()
        nursery.cancel_scope.cancel()


async def call_the_workshop(call: SimulatedCall, voice: Synthesizer) -> None:
    person = Person("caller", call.caller, voice)
    await call.caller.wait_talking()
    await trio.sleep(4)
    await person.say("What a lovely day it is today.")  # talks over the greeting
    await person.hear_out()
    await person.say("Hello, this is Ada, it is about a repair.")
    await call.wait_agent_left()
    await person.hear_out()
    await person.say("Wonderful, I am on my way. Goodbye.")
    call.caller.hang_up()


async def be_called(call: SimulatedCall, voice: Synthesizer) -> None:
    person = Person("callee", call.callee, voice)
    await call.callee.wait_talking()
    await call.wait_agent_left()
    await person.say("Good morning, Ada. Your bicycle is ready.")


class Person:
    """Somebody at a telephone who really speaks."""

    def __init__(self, name: str, phone: Phone, voice: Synthesizer) -> None:
        self._name = name
        self._phone = phone
        self._voice = voice

    async def say(self, text: str) -> None:
        logging.info("%s: %s", self._name, text)
        await self._phone.say(await self._voice.synthesize(text))

    async def hear_out(self) -> None:
        """Wait until the others have said something, and then nothing for a second."""
        start = len(self._phone.heard)
        heard = b""
        while level_dbfs(heard) < SILENCE_DBFS or level_dbfs(heard[-PAUSE_BYTES:]) > SILENCE_DBFS:
            await trio.sleep(0.1)
            heard = self._phone.heard[start:]
