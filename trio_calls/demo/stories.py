"""The people in the demo: who calls, who answers, and what each of them says and must hear."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import attrs
import trio

from trio_calls.audio import find, frame_bytes, level_dbfs
from trio_calls.demo.examples import SAMPLE_RATE, load_speech
from trio_calls.simulator import Phone, Pickup, SimulatedCall, answers, never_answers
from trio_calls.state import CallState

#: The least correlation at which a sentence counts as heard. Two different sentences of the
#: examples stay below 0.2.
HEARD: Final = 0.9
NOT_HEARD: Final = 0.25

_LISTEN_EVERY_SECONDS: Final = 0.1
_SPEECH_DBFS: Final = -50.0
#: 0.7 s: longer than any pause within one of the examples' sentences.
_PAUSE_FRAMES: Final = 35


@attrs.frozen
class Promise:
    """Who must hear, or must not hear, which of the examples' sentences."""

    listener: str
    speech: str
    is_heard: bool = True

    def measure(self, call: SimulatedCall) -> float:
        """Return the correlation of the sentence with what the listener heard; 1.0 is perfect."""
        phone = call.caller if self.listener == "caller" else call.callee
        return find(load_speech(self.speech), phone.heard).correlation

    def is_kept(self, correlation: float) -> bool:
        """Return whether a correlation keeps this promise."""
        return correlation >= HEARD if self.is_heard else correlation < NOT_HEARD


@attrs.frozen
class Story:
    """One of the flows.

    Attributes:
      name: the name of the example that has the agent.
      title: a description of what happens.
      callee_number: the number that is called, which tells the stories' calls apart.
      pickup: what the callee does when the phone rings.
      states: the states that the agent's call goes through. If the last is not DISCONNECTED, the
        phones hang up after it.
      act: the function that plays caller and callee.
      promises: what must be true of their recordings.
      goes_on_without_agent: whether the two must still be talking when the agent has left.
    """

    name: str
    title: str
    callee_number: str
    pickup: Pickup
    states: tuple[CallState, ...]
    act: Callable[[SimulatedCall], Awaitable[None]]
    promises: tuple[Promise, ...]
    goes_on_without_agent: bool = False


class Listener:
    """Somebody at a phone who waits for the other side to finish speaking.

    Args:
      phone: the phone.
      sample_rate: the sample rate of what is heard there, in Hz.
    """

    def __init__(self, phone: Phone, sample_rate: int = SAMPLE_RATE) -> None:
        self._phone = phone
        self._pause_bytes = _PAUSE_FRAMES * frame_bytes(sample_rate)
        self._position = 0

    async def wait_sentence(self) -> None:
        """Wait for the next speech and the pause after it."""
        while True:
            await trio.sleep(_LISTEN_EVERY_SECONDS)
            heard = self._phone.heard[self._position :]
            has_paused = level_dbfs(heard[-self._pause_bytes :]) < _SPEECH_DBFS
            if has_paused and level_dbfs(heard) >= _SPEECH_DBFS:
                self._position += len(heard)
                return


async def talk_to_echo(call: SimulatedCall) -> None:
    """Have the caller say a sentence after the greeting, and wait until it comes back."""
    caller = Listener(call.caller)
    await caller.wait_sentence()
    await call.caller.say(load_speech("caller_request"))
    await caller.wait_sentence()


async def get_through(call: SimulatedCall) -> None:
    """Have the caller put through, and talk with the callee once the agent has left."""
    await Listener(call.caller).wait_sentence()
    await call.caller.say(load_speech("caller_request"))
    await call.wait_agent_left()
    await call.callee.say(load_speech("callee_hello"))
    await call.caller.say(load_speech("caller_thanks"))


async def be_coached(call: SimulatedCall) -> None:
    """Have the callee hear the agent's guidance before talking to the caller."""
    await call.callee.wait_talking()
    await Listener(call.callee).wait_sentence()
    await call.callee.say(load_speech("callee_hello"))


async def talk_directly(call: SimulatedCall) -> None:
    """Have caller and callee talk as soon as the callee has picked up."""
    await call.callee.wait_talking()
    await call.callee.say(load_speech("callee_hello"))
    await call.caller.say(load_speech("caller_request"))


async def be_dismissed(call: SimulatedCall) -> None:
    """Have the caller listen until the call ends."""
    await call.wait_ended()


STORIES: Final = (
    Story(
        name="basic_agent",
        title="answer and talk",
        callee_number="+65 6222 0001",
        pickup=never_answers(),
        states=(CallState.PENDING, CallState.ANSWERED, CallState.DISCONNECTED),
        act=talk_to_echo,
        promises=(Promise("caller", "greeting"), Promise("caller", "caller_request")),
    ),
    Story(
        name="front_desk",
        title="answer, gather, connect and leave",
        callee_number="+65 6222 0002",
        pickup=answers(after_seconds=1.0),
        states=(
            CallState.PENDING,
            CallState.ANSWERED,
            CallState.CONNECTED,
            CallState.DISCONNECTED,
        ),
        act=get_through,
        promises=(
            Promise("caller", "greeting"),
            Promise("caller", "please_hold"),
            Promise("callee", "please_hold", is_heard=False),
            Promise("caller", "callee_hello"),
            Promise("callee", "caller_thanks"),
        ),
        goes_on_without_agent=True,
    ),
    Story(
        name="assistant_whisper",
        title="answer, connect and whisper",
        callee_number="+65 6222 0003",
        pickup=answers(after_seconds=1.0),
        states=(CallState.PENDING, CallState.ANSWERED, CallState.CONNECTED),
        act=be_coached,
        promises=(
            Promise("callee", "guidance"),
            Promise("caller", "guidance", is_heard=False),
            Promise("caller", "callee_hello"),
        ),
    ),
    Story(
        name="direct_routing",
        title="connect without answering",
        callee_number="+65 6222 0004",
        pickup=answers(after_seconds=2.0),
        states=(CallState.PENDING, CallState.CONNECTED),
        act=talk_directly,
        promises=(Promise("caller", "callee_hello"), Promise("callee", "caller_request")),
    ),
    Story(
        name="goodbye",
        title="end the call for everyone",
        callee_number="+65 6222 0005",
        pickup=never_answers(),
        states=(CallState.PENDING, CallState.ANSWERED, CallState.DISCONNECTED),
        act=be_dismissed,
        promises=(Promise("caller", "goodbye"),),
    ),
)
