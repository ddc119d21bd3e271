"""People who call the examples and really speak, in real time: what `make talk` runs."""

from __future__ import annotations

import logging
import secrets
import sys
from collections.abc import Awaitable, Callable

import trio

from examples.offline.speaking import SAMPLE_RATE, Synthesizer
from trio_calls import ActiveCall, serve_calls
from trio_calls.audio import SAMPLE_BYTES, level_dbfs
from trio_calls.demo import chosen_wire
from trio_calls.simulator import Phone, SimulatedCall, answers, open_simulator

PAUSE_BYTES = SAMPLE_RATE * SAMPLE_BYTES
SILENCE_DBFS = -50

Handler = Callable[[ActiveCall], Awaitable[None]]
Act = Callable[[SimulatedCall, "Person", "Person"], Awaitable[None]]


def talk(handle_call: Handler, act: Act) -> None:
    """Let somebody call an agent, and print who says what.

    Args:
      handle_call: the agent.
      act: what caller and callee do.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("trio_calls").setLevel(logging.WARNING)
    try:
        trio.run(simulate, handle_call, act)
    except* KeyboardInterrupt:
        sys.exit("interrupted")


async def simulate(handle_call: Handler, act: Act) -> None:
    voices = Synthesizer(pitch=0.88), Synthesizer(pitch=0.8)
    async with (
        # Calls of different runs have different names, as files may be called after them.
        open_simulator(
            sample_rate=SAMPLE_RATE, seed=secrets.randbits(32), wire=chosen_wire()
        ) as simulator,
        trio.open_nursery() as nursery,
    ):
        await nursery.start(serve_calls, handle_call, simulator.config)
        call = simulator.place_call(pickup=answers(after_seconds=2))
        await call.caller.wait_talking()
        await act(
            call, Person("caller", call.caller, voices[0]), Person("callee", call.callee, voices[1])
        )
        call.caller.hang_up()
        await call.wait_ended()
        await trio.sleep(1)  # the agent may have something to finish
        nursery.cancel_scope.cancel()


async def call_the_workshop(call: SimulatedCall, caller: Person, callee: Person) -> None:
    await trio.sleep(4)
    await caller.say("What a lovely day it is today.")  # talks over the greeting
    await caller.hear_out()
    await caller.say("Hello, this is Ada, it is about a repair.")
    await call.wait_agent_left()
    await callee.say("Good morning, Ada. Your bicycle is ready.")
    await caller.say("Wonderful, I am on my way. Goodbye.")


async def dictate_a_letter(call: SimulatedCall, caller: Person, callee: Person) -> None:
    for sentence in (
        "I would like to talk about the weather.",
        "My bicycle has a flat tire, and I need it tomorrow morning.",
        "Please send me the invoice for last month.",
    ):
        await caller.say(sentence)
        await trio.sleep(1.5)


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
